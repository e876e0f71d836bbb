/* Our own stdin, stdout and stderr, passed to and from a process in the guest. They are the caller's open files, so
 * their flags are left alone: what poll(2) promises is written, never more. */
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>

#include "session.h"

#define PIECE 4096 /* PIPE_BUF: a pipe that poll(2) calls writable takes as much without waiting (pipe(7)) */

void watch(struct polls *polls, int fd, short events)
{
	if (fd >= 0 && polls->count < (int)(sizeof polls->list / sizeof *polls->list))
		polls->list[polls->count++] = (struct pollfd){.fd = fd, .events = events};
}

int happened(const struct polls *polls, int fd, short events)
{
	for (int i = 0; i < polls->count && fd >= 0; i++)
		if (polls->list[i].fd == fd && polls->list[i].events == events)
			return polls->list[i].revents;
	return 0;
}

int64_t milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int open_signals(void)
{
	sigset_t every;
	sigfillset(&every);
	sigprocmask(SIG_SETMASK, &every, NULL);
	return signalfd(-1, &every, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Tells the runtime that all is well, and lets go of it and of what it gave but for one descriptor. Slots keep their
 * numbers until then, lest another descriptor of ours be closed for one of them. */
void become_independent(struct run *r, int kept)
{
	prctl(PR_SET_PDEATHSIG, 0);
	report(r, REPORT_READY, 0, NULL);
	for (int fd = r->slots; fd < r->slots_end; fd++)
		if (fd != kept)
			close(fd);
	r->status = -1;
}

/* The guest takes a size when its process has a terminal: from ready on, or for exec from started on. */
void front_resize(struct front *f)
{
	struct winsize size = {0};
	char data[4];
	if (!f->is_terminal || ioctl(0, TIOCGWINSZ, &size) < 0 || !size.ws_row)
		return;
	memcpy(data, &size.ws_row, 2);
	memcpy(data + 2, &size.ws_col, 2);
	struct frame frame = {4, 0, FRAME_RESIZE, 0, data};
	put_frame(f->out, &frame);
}

void front_begin(struct front *f, struct outbox *out, int is_terminal)
{
	f->out = out;
	f->is_terminal = is_terminal;
	f->credit = FRAME_WINDOW;
	f->sinks[0].fd = 1;
	f->sinks[1].fd = is_terminal ? -1 : 2;
}

static int has_bytes(const struct sink *s)
{
	return s->start != s->end;
}

void front_watch(struct front *f, struct polls *polls)
{
	if (f->is_reading && f->credit && has_room(f->out))
		watch(polls, f->in, POLLIN);
	for (int i = 0; i < 2; i++)
		if (has_bytes(&f->sinks[i]))
			watch(polls, f->sinks[i].fd, POLLOUT);
}

/* The number stays taken, lest the next descriptor become our stdin, stdout or stderr. */
static void let_go(int *fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (*fd >= 0 && null >= 0)
		dup2(null, *fd);
	close(null);
	*fd = -1;
}

static void front_read(struct front *f)
{
	static char data[FRAME_LARGEST];
	ssize_t size = read(f->in, data, f->credit < sizeof data ? f->credit : sizeof data);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size <= 0) {
		put_number(f->out, 0, FRAME_END, 0, 0);
		let_go(&f->in);
		return;
	}
	f->credit -= (size_t)size;
	struct frame frame = {(uint32_t)size, 0, FRAME_DATA, 0, data};
	put_frame(f->out, &frame);
}

static void front_write(struct front *f, int i)
{
	struct sink *s = &f->sinks[i];
	size_t waiting = s->end - s->start;
	ssize_t size = write(s->fd, s->data + s->start, waiting < PIECE ? waiting : PIECE);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size < 0) {
		/* Nobody reads any more: the process gets EPIPE, as it would without us. */
		s->start = s->end = 0;
		put_number(f->out, 0, FRAME_END, i + 1, 0);
		let_go(&s->fd);
		return;
	}
	s->start += (size_t)size;
	put_number(f->out, 0, FRAME_CREDIT, i + 1, (uint32_t)size);
	if (!has_bytes(s) && s->is_last)
		let_go(&s->fd);
}

int front_serve(struct front *f, const struct polls *polls)
{
	if (happened(polls, f->in, POLLIN))
		front_read(f);
	for (int i = 0; i < 2; i++)
		if (has_bytes(&f->sinks[i]) && happened(polls, f->sinks[i].fd, POLLOUT))
			front_write(f, i);
	return 0;
}

static int front_data(struct front *f, const struct frame *frame)
{
	struct sink *s = &f->sinks[frame->stream - 1];
	if (s->fd < 0)
		return 0;
	if (s->start) {
		memmove(s->data, s->data + s->start, s->end - s->start);
		s->end -= s->start;
		s->start = 0;
	}
	if (sizeof s->data - s->end < frame->size)
		return -1;
	memcpy(s->data + s->end, frame->data, frame->size);
	s->end += frame->size;
	return 0;
}

/* A frame about a stream from the guest; -1 for one that it may not send. */
int front_frame(struct front *f, const struct frame *frame)
{
	if (frame->type == FRAME_CREDIT) {
		if (frame->stream || frame->size != 4 || number_in(frame) > FRAME_WINDOW - f->credit)
			return -1;
		f->credit += number_in(frame);
		return 0;
	}
	if (frame->type == FRAME_END && frame->stream == 0) {
		if (f->in >= 0)
			let_go(&f->in);
		return 0;
	}
	if (frame->stream != 1 && frame->stream != 2)
		return -1;
	if (frame->type == FRAME_DATA)
		return front_data(f, frame);
	struct sink *s = &f->sinks[frame->stream - 1];
	s->is_last = 1;
	if (!has_bytes(s) && !f->is_terminal && s->fd >= 0)
		let_go(&s->fd);
	return 0;
}

int front_is_drained(const struct front *f)
{
	return !has_bytes(&f->sinks[0]) && !has_bytes(&f->sinks[1]);
}

/* Every signal goes on to the process, but for those that are about us. */
int pass_signals(int signals, struct front *f, int *has_child)
{
	struct signalfd_siginfo info;
	while (read(signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGCHLD)
			*has_child = 1;
		else if (info.ssi_signo == SIGWINCH)
			front_resize(f);
		else if (info.ssi_signo != SIGPIPE)
			put_number(f->out, 0, FRAME_SIGNAL, 0, info.ssi_signo);
	}
	return 0;
}
