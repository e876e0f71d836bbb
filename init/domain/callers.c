/* Verbs of the runtime, which speak with the watcher over its socket. */
#include <sys/socket.h>

#include "domain.h"

/* A frame for one of them; whoever has gone meanwhile misses it. */
int tell(struct watcher *w, int i, const struct frame *frame)
{
	struct frame passed = *frame;
	passed.process = 0;
	if (i < 0 || i >= MAX_DOMAIN_CLIENTS || w->callers[i].fd < 0)
		return 0;
	return put_frame(&w->callers[i].out, &passed);
}

/* Why the container cannot be started: the number of a step of the guest's plan, or 0, an errno, and words. */
void tell_starter(struct watcher *w, int step, int why, const char *text, size_t size)
{
	char data[8 + DETAIL_SIZE + ENVELOPE_NOISE];
	if (size > sizeof data - 8)
		size = sizeof data - 8;
	memcpy(data, &step, 4);
	memcpy(data + 4, &why, 4);
	memcpy(data + 8, text, size);
	struct frame frame = {(uint32_t)(8 + size), 0, FRAME_FAILED, 0, data};
	tell(w, w->starter, &frame);
	w->starter = -1;
	w->patience = 0;
}

static void forget(struct caller *c)
{
	close(c->fd);
	c->fd = -1;
}

static int is_allowed(int type)
{
	return type == FRAME_SIGNAL || type == FRAME_TIME || type == FRAME_MEASURE;
}

static int on_start(struct watcher *w, int i)
{
	struct frame running = {.type = FRAME_STARTED};
	if (w->is_running)
		return tell(w, i, &running);
	w->starter = i;
	w->is_asked = 1;
	w->front.is_reading = 1;
	w->patience = milliseconds() + w->step->patience;
	return w->is_ready ? start_container(w) : 0;
}

static int on_call(struct watcher *w, int i, const struct frame *frame)
{
	struct frame passed = *frame;
	if (frame->type == FRAME_START)
		return on_start(w, i);
	if (!is_allowed(frame->type))
		return -1;
	passed.process = (uint16_t)(i + 1);
	return put_frame(&w->out, &passed);
}

static void hear(struct watcher *w, int i)
{
	struct caller *c = &w->callers[i];
	struct frame frame;
	int size = fill(&c->in), got = 0;
	int is_gone = size == 0 || (size < 0 && errno != EAGAIN);
	while (!is_gone && (got = next_frame(&c->in, &frame)) > 0)
		is_gone = on_call(w, i, &frame) != 0;
	if (is_gone || got < 0)
		forget(c);
}

void accept_caller(struct watcher *w)
{
	int fd = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	for (int i = 0; i < MAX_DOMAIN_CLIENTS && fd >= 0 && is_welcome(fd); i++) {
		struct caller *c = &w->callers[i];
		if (c->fd >= 0)
			continue;
		c->fd = c->in.fd = c->out.fd = fd;
		c->in.start = c->in.end = c->out.start = c->out.end = 0;
		return;
	}
	close(fd);
}

void serve_callers(struct watcher *w, const struct polls *polls)
{
	for (int i = 0; i < MAX_DOMAIN_CLIENTS; i++) {
		struct caller *c = &w->callers[i];
		if (happened(polls, c->fd, POLLIN) || happened(polls, c->fd, POLLIN | POLLOUT))
			hear(w, i);
		if (c->fd >= 0 && flush(&c->out))
			forget(c);
	}
}
