/* A request to rtnetlink and its answer. */
#include "netlink.h"

int open_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

/* Sends a request and waits for the kernel's word on it. */
int ask_netlink(int fd, struct nlmsghdr *head)
{
	static char part[4096] __attribute__((aligned(4)));
	head->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (send(fd, head, head->nlmsg_len, 0) < 0)
		return -1;
	ssize_t size = recv(fd, part, sizeof part, 0);
	struct nlmsghdr *answer = (struct nlmsghdr *)part;
	if (size < 0)
		return -1;
	errno = EPROTO;
	if (!NLMSG_OK(answer, size) || answer->nlmsg_type != NLMSG_ERROR || size < (ssize_t)NLMSG_LENGTH(sizeof(int)))
		return -1;
	int error;
	memcpy(&error, NLMSG_DATA(answer), sizeof error);
	errno = -error;
	return error ? -1 : 0;
}

/* The number of the device that has this name in the socket's namespace, -1 without one. */
int device_number(int fd, const char *name)
{
	struct ifreq request = {0};
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	return ioctl(fd, SIOCGIFINDEX, &request) < 0 ? -1 : request.ifr_ifindex;
}
