#include <poll.h>
#include <stddef.h>

#include "../init.h"
#include "xenbus.h"

#define XS_WATCH 4
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
static int await_answer(int fd, uint32_t type)
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
	return answer.type == type ? 0 : -1;
}

/* A message of two words; the second one's end is told by the message's size, or by a NUL of its own. */
static int send_words(int fd, uint32_t type, const char *first, const char *second, size_t size)
{
	struct message message = {.type = type};
	size_t start = strlen(first) + 1, whole = offsetof(struct message, data) + start + size;
	if (start + size > LONGEST)
		return -1;
	message.size = (uint32_t)(start + size);
	memcpy(message.data, first, start);
	memcpy(message.data + start, second, size);
	return write(fd, &message, whole) == (ssize_t)whole ? 0 : -1;
}

/* Writes a value; a key without a leading slash is the domain's own. */
int write_to_store(const char *key, const char *value)
{
	int fd = open_store();
	int bad = fd < 0 || send_words(fd, XS_WRITE, key, value, strlen(value)) || await_answer(fd, XS_WRITE);
	close(fd);
	return bad ? -1 : 0;
}

/* A descriptor that can be read when something at the path has changed, and once at first; -1 where there is no store. */
int watch_store(const char *path)
{
	int fd = open_store();
	if (fd < 0 || !send_words(fd, XS_WATCH, path, "", 1))
		return fd;
	close(fd);
	return -1;
}

/* What has changed is not said in there. */
void empty_store(int fd)
{
	struct message ignored;
	while (read(fd, &ignored, sizeof ignored) > 0)
		continue;
}
