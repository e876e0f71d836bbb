/* A relay stands for one more process in the guest: its plan goes over the connection, then bytes and signals. One that
 * stands for a further container of the machine's is what engines know as that container. */
#include <signal.h>

#include "session.h"

struct relay {
	const struct relay_process *step;
	struct inbox in;
	struct outbox out;
	struct front front;
	int signals, is_started, is_over, exit_status;
};

static int send_all(struct outbox *out)
{
	struct pollfd one = {.fd = out->fd, .events = POLLOUT};
	while (is_waiting(out))
		if (flush(out) || (is_waiting(out) && poll(&one, 1, -1) < 0 && errno != EINTR))
			return -1;
	return 0;
}

static int hand_plan(struct outbox *out, const struct relay_process *s)
{
	const struct text *plan = &s->plan;
	struct frame frame = {.type = FRAME_PLAN};
	uint32_t key = (uint32_t)s->key;
	for (size_t at = 0; at < plan->size; at += frame.size) {
		frame.size = plan->size - at < FRAME_LARGEST ? (uint32_t)(plan->size - at) : FRAME_LARGEST;
		frame.data = plan->data + at;
		if (put_frame(out, &frame) || send_all(out))
			return -1;
	}
	int mode = (s->terminal ? 1 : 0) | (s->member ? FRAME_MEMBER : 0);
	frame = (struct frame){sizeof key, 0, FRAME_RUN, (uint8_t)mode, (const char *)&key};
	return put_frame(out, &frame) || send_all(out) ? -1 : 0;
}

/* A step of the guest's plan that failed: it is numbered on from ours. */
static _Noreturn void fail(struct run *r, const struct frame *frame)
{
	int step = 0, why = 0;
	size_t size = frame->size > 8 ? frame->size - 8 : 0;
	if (frame->size >= 8) {
		memcpy(&step, frame->data, 4);
		memcpy(&why, frame->data + 4, 4);
	}
	if (size >= DETAIL_SIZE)
		size = DETAIL_SIZE - 1;
	memcpy(r->detail, frame->data + 8, size);
	r->detail[size] = 0;
	r->step = (uint32_t)step;
	report(r, REPORT_FAILED, why, r->detail);
	_exit(r->exit_status);
}

/* The supervisor shows our tree to the guest, and takes it away again when we are gone. */
static int hand_files(struct run *r, struct relay *y)
{
	static char data[FRAME_LARGEST];
	const struct text *files = &y->step->files;
	uint32_t pid = (uint32_t)getpid();
	if (files->size > sizeof data - sizeof pid)
		return -1;
	memcpy(data, &pid, sizeof pid);
	memcpy(data + sizeof pid, files->data, files->size);
	struct frame frame = {(uint32_t)(files->size + sizeof pid), 0, FRAME_SHARE, 0, data};
	struct pollfd one = {.fd = y->in.fd, .events = POLLIN};
	int got = put_frame(&y->out, &frame) || send_all(&y->out) ? -1 : 0;
	while (!got && poll(&one, 1, -1) > 0 && fill(&y->in) > 0)
		got = next_frame(&y->in, &frame);
	if (got > 0 && frame.type == FRAME_FAILED)
		fail(r, &frame);
	return got > 0 ? 0 : -1;
}

static void begin(struct run *r, struct relay *y)
{
	if (y->step->member && show_container(r, &y->step->shown)) {
		say(r, "cannot leave the host's files", NULL);
		report(r, REPORT_FAILED, errno, r->detail);
			_exit(r->exit_status);
	}
	front_resize(&y->front);
	y->is_started = 1;
	become_independent(r, y->in.fd);
}

static int take(struct run *r, struct relay *y, const struct frame *frame)
{
	if (frame->type == FRAME_FAILED)
		fail(r, frame);
	if (frame->type == FRAME_STARTED || frame->type == FRAME_READY) {
		if (!y->is_started)
			begin(r, y);
		y->front.is_reading |= frame->type == FRAME_STARTED;
		return 0;
	}
	if (frame->type == FRAME_EXITED) {
		y->is_over = 1;
		y->exit_status = (int)(number_in(frame) & 0xff);
		return 0;
	}
	return front_frame(&y->front, frame);
}

/* -1 when the connection has ended: so has the container, by whatever has killed it. */
static int hear(struct run *r, struct relay *y)
{
	struct frame frame;
	int size = fill(&y->in), got;
	if (size == 0 || (size < 0 && errno != EAGAIN))
		return -1;
	while ((got = next_frame(&y->in, &frame)) > 0)
		if (take(r, y, &frame))
			return -1;
	return got;
}

static int relay_once(struct run *r, struct relay *y)
{
	static struct polls polls;
	int ignored = 0;
	polls.count = 0;
	watch(&polls, y->signals, POLLIN);
	if (!y->is_over)
		watch(&polls, y->in.fd, is_waiting(&y->out) ? POLLIN | POLLOUT : POLLIN);
	if (y->is_started)
		front_watch(&y->front, &polls);
	if (poll(polls.list, (nfds_t)polls.count, -1) < 0)
		return errno == EINTR ? 0 : -1;
	pass_signals(y->signals, &y->front, &ignored);
	front_serve(&y->front, &polls);
	if (polls.count > 1 && polls.list[1].fd == y->in.fd && polls.list[1].revents && !y->is_over && hear(r, y))
		return -1;
	return y->is_over ? 0 : flush(&y->out);
}

int do_relay_process(struct run *r, const struct relay_process *s)
{
	static struct relay y;
	int fd = r->slots + (int)s->connection;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	y.step = s;
	y.in.fd = y.out.fd = fd;
	y.exit_status = 128 + SIGKILL;
	y.signals = open_signals();
	if ((s->member && hand_files(r, &y)) || hand_plan(&y.out, s))
		return say(r, "cannot reach the container's supervisor", NULL);
	front_begin(&y.front, &y.out, s->terminal != 0);
	while (!y.is_over || !front_is_drained(&y.front))
		if (relay_once(r, &y))
			break;
	if (!y.is_started)
		return say(r, "the container has ended", NULL);
	_exit(y.exit_status);
}
