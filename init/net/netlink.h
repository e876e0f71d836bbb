/* Asking the kernel about network devices, by rtnetlink (rtnetlink(7)). */
#ifndef RINGFENCE_NETLINK_H
#define RINGFENCE_NETLINK_H

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "../init.h"

#define DUMP_PART 32768 /* the kernel makes no part of a dump longer (net/netlink/af_netlink.c, netlink_dump) */

int open_netlink(void);
int ask_netlink(int fd, struct nlmsghdr *head);
int device_number(int fd, const char *name);

#endif
