/* The resolver that an engine runs in the container's network namespace, on a loopback address there. It is no address
 * of any network, so questions are asked here and passed to the host, where the supervisor asks them again. */
#include <sys/socket.h>

#include "guest.h"

#define PORT 53
#define LARGEST 4096

static int open_names(uint32_t address)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = address};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&own, sizeof own) == 0)
		return fd;
	int why = errno;
	close(fd);
	errno = why;
	return -1;
}

int serve_names(struct guest *g, const struct frame *frame)
{
	struct frame answer = {0, frame->process, FRAME_STARTED, 0, NULL};
	if (g->names.fd >= 0)
		close(g->names.fd);
	g->names.fd = open_names(number_in(frame));
	if (g->names.fd < 0)
		return tell_failure(g, frame->process, 0, errno, "cannot answer for the network's resolver");
	return put_frame(&g->out, &answer);
}

/* Whoever asked first is forgotten when too many wait: resolvers ask again. */
void pass_questions(struct guest *g)
{
	static char question[LARGEST];
	struct names *n = &g->names;
	while (has_room(&g->out)) {
		struct sockaddr_in *asker = &n->askers[n->next];
		socklen_t size = sizeof *asker;
		ssize_t got = recvfrom(n->fd, question, sizeof question, 0, (struct sockaddr *)asker, &size);
		if (got < 0)
			return;
		struct frame frame = {(uint32_t)got, 0, FRAME_ASK, (uint8_t)n->next, question};
		put_frame(&g->out, &frame);
		n->next = (n->next + 1) % FRAME_QUESTIONS;
	}
}

int pass_answer(struct guest *g, const struct frame *frame)
{
	if (frame->stream >= FRAME_QUESTIONS)
		return -1;
	struct sockaddr_in *asker = &g->names.askers[frame->stream];
	if (g->names.fd >= 0 && asker->sin_port)
		sendto(g->names.fd, frame->data, frame->size, 0, (struct sockaddr *)asker, sizeof *asker);
	return 0;
}
