/* The guest's questions to the resolver of the network namespace, which is ours: asked again from here. */
#include <netinet/in.h>
#include <sys/socket.h>

#include "session.h"

#define PORT 53
#define LARGEST 4096

void names_begin(struct names *n)
{
	n->address = 0;
	for (int i = 0; i < FRAME_QUESTIONS; i++)
		n->asked[i] = -1;
}

/* A question in the place of one that has not been answered takes it over. Only the resolver is ever asked. */
int names_ask(struct names *n, const struct frame *frame)
{
	struct sockaddr_in resolver = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = n->address};
	if (frame->stream >= FRAME_QUESTIONS || !n->address)
		return -1;
	int *fd = &n->asked[frame->stream];
	if (*fd >= 0)
		close(*fd);
	*fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0 || connect(*fd, (struct sockaddr *)&resolver, sizeof resolver) < 0)
		return 0;
	send(*fd, frame->data, frame->size, MSG_NOSIGNAL);
	return 0;
}

void names_watch(const struct names *n, struct polls *polls)
{
	for (int i = 0; i < FRAME_QUESTIONS; i++)
		watch(polls, n->asked[i], POLLIN);
}

/* An answer, or word that nobody listens there; either ends the question. */
int names_serve(struct names *n, const struct polls *polls, struct outbox *out)
{
	static char answer[LARGEST];
	for (int i = 0; i < FRAME_QUESTIONS; i++) {
		if (!happened(polls, n->asked[i], POLLIN) || !has_room(out))
			continue;
		ssize_t size = recv(n->asked[i], answer, sizeof answer, 0);
		close(n->asked[i]);
		n->asked[i] = -1;
		struct frame frame = {(uint32_t)size, 0, FRAME_ANSWER, (uint8_t)i, answer};
		if (size > 0 && put_frame(out, &frame))
			return -1;
	}
	return 0;
}
