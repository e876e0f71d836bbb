/* Performing what has been decided about a network: requests to rtnetlink that are made already. */
#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "netlink.h"

#define LARGEST 4096
#define LONGEST_ADDRESS 32 /* MAX_ADDR_LEN of linux/netdevice.h */
#define MOST_DEVICES 64

/* The number of a device of the guest's is only known there. Every route begins with the attribute RTA_OIF, which is
 * where its number goes; for a device or an address it has a field of its own. */
static void put_number_in(struct nlmsghdr *request, int device)
{
	size_t place = sizeof *request + 4;
	if (request->nlmsg_type == RTM_NEWROUTE)
		place = NLMSG_LENGTH(sizeof(struct rtmsg)) + sizeof(struct rtattr);
	memcpy((char *)request + place, &device, sizeof device);
}

/* Takes the next request out of a list; NULL for one that cannot be. */
static struct nlmsghdr *next_request(const char **at)
{
	static char buffer[LARGEST] __attribute__((aligned(4)));
	struct nlmsghdr *request = (struct nlmsghdr *)buffer;
	uint64_t size;
	const char *data = list_next(*at, &size);
	*at = data + size + 1;
	errno = EINVAL;
	if (size < NLMSG_LENGTH(sizeof(struct ifaddrmsg)) || size > sizeof buffer)
		return NULL;
	memcpy(buffer, data, size);
	request->nlmsg_len = (uint32_t)size;
	return request;
}

static int send_each(struct run *r, int fd, const struct list *requests, int device)
{
	const char *at = requests->data;
	for (uint32_t i = 0; i < requests->count; i++) {
		struct nlmsghdr *request = next_request(&at);
		if (!request)
			return -1;
		put_number_in(request, device);
		if (ask_netlink(fd, request) && errno != EEXIST && errno != EADDRNOTAVAIL)
			return say(r, "cannot set up the network", NULL);
	}
	return 0;
}

/* The number of the device that was made with this hardware address, whichever it has by now; 0 without one. */
static int device_with(int fd, const struct text *address)
{
	struct {
		struct ethtool_perm_addr head;
		char data[LONGEST_ADDRESS];
	} made;
	for (int number = 1; number < MOST_DEVICES; number++) {
		struct ifreq request = {.ifr_ifindex = number};
		if (ioctl(fd, SIOCGIFNAME, &request) < 0)
			continue;
		made.head = (struct ethtool_perm_addr){.cmd = ETHTOOL_GPERMADDR, .size = LONGEST_ADDRESS};
		request.ifr_data = (void *)&made;
		if (ioctl(fd, SIOCETHTOOL, &request) == 0 && address->size == 6 && !memcmp(made.data, address->data, 6))
			return number;
	}
	return 0;
}

int do_set_interface(struct run *r, const struct set_interface *s)
{
	int fd = open_netlink(), device = fd < 0 ? 0 : device_with(fd, &s->address);
	errno = ENODEV;
	int bad = device ? send_each(r, fd, &s->requests, device) : say(r, "the machine has no such device", NULL);
	int why = errno;
	close(fd);
	errno = why;
	return bad;
}

/* The device is taken from its driver (Documentation/driver-api/driver-model): a container that has no network must
 * see none. */
int do_remove_interface(struct run *r, const struct remove_interface *s)
{
	char path[64] = "/sys/class/net/", target[256] = "";
	int fd = open_netlink(), device = fd < 0 ? 0 : device_with(fd, &s->address);
	struct ifreq request = {.ifr_ifindex = device};
	int bad = !device || ioctl(fd, SIOCGIFNAME, &request) < 0;
	close(fd);
	if (bad)
		return 0;
	strcat(path, request.ifr_name);
	strcat(path, "/device");
	ssize_t size = readlink(path, target, sizeof target - 1);
	const char *name = size > 0 ? strrchr(target, '/') : NULL;
	int driver = open("/sys/bus/virtio/drivers/virtio_net/unbind", O_WRONLY | O_CLOEXEC);
	bad = !name || driver < 0 || write(driver, name + 1, strlen(name + 1)) < 0;
	int why = errno;
	close(driver);
	errno = why;
	return bad ? say(r, "cannot take away the network device ", request.ifr_name, NULL) : 0;
}

/* What is gone already need not be taken away. */
int do_take_redirects_away(struct run *r, const struct take_redirects_away *s)
{
	(void)r;
	const char *at = s->requests.data;
	int fd = open_netlink();
	for (uint32_t i = 0; fd >= 0 && i < s->requests.count; i++) {
		struct nlmsghdr *request = next_request(&at);
		if (request)
			ask_netlink(fd, request);
	}
	return fd < 0 ? -1 : close(fd);
}
