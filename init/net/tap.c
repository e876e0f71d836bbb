/* The host's end of a guest's network: a tap for each device in the container's network namespace, which is ours. */
#include <linux/if_tun.h>
#include <net/if_arp.h>

#include "netlink.h"
#include "tap.h"

#define TUN "/dev/net/tun"

static int is_ethernet(struct nlmsghdr *head)
{
	struct ifinfomsg *link = NLMSG_DATA(head);
	return head->nlmsg_type == RTM_NEWLINK && head->nlmsg_len >= NLMSG_LENGTH(sizeof *link) &&
	       link->ifi_type == ARPHRD_ETHER;
}

/* Counts what one part of the dump has; 1 when it was the last. */
static int count_part(int fd, int *count)
{
	static char part[DUMP_PART] __attribute__((aligned(4)));
	ssize_t size = recv(fd, part, sizeof part, 0);
	if (size < 0)
		return -1;
	for (struct nlmsghdr *head = (struct nlmsghdr *)part; NLMSG_OK(head, size); head = NLMSG_NEXT(head, size)) {
		if (head->nlmsg_type == NLMSG_DONE)
			return 1;
		*count += is_ethernet(head);
	}
	return 0;
}

/* Loopback and tunnel devices, which the kernel may make in every namespace, are not of this type. */
static int count_devices(int fd)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
	} request = {.head = {.nlmsg_len = sizeof request, .nlmsg_type = RTM_GETLINK,
			      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
	int count = 0, last;
	if (send(fd, &request, sizeof request, 0) < 0)
		return -1;
	while ((last = count_part(fd, &count)) == 0)
		continue;
	return last < 0 ? -1 : count;
}

static void name_tap(char *name, int number)
{
	char digits[24];
	strcpy(name, TAP_NAME);
	strcat(name, number_text(digits + sizeof digits, number));
}

static int open_tap(struct run *r, int number)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open(TUN, O_RDWR | O_CLOEXEC);
	name_tap(request.ifr_name, number);
	if (fd < 0)
		return say(r, "cannot open " TUN ", which carries a guest's network (is its module loaded?)", NULL);
	if (ioctl(fd, TUNSETIFF, &request) == 0)
		return fd;
	int why = errno;
	close(fd);
	errno = why;
	return say(r, "cannot make the network device ", request.ifr_name, " by " TUN, NULL);
}

static int open_each(struct run *r, int *taps, int count)
{
	for (int i = 0; i < count; i++)
		if ((taps[i] = open_tap(r, i)) < 0)
			return -1;
	return count;
}

/* An engine may bring a device only when the container has been created, so one tap may be there without any; but where
 * there can be none, a container without a network does not need it. Returns their number. */
int open_taps(struct run *r, int *taps, int most, int has_spare)
{
	int fd = open_netlink(), count = fd < 0 ? -1 : count_devices(fd);
	if (count < 0)
		return say(r, "cannot read the network devices", NULL);
	int is_held = device_number(fd, TAP_NAME "0") >= 0;
	close(fd);
	errno = EBUSY;
	if (is_held)
		return say(r, "another machine holds this network namespace", NULL);
	errno = E2BIG;
	if (count > most)
		return say(r, "the network namespace has more devices than a machine takes", NULL);
	if (count)
		return open_each(r, taps, count);
	if (!most || !has_spare)
		return 0;
	if (open_each(r, taps, 1) == 1)
		return 1;
	r->detail[0] = 0;
	return 0;
}
