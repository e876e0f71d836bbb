/* Whom a supervisor serves, and what of theirs it passes on to the guest. */
#include <linux/netlink.h>
#include <sys/socket.h>

#include "session.h"

/* Only the runtime's user and root are served (unix(7), SO_PEERCRED). */
int is_welcome(int fd)
{
	struct ucred who;
	socklen_t size = sizeof who;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		return 0;
	return who.uid == 0 || who.uid == getuid();
}

int may_send(int type)
{
	static const int allowed[] = {FRAME_PLAN, FRAME_RUN,  FRAME_START, FRAME_SIGNAL, FRAME_RESIZE, FRAME_DATA,
				      FRAME_END,  FRAME_CREDIT, FRAME_TIME,  FRAME_LIST,   FRAME_MEASURE, FRAME_NAMES,
				      FRAME_HOLD};
	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
		if (allowed[i] == type)
			return 1;
	return 0;
}

/* The monitor, or a netlink socket that speaks of the container's network namespace, which is ours. */
int lend(int client, int what, int monitor)
{
	if (what < FRAME_NETWORK)
		return send_descriptor(client, "monitor", monitor);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, what - FRAME_NETWORK), bad = fd < 0 || send_descriptor(client, "network", fd);
	close(fd);
	return bad ? -1 : 0;
}
