/* What the guest's init says over the console. Every byte may come from a hostile guest. */
#include <time.h>

#include "domain.h"

#define MOST_KILLS 4096

/* A domain's clock may stand still with it. */
static int send_time(struct watcher *w)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t nanoseconds = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	struct frame frame = {sizeof nanoseconds, 0, FRAME_TIME, 0, (const char *)&nanoseconds};
	return put_frame(&w->out, &frame);
}

static int greet(struct watcher *w, const struct frame *frame)
{
	uint32_t protocol = 0;
	if (w->has_greeted || frame->size != 20)
		return -1;
	memcpy(&protocol, frame->data, 4);
	if (protocol != FRAME_PROTOCOL || memcmp(frame->data + 4, w->step->digest.data, 16))
		return -1;
	w->has_greeted = 1;
	struct frame answer = *frame;
	return put_frame(&w->out, &answer) || send_time(w) ? -1 : 0;
}

/* The guest answers whoever has asked for the start. */
int start_container(struct watcher *w)
{
	return put_number(&w->out, w->starter + 1, FRAME_START, 0, 0);
}

static int become_ready(struct watcher *w)
{
	if (!w->has_greeted || w->is_ready)
		return -1;
	w->is_ready = 1;
	front_resize(&w->front);
	return w->is_asked ? start_container(w) : 0;
}

static int fail(struct watcher *w, const struct frame *frame)
{
	int step = 0, why = 0;
	if (frame->size < 8)
		return -1;
	memcpy(&step, frame->data, 4);
	memcpy(&why, frame->data + 4, 4);
	tell_starter(w, step, why, frame->data + 8, frame->size - 8);
	return 0;
}

/* One byte for each; what a guest may write in dom0 is bounded. */
static void note_kills(struct watcher *w, uint32_t count)
{
	for (; w->kills < count && w->kills < MOST_KILLS; w->kills++)
		if (write(w->oom, "k", 1) != 1)
			return;
}

static int begin_running(struct watcher *w, const struct frame *frame)
{
	w->is_running = 1;
	w->patience = 0;
	int bad = tell(w, w->starter, frame);
	w->starter = -1;
	return bad;
}

static int exited(struct watcher *w, const struct frame *frame)
{
	if (w->has_exited || frame->size != 4 || number_in(frame) > 255)
		return -1;
	w->has_exited = 1;
	w->exit_status = (int)number_in(frame);
	w->ending = milliseconds() + w->step->ending;
	return 0;
}

static int is_of_stream(int type)
{
	return type == FRAME_DATA || type == FRAME_END || type == FRAME_CREDIT;
}

static int hear_container(struct watcher *w, const struct frame *frame)
{
	if (frame->type == FRAME_HELLO)
		return greet(w, frame);
	if (frame->type == FRAME_READY)
		return become_ready(w);
	if (frame->type == FRAME_FAILED)
		return fail(w, frame);
	if (frame->type == FRAME_STARTED)
		return begin_running(w, frame);
	if (frame->type == FRAME_EXITED)
		return exited(w, frame);
	if (frame->type == FRAME_OOM)
		note_kills(w, number_in(frame));
	if (frame->type == FRAME_NOTE)
		return tell(w, w->starter, frame);
	if (frame->type == FRAME_OOM || frame->type == FRAME_ASK)
		return 0;
	return is_of_stream(frame->type) && w->is_ready ? front_frame(&w->front, frame) : -1;
}

/* An answer to a verb; that to the start is about the container too. */
static int hear_answer(struct watcher *w, const struct frame *frame)
{
	if (frame->type == FRAME_STARTED)
		return begin_running(w, frame);
	if (frame->type == FRAME_FAILED)
		return fail(w, frame);
	return frame->type < FRAME_READY || is_of_stream(frame->type) ? -1 : tell(w, frame->process - 1, frame);
}

static int hear_frame(struct watcher *w, const struct frame *frame)
{
	if (frame->process > MAX_DOMAIN_CLIENTS)
		return -1;
	return frame->process ? hear_answer(w, frame) : hear_container(w, frame);
}

/* -1 when the line is gone, with EPROTO when what comes on it cannot be the init's. */
int hear_domain(struct watcher *w)
{
	struct frame frame;
	int size = fill(&w->in), got = 0;
	if (size == 0 || (size < 0 && errno != EAGAIN)) {
		errno = size ? errno : EIO;
		return -1;
	}
	while (!got && (got = next_frame(&w->in, &frame)) > 0)
		got = hear_frame(w, &frame);
	errno = EPROTO;
	return got;
}
