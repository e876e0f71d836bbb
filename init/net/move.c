/* Moving a network device into the container's network namespace, by rtnetlink (rtnetlink(7)).
 *
 * A move takes a device's addresses from it and may change its number, so the addresses are kept here and the device is
 * given a name of our own on its way, by which it is found again. */
#include <sched.h>

#include "netlink.h"

#define KEPT 65536

struct link_request {
	struct nlmsghdr head;
	struct ifinfomsg link;
	char attributes[64];
};

static char part[DUMP_PART] __attribute__((aligned(4))), kept[KEPT] __attribute__((aligned(4)));
static size_t kept_size;

static void put(struct nlmsghdr *head, unsigned short type, const void *value, size_t size)
{
	struct rtattr *attribute = (struct rtattr *)((char *)head + NLMSG_ALIGN(head->nlmsg_len));
	attribute->rta_type = type;
	attribute->rta_len = (unsigned short)RTA_LENGTH(size);
	memcpy(RTA_DATA(attribute), value, size);
	head->nlmsg_len = NLMSG_ALIGN(head->nlmsg_len) + RTA_LENGTH(size);
}

/* A socket stays in the namespace it was opened in, so the conductor is away only for that moment. */
static int open_netlink_of(struct run *r)
{
	char path[64] = "", buffer[24];
	strcat(path, number_text(buffer + sizeof buffer, r->child));
	strcat(path, "/ns/net");
	int fd = -1, home = openat(r->procfs, "self/ns/net", O_RDONLY | O_CLOEXEC);
	int there = openat(r->procfs, path, O_RDONLY | O_CLOEXEC);
	if (home >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0) {
		fd = open_netlink();
		if (setns(home, CLONE_NEWNET) < 0)
			fd = -1;
	}
	int why = errno;
	close(home);
	close(there);
	errno = why;
	return fd;
}

static uint32_t flags_of(struct nlmsghdr *head)
{
	struct ifaddrmsg *address = NLMSG_DATA(head);
	uint32_t flags = address->ifa_flags;
	int left = (int)IFA_PAYLOAD(head);
	for (struct rtattr *one = IFA_RTA(address); RTA_OK(one, left); one = RTA_NEXT(one, left))
		if (one->rta_type == IFA_FLAGS && RTA_PAYLOAD(one) == sizeof flags)
			memcpy(&flags, RTA_DATA(one), sizeof flags);
	return flags;
}

/* Keeps an address as the request that sets it again, without its label, which begins with the old name. */
static int keep(struct nlmsghdr *head)
{
	struct ifaddrmsg *address = NLMSG_DATA(head);
	struct nlmsghdr *request = (struct nlmsghdr *)(kept + kept_size);
	int left = (int)IFA_PAYLOAD(head);
	if (KEPT - kept_size < NLMSG_ALIGN(head->nlmsg_len)) {
		errno = E2BIG;
		return -1;
	}
	*request = (struct nlmsghdr){
	    .nlmsg_len = NLMSG_LENGTH(sizeof *address),
	    .nlmsg_type = RTM_NEWADDR,
	    .nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL,
	};
	memcpy(NLMSG_DATA(request), address, sizeof *address);
	for (struct rtattr *one = IFA_RTA(address); RTA_OK(one, left); one = RTA_NEXT(one, left))
		if (one->rta_type != IFA_LABEL)
			put(request, one->rta_type, RTA_DATA(one), RTA_PAYLOAD(one));
	kept_size += NLMSG_ALIGN(request->nlmsg_len);
	return 0;
}

/* Permanent addresses of global scope, of every family; the others belong to the host (config-linux.md). */
static int is_to_be_kept(struct nlmsghdr *head, int device)
{
	struct ifaddrmsg *address = NLMSG_DATA(head);
	return head->nlmsg_type == RTM_NEWADDR && head->nlmsg_len >= NLMSG_LENGTH(sizeof *address) &&
	       address->ifa_index == (unsigned)device && address->ifa_scope == RT_SCOPE_UNIVERSE &&
	       flags_of(head) & IFA_F_PERMANENT;
}

/* Keeps what one part of the dump says; 1 when it was the last. */
static int read_part(int fd, int device)
{
	ssize_t size = recv(fd, part, sizeof part, MSG_TRUNC);
	if (size < 0)
		return -1;
	errno = EPROTO;
	if (size > (ssize_t)sizeof part)
		return -1;
	for (struct nlmsghdr *head = (struct nlmsghdr *)part; NLMSG_OK(head, size); head = NLMSG_NEXT(head, size)) {
		if (head->nlmsg_type == NLMSG_DONE)
			return 1;
		if (head->nlmsg_type == NLMSG_ERROR || (is_to_be_kept(head, device) && keep(head)))
			return -1;
	}
	return 0;
}

static int keep_addresses(int fd, int device)
{
	struct {
		struct nlmsghdr head;
		struct ifaddrmsg address;
	} request = {.head = {.nlmsg_len = sizeof request, .nlmsg_type = RTM_GETADDR,
			      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
	kept_size = 0;
	if (send(fd, &request, sizeof request, 0) < 0)
		return -1;
	int last;
	while ((last = read_part(fd, device)) == 0)
		continue;
	return last < 0 ? -1 : 0;
}

static int restore_addresses(int fd, int device)
{
	for (size_t at = 0; at < kept_size;) {
		struct nlmsghdr *request = (struct nlmsghdr *)(kept + at);
		at += NLMSG_ALIGN(request->nlmsg_len);
		((struct ifaddrmsg *)NLMSG_DATA(request))->ifa_index = (unsigned)device;
		if (ask_netlink(fd, request))
			return -1;
	}
	return 0;
}

static struct link_request change_of(int device)
{
	return (struct link_request){
	    .head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)), .nlmsg_type = RTM_NEWLINK},
	    .link = {.ifi_index = device},
	};
}

static int move(struct run *r, int fd, int device, const char *passing)
{
	struct link_request request = change_of(device);
	uint32_t pid = (uint32_t)r->child;
	put(&request.head, IFLA_NET_NS_PID, &pid, sizeof pid);
	put(&request.head, IFLA_IFNAME, passing, strlen(passing) + 1);
	return ask_netlink(fd, &request.head);
}

static int rename_device(int fd, int device, const char *name)
{
	struct link_request request = change_of(device);
	put(&request.head, IFLA_IFNAME, name, strlen(name) + 1);
	return ask_netlink(fd, &request.head);
}

static int set_up(int fd, int device)
{
	struct link_request request = change_of(device);
	request.link.ifi_flags = request.link.ifi_change = IFF_UP;
	return ask_netlink(fd, &request.head);
}

static int open_both(struct run *r, int *here, int *there)
{
	*here = open_netlink();
	*there = open_netlink_of(r);
	if (*here < 0 || *there < 0)
		return say(r, "cannot reach the container's network namespace", NULL);
	return 0;
}

/* Everything that can be known to fail is looked at before the first device is moved: none is ever moved back. */
int do_check_net_device(struct run *r, const struct check_net_device *s)
{
	int here, there;
	if (open_both(r, &here, &there))
		return -1;
	if (device_number(here, s->name.data) < 0)
		return say(r, "there is no network device ", s->name.data, NULL);
	if (!strchr(s->target.data, '%') && device_number(there, s->target.data) >= 0) {
		errno = EEXIST;
		return say(r, "the container's network namespace has a device ", s->target.data, NULL);
	}
	close(here);
	return close(there);
}

static int arrive(struct run *r, const struct move_net_device *s, int there, const char *passing)
{
	int device = device_number(there, passing);
	if (device < 0 || rename_device(there, device, s->target.data))
		return say(r, "cannot rename network device ", s->name.data, " to ", s->target.data, NULL);
	if (restore_addresses(there, device))
		return say(r, "cannot restore the addresses of network device ", s->name.data, NULL);
	if (set_up(there, device))
		return say(r, "cannot set up network device ", s->name.data, NULL);
	return 0;
}

int do_move_net_device(struct run *r, const struct move_net_device *s)
{
	char passing[IFNAMSIZ] = "rf", buffer[24];
	int device, here, there;
	strcat(passing, number_text(buffer + sizeof buffer, r->child));
	if (open_both(r, &here, &there))
		return -1;
	device = device_number(here, s->name.data);
	if (device < 0)
		return say(r, "there is no network device ", s->name.data, NULL);
	if (keep_addresses(here, device))
		return say(r, "cannot read the addresses of network device ", s->name.data, NULL);
	if (move(r, here, device, passing))
		return say(r, "cannot move network device ", s->name.data, NULL);
	if (arrive(r, s, there, passing))
		return -1;
	close(here);
	close(there);
	return 0;
}
