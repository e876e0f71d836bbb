/* The loop of a guest's init: frames of the host, bytes of the processes, ends of children. */
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>

#include "guest.h"

#define ENOUGH_POLLS (4 + MAX_PROCESSES * 5)
#define HUNG 200   /* milliseconds */
#define LISTENING 5000 /* milliseconds for the host to say that it has heard of the end */
#define GRACE 2000 /* milliseconds for the host to end the machine when all has been said */

static int say_hello(struct guest *g)
{
	char data[4 + sizeof g->digest];
	uint32_t protocol = FRAME_PROTOCOL;
	memcpy(data, &protocol, 4);
	memcpy(data + 4, g->digest, sizeof g->digest);
	struct frame frame = {sizeof data, 0, FRAME_HELLO, 0, data};
	return put_frame(&g->out, &frame);
}

/* A number in what a frame carries, 0 where it ends before: the key of the container that is meant may be left out. */
static uint32_t number_at(const struct frame *frame, size_t at)
{
	uint32_t number = 0;
	if (frame->size >= at + sizeof number)
		memcpy(&number, frame->data + at, sizeof number);
	return number;
}

static int open_gate(struct guest *g, int starter, uint32_t key)
{
	struct process *p = find_container(g, key);
	if (!p || p->gate < 0 || !p->is_ready)
		return tell_failure(g, starter, 0, EINVAL, "the container does not wait for start");
	p->starter = starter;
	ssize_t size = write(p->gate, "", 1);
	close(p->gate);
	p->gate = -1;
	return size == 1 ? 0 : -1;
}

static int pass_signal(struct guest *g, const struct frame *frame)
{
	int number = (int)number_at(frame, 0);
	uint32_t key = number_at(frame, sizeof(uint32_t));
	struct process *p = frame->stream ? find_container(g, key) : find_process(g, frame->process);
	if (frame->stream == 2)
		return signal_all(key, number) && !key ? -1 : 0;
	if (p)
		signal_process(p, number);
	return 0;
}

static int resize(struct guest *g, const struct frame *frame)
{
	struct process *p = find_process(g, frame->process);
	struct winsize size = {0};
	if (!p || p->in < 0 || frame->size != 4)
		return 0;
	memcpy(&size.ws_row, frame->data, 2);
	memcpy(&size.ws_col, frame->data + 2, 2);
	ioctl(p->in, TIOCSWINSZ, &size);
	return 0;
}

static int set_time(const struct frame *frame)
{
	int64_t time;
	if (frame->size != sizeof time)
		return -1;
	memcpy(&time, frame->data, sizeof time);
	struct timespec now = {.tv_sec = time / 1000000000, .tv_nsec = time % 1000000000};
	clock_settime(CLOCK_REALTIME, &now);
	return 0;
}

/* Nothing but the container's own plan is performed in a domain. */
static int refuse(struct guest *g, const struct frame *frame)
{
	return tell_failure(g, frame->process, 0, EPERM, "a domain has no way in");
}

static int on_plan(struct guest *g, const struct frame *frame)
{
	struct process *p = find_process(g, frame->process);
	if (!p)
		p = open_process(g, frame->process);
	if (!p)
		return tell_failure(g, frame->process, 0, EAGAIN, "too many processes at once");
	return add_to_plan(p, frame);
}

static int on_run(struct guest *g, const struct frame *frame)
{
	struct process *p = find_process(g, frame->process);
	if (!p || p->plan < 0)
		return -1;
	p->key = number_at(frame, 0);
	if (begin_process(g, p, frame->stream)) {
		tell_failure(g, frame->process, 0, errno, "cannot begin a process");
		close_process(p);
	}
	return 0;
}

/* Nobody is left who would hear of this process: it is killed and forgotten when it has ended. Of the container's own
 * it says that its end has been heard of. */
static int on_hangup(struct guest *g, const struct frame *frame)
{
	struct process *p = find_process(g, frame->process);
	g->is_heard |= frame->process == 0;
	if (!p || p->number == 0)
		return 0;
	if (p->pid && !p->has_exited)
		kill(p->pid, SIGKILL);
	if (!p->pid)
		close_process(p);
	return 0;
}

static int on_stream(struct guest *g, const struct frame *frame)
{
	struct process *p = find_process(g, frame->process);
	int out = frame->stream - 1;
	if (!p)
		return 0;
	if (frame->type == FRAME_DATA)
		return p->in < 0 ? 0 : accept_input(g, p, frame);
	if (frame->type == FRAME_END && frame->stream == 0)
		p->is_pending_last = 1;
	if (out < 0 || out > 1)
		return 0;
	if (frame->type == FRAME_CREDIT)
		p->credit[out] += number_in(frame);
	if (frame->type == FRAME_END && p->outs[out] >= 0 && !p->is_terminal) {
		close(p->outs[out]);
		p->outs[out] = -1;
	}
	return 0;
}

static int on_hello(struct guest *g, const struct frame *frame)
{
	uint32_t protocol = 0;
	if (frame->size == 4 + sizeof g->digest)
		memcpy(&protocol, frame->data, 4);
	return protocol == FRAME_PROTOCOL && !memcmp(frame->data + 4, g->digest, sizeof g->digest) ? 0 : -1;
}

/* Another supervisor has the machine from here on. Whoever wanted the processes of exec is not there. */
static int meet_new_host(struct guest *g)
{
	struct process *own = find_process(g, 0);
	for (int i = 0; i < MAX_PROCESSES; i++) {
		struct process *p = &g->processes[i];
		if (!p->is_used || p == own)
			continue;
		if (p->pid && !p->has_exited)
			kill(p->pid, SIGKILL);
		close_process(p);
	}
	if (!own)
		return -1;
	own->credit[0] = own->credit[1] = FRAME_WINDOW;
	return put_number(&g->out, 0, FRAME_READY, 0, (uint32_t)(own->pending_end - own->pending_start));
}

static int on_hold(struct guest *g, const struct frame *frame)
{
	g->out.is_held = 0;
	if (frame->stream == FRAME_STREAM_NEW_HOST)
		return meet_new_host(g);
	int bad = put_number(&g->out, frame->process, FRAME_STARTED, 0, 0);
	if (frame->stream == FRAME_STREAM_HOLD)
		hold(&g->out);
	return bad;
}

static int on_frame(struct guest *g, const struct frame *frame)
{
	switch (frame->type) {
	case FRAME_HOLD:
		return on_hold(g, frame);
	case FRAME_HELLO:
		return on_hello(g, frame);
	case FRAME_PLAN:
		return g->is_domain ? refuse(g, frame) : on_plan(g, frame);
	case FRAME_RUN:
		return g->is_domain ? refuse(g, frame) : on_run(g, frame);
	case FRAME_START:
		return open_gate(g, frame->process, number_at(frame, 0));
	case FRAME_SIGNAL:
		return pass_signal(g, frame);
	case FRAME_RESIZE:
		return resize(g, frame);
	case FRAME_TIME:
		return set_time(frame);
	case FRAME_LIST:
		return list_processes(g, frame->process, number_at(frame, 0));
	case FRAME_MEASURE:
		return measure(g, frame->process, number_at(frame, 0));
	case FRAME_NAMES:
		return serve_names(g, frame);
	case FRAME_ANSWER:
		return pass_answer(g, frame);
	case FRAME_HANGUP:
		return on_hangup(g, frame);
	case FRAME_DATA:
	case FRAME_END:
	case FRAME_CREDIT:
		return on_stream(g, frame);
	}
	return -1;
}

/* The host's end is gone, or what came is not of this protocol: nobody could be told of anything any more. */
static _Noreturn void end_of_host(const struct guest *g)
{
	signal_all(0, SIGKILL);
	if (g->is_domain)
		power_off_domain();
	power_off();
}

static void hear(struct guest *g)
{
	struct frame frame;
	int size = fill(&g->in), got;
	if (size == 0 || (size < 0 && errno != EAGAIN))
		end_of_host(g);
	while ((got = next_frame(&g->in, &frame)) > 0)
		if (on_frame(g, &frame))
			end_of_host(g);
	if (got < 0)
		end_of_host(g);
}

static void watch(struct pollfd *polls, int *count, int fd, short events)
{
	if (fd >= 0 && events)
		polls[(*count)++] = (struct pollfd){.fd = fd, .events = events};
}

static void watch_process(struct guest *g, struct process *p, struct pollfd *polls, int *count)
{
	int has_input = (p->pending_start != p->pending_end || p->is_pending_last) && !g->out.is_held;
	watch(polls, count, p->status, POLLIN);
	watch(polls, count, p->console, POLLIN);
	watch(polls, count, has_input ? p->in : -1, POLLOUT);
	for (int stream = 0; stream < 2; stream++)
		if (p->credit[stream] && has_room(&g->out) && !p->is_hung)
			watch(polls, count, p->outs[stream], POLLIN);
}

static int is_ready(const struct pollfd *polls, int count, int fd, short events)
{
	for (int i = 2; i < count && fd >= 0; i++)
		if (polls[i].fd == fd && (polls[i].events & events) && polls[i].revents)
			return 1;
	return 0;
}

static void serve_process(struct guest *g, struct process *p, const struct pollfd *polls, int count)
{
	if (is_ready(polls, count, p->console, POLLIN))
		receive_terminal(p);
	if (is_ready(polls, count, p->status, POLLIN))
		read_reports(g, p);
	if (p->is_used && is_ready(polls, count, p->in, POLLOUT))
		pass_input(g, p);
	for (int stream = 0; stream < 2 && p->is_used; stream++)
		if (is_ready(polls, count, p->outs[stream], POLLIN))
			pass_output(g, p, stream);
}

/* The kernel was asked to end the domain (`xl shutdown`), which the container hears of as a process would. */
static void be_called_out(struct guest *g)
{
	struct process *p = find_container(g, 0);
	if (p && p->pid)
		signal_process(p, SIGTERM);
	else
		g->is_over = 1;
}

static void hear_signals(struct guest *g)
{
	struct signalfd_siginfo info;
	while (read(g->signals, &info, sizeof info) > 0)
		if (info.ssi_signo == SIGTERM && g->is_domain)
			be_called_out(g);
	reap(g);
}

/* A terminal that nobody has open tells so without end; it is looked at again a little later. */
static int take_hung(struct guest *g)
{
	int hung = 0;
	for (int i = 0; i < MAX_PROCESSES; i++) {
		hung |= g->processes[i].is_used && g->processes[i].is_hung;
		g->processes[i].is_hung = 0;
	}
	return hung;
}

static void serve_once(struct guest *g)
{
	static struct pollfd polls[ENOUGH_POLLS];
	int count = 0;
	watch(polls, &count, g->in.fd, is_waiting(&g->out) ? POLLIN | POLLOUT : POLLIN);
	watch(polls, &count, g->signals, POLLIN);
	watch(polls, &count, has_room(&g->out) ? g->names.fd : -1, POLLIN);
	watch(polls, &count, has_room(&g->out) ? g->kills : -1, POLLPRI);
	for (int i = 0; i < MAX_PROCESSES; i++)
		if (g->processes[i].is_used)
			watch_process(g, &g->processes[i], polls, &count);
	if (poll(polls, (nfds_t)count, take_hung(g) ? HUNG : -1) < 0)
		return;
	if (polls[1].revents)
		hear_signals(g);
	if (is_ready(polls, count, g->names.fd, POLLIN))
		pass_questions(g);
	if (is_ready(polls, count, g->kills, POLLPRI))
		tell_kills(g);
	for (int i = 0; i < MAX_PROCESSES; i++)
		if (g->processes[i].is_used)
			serve_process(g, &g->processes[i], polls, count);
	if (polls[0].revents & POLLIN)
		hear(g);
	else if (polls[0].revents & (POLLHUP | POLLERR))
		end_of_host(g);
}

/* 1 when the container's own process has been told to have ended. */
static int finish_all(struct guest *g)
{
	int is_over = 0;
	for (int i = 0; i < MAX_PROCESSES && !g->out.is_held; i++) {
		struct process *p = &g->processes[i];
		if (p->is_used && finish(g, p) && p->number == 0)
			is_over = 1;
	}
	return is_over;
}

/* A domain ends itself, when the host has said that it has heard all, or does not listen. */
static _Noreturn void end_of_domain(struct guest *g)
{
	struct pollfd console = {.fd = g->in.fd};
	sync();
	for (int64_t end = milliseconds() + LISTENING; !g->is_heard && milliseconds() < end;) {
		console.events = is_waiting(&g->out) ? POLLIN | POLLOUT : POLLIN;
		if (poll(&console, 1, HUNG) > 0 && console.revents & POLLIN)
			hear(g);
		if (flush(&g->out))
			break;
	}
	power_off_domain();
}

/* The host ends the machine as soon as it has read the last frame; it is waited for, lest that be lost. */
static _Noreturn void end_of_container(struct guest *g)
{
	if (g->is_domain)
		end_of_domain(g);
	struct pollfd port = {.fd = g->out.fd, .events = POLLOUT};
	sync();
	while (is_waiting(&g->out) && poll(&port, 1, GRACE) > 0)
		if (flush(&g->out))
			break;
	port.events = 0;
	poll(&port, 1, GRACE);
	power_off();
}

_Noreturn void serve(struct guest *g)
{
	for (;;) {
		serve_once(g);
		int is_over = finish_all(g);
		if (is_over || g->is_over)
			end_of_container(g);
		if (flush(&g->out))
			end_of_host(g);
	}
}

_Noreturn void guest_main(int is_domain)
{
	static struct guest g;
	static struct envelope envelope;
	sigset_t every;
	g.is_domain = is_domain;
	g.in.envelope = g.out.envelope = is_domain ? &envelope : NULL;
	g.names.fd = g.kills = -1;
	prctl(PR_SET_DUMPABLE, 0);
	sigfillset(&every);
	sigprocmask(SIG_SETMASK, &every, NULL);
	/* Descriptors are taken when 0 to 2 are: without a console, about one boot in eight, the kernel gives us none. */
	if (boot(&g) || (g.signals = signalfd(-1, &every, SFD_CLOEXEC | SFD_NONBLOCK)) < 0 || say_hello(&g) || begin_process(&g, find_process(&g, 0), find_process(&g, 0)->is_terminal)) {
		complain("the guest cannot begin", errno);
		if (is_domain)
			power_off_domain();
		power_off();
	}
	serve(&g);
}
