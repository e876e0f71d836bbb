/* The supervisor: the process that engines know as the container. It holds the machine, passes bytes and signals, lets
 * relays and verbs speak with the guest, and ends as the container's process has ended. */
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "session.h"

#define MAX_CLIENTS 64
#define MOST_KILLS 4096
#define GRACE 500 /* milliseconds for a machine whose daemon has ended */
#define ENDING 2000 /* milliseconds for a machine to end by itself */
#define LAST 50     /* milliseconds for the ends of relays to be heard of before ours */
#define LOST 255 /* the guest is gone and has not said how the container ended */

struct supervisor {
	struct run *r;
	const struct supervise *step;
	struct inbox in;
	struct outbox out;
	struct front front;
	struct names names;
	struct client clients[MAX_CLIENTS];
	struct tail output, errors, console;
	int listener, monitor, signals, oom;
	uint32_t kills;
	pid_t machine, daemon;
	int64_t deadline;
	int has_greeted, is_ready, is_lost, is_bereft, is_over, had_processes, exit_status;
};

/* Whose mount namespace the guest's files are in. */
static pid_t server(const struct supervisor *v)
{
	return v->daemon > 0 ? v->daemon : v->machine;
}

/* Nothing follows a HOLD but what ends it, if that must be because its client has gone: a machine's state is kept
 * between two frames. */
static int pass_hold(struct supervisor *v, int i, const struct frame *frame)
{
	struct frame passed = *frame;
	passed.process = (uint16_t)(i + 1);
	v->out.is_held = 0;
	v->clients[i].has_hold = frame->stream == FRAME_STREAM_HOLD;
	int bad = frame->stream >= FRAME_STREAM_NEW_HOST || put_frame(&v->out, &passed);
	if (v->clients[i].has_hold)
		hold(&v->out);
	return bad;
}

static void forget_client(struct supervisor *v, int i)
{
	struct client *c = &v->clients[i];
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	if (c->has_hold)
		pass_hold(v, i, &(struct frame){.type = FRAME_HOLD, .stream = FRAME_STREAM_GO_ON});
	if (c->has_process)
		put_number(&v->out, i + 1, FRAME_HANGUP, 0, 0);
	hide_files(v->r->procfs, &c->shown, server(v));
}

/* Before the container is ready a failure is the runtime's to tell; the step is one of the guest's plan, or none. */
static _Noreturn void fail(struct supervisor *v, int step, int why, const char *text, size_t size)
{
	struct run *r = v->r;
	if (size >= DETAIL_SIZE) {
		text += size - DETAIL_SIZE + 1;
		size = DETAIL_SIZE - 1;
	}
	memcpy(r->detail, text, size);
	r->detail[size] = 0;
	if (step)
		r->step = (uint32_t)step;
	report(r, REPORT_FAILED, why, r->detail);
	_exit(1);
}

static _Noreturn void fail_with(struct supervisor *v, int why, const char *words, const struct tail *tail)
{
	char text[DETAIL_SIZE];
	size_t used = strlen(words), left = sizeof text - used, size = tail->size < left ? tail->size : left;
	memcpy(text, words, used);
	memcpy(text + used, tail->data + tail->size - size, size);
	fail(v, 0, why, text, used + size);
}

static void fail_guest(struct supervisor *v, const struct frame *frame)
{
	int step = 0, why = 0;
	if (frame->size < 8)
		fail(v, 0, EPROTO, "the guest", 9);
	memcpy(&step, frame->data, 4);
	memcpy(&why, frame->data + 4, 4);
	fail(v, step, why, frame->data + 8, frame->size - 8);
}

/* The machine is ended at once: its disks are the host's, and the guest has synced before its last word. */
static void end_container(struct supervisor *v, int status)
{
	if (v->is_over)
		return;
	v->is_over = 1;
	v->deadline = 0;
	for (int i = 0; i < MAX_CLIENTS; i++)
		v->had_processes |= v->clients[i].fd >= 0 && v->clients[i].has_process;
	v->exit_status = status;
	if (v->machine > 0)
		kill(v->machine, SIGKILL);
	/* A short program's start and end may come at once: who asked for the start is told of it first. */
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (v->clients[i].fd >= 0) {
			flush(&v->clients[i].out);
			close(v->clients[i].fd);
		}
}

/* A machine whose files are gone has its last moments, whatever its guest says in them. */
static void set_deadline(struct supervisor *v, int64_t deadline)
{
	if (!v->is_bereft)
		v->deadline = deadline;
}

/* A container that has been restored runs already, and has ``waiting`` bytes of its standard input before it. */
static int become_ready(struct supervisor *v, uint32_t waiting)
{
	if (!v->has_greeted || v->is_ready || waiting > FRAME_WINDOW)
		return -1;
	if (show_container(v->r, &v->step->shown))
		fail(v, 0, errno, "cannot leave the host's files", 29);
	if (confine((uint64_t)v->step->capabilities))
		fail(v, 0, errno, "cannot give up the supervisor's rights", 38);
	v->is_ready = 1;
	v->front.credit -= waiting;
	v->front.is_reading = v->step->state.size != 0;
	set_deadline(v, 0);
	become_independent(v->r, v->listener);
	return 0;
}

/* The machine's clock tells whole seconds only. */
static int send_time(struct supervisor *v)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t nanoseconds = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	struct frame frame = {sizeof nanoseconds, 0, FRAME_TIME, 0, (const char *)&nanoseconds};
	return put_frame(&v->out, &frame);
}

/* The guest of a restored container has greeted another supervisor. */
static int greet_again(struct supervisor *v)
{
	struct frame frame = {.type = FRAME_HOLD, .stream = FRAME_STREAM_NEW_HOST};
	v->has_greeted = 1;
	return put_frame(&v->out, &frame) || send_time(v);
}

static int greet(struct supervisor *v, const struct frame *frame)
{
	uint32_t protocol = 0;
	if (v->has_greeted || frame->size != 20)
		return -1;
	memcpy(&protocol, frame->data, 4);
	if (protocol != FRAME_PROTOCOL || memcmp(frame->data + 4, v->step->digest.data, 16))
		return -1;
	v->has_greeted = 1;
	set_deadline(v, milliseconds() + v->step->patience);
	struct frame answer = *frame;
	return put_frame(&v->out, &answer) || send_time(v) ? -1 : 0;
}

/* One byte for each; what a guest may write on the host is bounded. */
static int note_kills(struct supervisor *v, uint32_t count)
{
	for (; v->kills < count && v->kills < MOST_KILLS; v->kills++)
		if (write(v->oom, "k", 1) != 1)
			return 0;
	return 0;
}

static int is_of_stream(int type)
{
	return type == FRAME_DATA || type == FRAME_END || type == FRAME_CREDIT;
}

/* What the guest says of the container's own process. */
static int hear_container(struct supervisor *v, const struct frame *frame)
{
	if (frame->type == FRAME_HELLO)
		return greet(v, frame);
	if (frame->type == FRAME_READY) {
		front_resize(&v->front);
		return become_ready(v, v->step->state.size ? number_in(frame) : 0);
	}
	if (frame->type == FRAME_FAILED && !v->is_ready)
		fail_guest(v, frame);
	if (!v->is_ready)
		return -1;
	if (frame->type == FRAME_STARTED)
		return 0;
	if (frame->type == FRAME_OOM)
		return note_kills(v, number_in(frame));
	if (frame->type == FRAME_ASK)
		return names_ask(&v->names, frame);
	if (frame->type == FRAME_EXITED && frame->size == 4 && number_in(frame) <= 255) {
		end_container(v, (int)number_in(frame));
		return 0;
	}
	return is_of_stream(frame->type) ? front_frame(&v->front, frame) : -1;
}

/* What it says to a client; one that has gone meanwhile misses it. */
static int hear_process(struct supervisor *v, const struct frame *frame)
{
	struct client *c = &v->clients[frame->process - 1];
	struct frame passed = *frame;
	if (frame->type < FRAME_READY && !is_of_stream(frame->type))
		return -1;
	if (frame->type == FRAME_EXITED || frame->type == FRAME_FAILED)
		c->has_process = 0;
	passed.process = 0;
	if (c->fd >= 0 && put_frame(&c->out, &passed))
		return -1;
	return 0;
}

static int hear_guest(struct supervisor *v)
{
	struct frame frame;
	int size = fill(&v->in), got;
	if (size == 0 || (size < 0 && errno != EAGAIN))
		return -1;
	while (!v->is_over && (got = next_frame(&v->in, &frame)) > 0) {
		if (frame.process > MAX_CLIENTS)
			return -1;
		if (frame.process ? hear_process(v, &frame) : hear_container(v, &frame))
			return -1;
	}
	return v->is_over ? 0 : got;
}

/* A further container's files; without them it is refused. */
static int share(struct supervisor *v, struct client *c, const struct frame *frame)
{
	static const char text[] = "cannot share the container's files with the machine";
	char data[8 + sizeof text - 1] = "";
	if (show_files(v->r->procfs, &c->shown, frame, server(v), v->daemon > 0) == 0)
		return put_number(&c->out, 0, FRAME_STARTED, 0, 0);
	memcpy(data + 4, &errno, 4);
	memcpy(data + 8, text, sizeof text - 1);
	struct frame answer = {sizeof data, 0, FRAME_FAILED, 0, data};
	return put_frame(&c->out, &answer);
}

static int hear_client_frame(struct supervisor *v, int i, const struct frame *frame)
{
	struct client *c = &v->clients[i];
	struct frame passed = *frame;
	if (frame->type == FRAME_BORROW)
		return lend(c->fd, frame->stream, v->monitor);
	if (frame->type == FRAME_SHARE)
		return share(v, c, frame);
	if (frame->type == FRAME_HOLD)
		return pass_hold(v, i, frame);
	if (!may_send(frame->type))
		return -1;
	c->has_process |= frame->type == FRAME_RUN && frame->stream != FRAME_NO_PROCESS;
	/* Before the start nobody reads a container's input: ctr never closes what has been read before create returned. */
	v->front.is_reading |= frame->type == FRAME_START;
	if (frame->type == FRAME_NAMES)
		v->names.address = number_in(frame);
	passed.process = (uint16_t)(i + 1);
	return put_frame(&v->out, &passed);
}

static void hear_client(struct supervisor *v, int i)
{
	struct client *c = &v->clients[i];
	struct frame frame;
	int size = fill(&c->in), got;
	if (size == 0 || (size < 0 && errno != EAGAIN)) {
		forget_client(v, i);
		return;
	}
	while ((got = next_frame(&c->in, &frame)) > 0)
		if (hear_client_frame(v, i, &frame)) {
			got = -1;
			break;
		}
	if (got < 0)
		forget_client(v, i);
}

static void accept_client(struct supervisor *v)
{
	int fd = accept4(v->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	for (int i = 0; i < MAX_CLIENTS && fd >= 0 && is_welcome(fd); i++) {
		struct client *c = &v->clients[i];
		if (c->fd >= 0 || c->has_process)
			continue;
		c->fd = c->in.fd = c->out.fd = fd;
		c->in.start = c->in.end = c->out.start = c->out.end = 0;
		return;
	}
	close(fd);
}

static void serve_clients(struct supervisor *v, const struct polls *polls)
{
	for (int i = 0; i < MAX_CLIENTS; i++) {
		struct client *c = &v->clients[i];
		if (c->fd < 0)
			continue;
		if (happened(polls, c->fd, POLLIN) || happened(polls, c->fd, POLLIN | POLLOUT))
			hear_client(v, i);
		if (c->fd >= 0 && flush(&c->out))
			forget_client(v, i);
	}
	if (happened(polls, v->listener, POLLIN))
		accept_client(v);
}

static void watch_all(struct supervisor *v, struct polls *polls)
{
	polls->count = 0;
	watch(polls, v->signals, POLLIN);
	front_watch(&v->front, polls);
	if (v->is_over)
		return;
	watch(polls, v->in.fd, is_waiting(&v->out) ? POLLIN | POLLOUT : POLLIN);
	watch(polls, v->output.fd, POLLIN);
	watch(polls, v->errors.fd, POLLIN);
	watch(polls, v->console.fd, POLLIN);
	watch(polls, v->listener, POLLIN);
	names_watch(&v->names, polls);
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (v->clients[i].fd >= 0 && (v->clients[i].has_hold || has_room(&v->out)))
			watch(polls, v->clients[i].fd, is_waiting(&v->clients[i].out) ? POLLIN | POLLOUT : POLLIN);
}

/* The guest's end of the machine without its last word: a panic, or a machine that was killed. */
static void lose_guest(struct supervisor *v, int status)
{
	if (!v->is_ready && v->errors.size)
		fail_with(v, 0, "the machine has ended: ", &v->errors);
	if (!v->is_ready)
		fail_with(v, 0, "the guest has ended: ", &v->console);
	end_container(v, status);
}

static void reap_machine(struct supervisor *v)
{
	int status;
	/* Without its files the container cannot go on; but a machine that ends takes its daemon along, and has the first
	 * word on how it ended. */
	if (v->daemon > 0 && waitpid(v->daemon, &status, WNOHANG) == v->daemon) {
		v->daemon = 0;
		v->is_bereft = 1;
		v->deadline = milliseconds() + GRACE;
	}
	if (v->machine <= 0 || waitpid(v->machine, &status, WNOHANG) != v->machine)
		return;
	v->machine = 0;
	if (v->errors.fd >= 0)
		tail_read(&v->errors);
	if (!v->is_over)
		lose_guest(v, WIFSIGNALED(status) && !v->is_lost ? 128 + WTERMSIG(status) : LOST);
}

static int wait_time(const struct supervisor *v)
{
	if (!v->deadline)
		return -1;
	int64_t left = v->deadline - milliseconds();
	return left > 0 ? (int)left : 0;
}

/* Nothing more is heard of the guest: the machine is ending, or it has sent what it may not. How it ends is told by
 * its process. */
static void hang_up(struct supervisor *v)
{
	v->in.fd = -1;
	v->deadline = milliseconds() + ENDING;
}

static void lose_patience(struct supervisor *v)
{
	if (!v->is_ready && v->is_bereft)
		fail_with(v, 0, "the daemon that serves the files has ended: ", &v->errors);
	if (!v->is_ready)
		fail_with(v, ETIMEDOUT, "the guest does not answer: ", &v->console);
	v->is_lost = !v->is_bereft;
	v->deadline = 0;
	kill(v->machine, SIGKILL);
}

static void supervise_once(struct supervisor *v)
{
	static struct polls polls;
	int has_child = 0;
	watch_all(v, &polls);
	if (poll(polls.list, (nfds_t)polls.count, wait_time(v)) < 0)
		return;
	pass_signals(v->signals, &v->front, &has_child);
	front_serve(&v->front, &polls);
	if (v->is_over) {
		reap_machine(v);
		return;
	}
	if (happened(&polls, v->output.fd, POLLIN))
		tail_read(&v->output);
	if (happened(&polls, v->errors.fd, POLLIN))
		tail_read(&v->errors);
	if (happened(&polls, v->console.fd, POLLIN))
		tail_read(&v->console);
	serve_clients(v, &polls);
	int is_lost = names_serve(&v->names, &polls, &v->out);
	int is_heard = happened(&polls, v->in.fd, POLLIN) | happened(&polls, v->in.fd, POLLIN | POLLOUT);
	if (is_lost || (is_heard && hear_guest(v)) || (!v->is_over && flush(&v->out)))
		hang_up(v);
	if (has_child)
		reap_machine(v);
	if (v->deadline && !wait_time(v))
		lose_patience(v);
}

static int start_machine(struct supervisor *v)
{
	int near[WIRES], heard[2];
	struct wires wires;
	wires.tap_count = open_taps(v->r, wires.taps, (int)v->step->machines.count - 1, v->step->spare != 0);
	if (wires.tap_count < 0)
		return -1;
	for (int i = 0; i < WIRES; i++) {
		int pair[2];
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
			return -1;
		near[i] = pair[0];
		wires.ends[i] = pair[1];
	}
	v->machine = spawn_machine(v->r, v->step, &wires, heard, &v->daemon);
	v->output.fd = heard[0];
	v->errors.fd = heard[1];
	for (int i = 0; i < WIRES; i++)
		close(wires.ends[i]);
	for (int i = 0; i < wires.tap_count; i++)
		close(wires.taps[i]);
	v->in.fd = v->out.fd = near[0];
	v->monitor = near[1];
	v->console.fd = near[2];
	fcntl(v->in.fd, F_SETFL, O_NONBLOCK);
	fcntl(v->console.fd, F_SETFL, O_NONBLOCK);
	return v->machine < 0 ? -1 : 0;
}

/* Slots are let go of when the container is ready. */
static int keep_slot(struct run *r, int64_t slot)
{
	return slot ? fcntl(r->slots + (int)slot, F_DUPFD_CLOEXEC, 0) : -1;
}

int do_supervise(struct run *r, const struct supervise *s)
{
	static struct supervisor v;
	v.r = r;
	v.step = s;
	v.listener = r->slots + (int)s->listener;
	v.deadline = milliseconds() + (s->greeting && !s->state.size ? s->greeting : s->patience);
	for (int i = 0; i < MAX_CLIENTS; i++)
		v.clients[i].fd = -1;
	names_begin(&v.names);
	v.signals = open_signals();
	v.oom = keep_slot(r, s->oom);
	v.output.copy = keep_slot(r, s->output);
	v.errors.copy = keep_slot(r, s->errors);
	v.console.copy = -1;
	fcntl(v.listener, F_SETFL, O_NONBLOCK);
	if (v.signals < 0)
		return -1;
	if (start_machine(&v))
		return *r->detail ? -1 : say(r, "cannot start the machine", NULL);
	front_begin(&v.front, &v.out, s->terminal != 0);
	if (s->state.size && greet_again(&v))
		return -1;
	while (!v.is_over || v.machine > 0 || !front_is_drained(&v.front))
		supervise_once(&v);
	if (v.daemon > 0)
		kill(v.daemon, SIGKILL);
	/* On a host the kernel ends a container's processes before its first one; containerd's shim counts on that. */
	if (v.had_processes)
		poll(NULL, 0, LAST);
	_exit(v.exit_status);
}
