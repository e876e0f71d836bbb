/* Words to xenstore, by the messages that its daemon understands (xen/include/public/io/xs_wire.h). */
#include <poll.h>

#include "guest.h"

#define XS_WRITE 11
#define PATIENCE 2000 /* milliseconds for an answer */
#define LONGEST 128   /* bytes of a key and its value; answers that we wait for are shorter */

struct message {
	uint32_t type, request, transaction, size;
	char data[LONGEST];
};

static int open_store(void)
{
	int fd = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	return fd >= 0 || errno != ENOENT ? fd : open("/proc/xen/xenbus", O_RDWR | O_CLOEXEC | O_NONBLOCK);
}

/* The answer may come in pieces. */
static int await_answer(int fd)
{
	struct message answer;
	struct pollfd store = {.fd = fd, .events = POLLIN};
	const size_t head = offsetof(struct message, data);
	size_t got = 0;
	while (got < head || got < head + answer.size) {
		ssize_t size = poll(&store, 1, PATIENCE) > 0 ? read(fd, (char *)&answer + got, sizeof answer - got) : 0;
		if (size <= 0)
			return -1;
		got += (size_t)size;
		if (got >= head && answer.size > LONGEST)
			return -1;
	}
	return answer.type == XS_WRITE ? 0 : -1;
}

/* Writes a value; a key without a leading slash is the domain's own. */
int write_to_store(const char *key, const char *value)
{
	struct message message = {.type = XS_WRITE};
	size_t first = strlen(key) + 1, size = strlen(value), whole = offsetof(struct message, data) + first + size;
	if (first + size > LONGEST)
		return -1;
	message.size = (uint32_t)(first + size);
	memcpy(message.data, key, first);
	memcpy(message.data + first, value, size);
	int fd = open_store(), bad = fd < 0 || write(fd, &message, whole) != (ssize_t)whole || await_answer(fd);
	close(fd);
	return bad ? -1 : 0;
}
