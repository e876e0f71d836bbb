/* The watcher: the process that engines know as the container. It passes bytes and signals over the domain's console,
 * sees how the domain ends, and ends as the container's process has ended. */
#include <linux/magic.h>
#include <signal.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <termios.h>

#include "../store/xenbus.h"
#include "domain.h"

#define RELEASES "@releaseDomain" /* xenstored: a domain has shut down, or is gone */
#define SELDOM 15000 /* milliseconds between looks at a domain that gives no reason for one */
#define OFTEN 250    /* between looks at one that is ending */
#define BLIND 2000   /* between looks at one whose console is gone */
#define TORN 1000    /* until a piece that does not end is the kernel's last word */
#define DRAIN 500    /* for what a domain that is over has left in its console */
#define LOST 255     /* the domain is over and has not said how the container ended */
#define KILLED (128 + SIGKILL)

static int open_line(struct watcher *w)
{
	struct termios mode;
	struct statfs where;
	int fd = w->in.fd;
	if (fstatfs(fd, &where) < 0 || (unsigned long)where.f_type != DEVPTS_SUPER_MAGIC || tcgetattr(fd, &mode) < 0) {
		errno = ENOTTY;
		return say(w->r, "the domain's console is no terminal", NULL);
	}
	cfmakeraw(&mode);
	return tcsetattr(fd, TCSANOW, &mode) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? -1 : 0;
}

/* Slots are let go of when the runtime has been told that all is well. */
static int keep_slot(struct run *r, int64_t slot)
{
	return fcntl(r->slots + (int)slot, F_DUPFD_CLOEXEC, 0);
}

static void look_now(struct watcher *w)
{
	int64_t now = milliseconds();
	if (!w->next_look || w->next_look > now)
		w->next_look = now;
}

static void keep_last_words(struct watcher *w)
{
	char text[ENVELOPE_NOISE];
	ssize_t ignored = write(w->said, text, noise_text(&w->line, text, sizeof text));
	(void)ignored;
}

static void be_over(struct watcher *w, int status, const char *words)
{
	char text[64 + ENVELOPE_NOISE];
	size_t used = strlen(words);
	w->is_over = 1;
	if (w->has_exited)
		return;
	w->exit_status = status;
	memcpy(text, words, used);
	used += noise_text(&w->line, text + used, ENVELOPE_NOISE);
	tell_starter(w, 0, 0, text, used);
	keep_last_words(w);
}

static void end_domain(struct watcher *w)
{
	pid_t pid = run_command(w->r, &w->step->ends, -1);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	w->ending = 0;
}

/* One that is over may have left something in its console. */
static void see(struct watcher *w, enum sight sight)
{
	if (sight == SEEN_GONE)
		be_over(w, w->is_lost ? LOST : KILLED, "the domain has been destroyed: ");
	else if (sight == SEEN_OVER && !w->drained)
		w->drained = milliseconds() + (w->in.fd < 0 ? 0 : DRAIN);
	if (w->look.pid <= 0)
		w->next_look = milliseconds() + (w->has_exited ? OFTEN : w->in.fd < 0 ? BLIND : SELDOM);
}

static void lose_line(struct watcher *w)
{
	close(w->in.fd);
	w->in.fd = w->out.fd = -1;
	look_now(w);
}

/* What breaks the rules ends with its domain. */
static void lose_guest(struct watcher *w)
{
	lose_line(w);
	w->is_lost = 1;
	end_domain(w);
}

/* A kernel's word is a reason to look: it has panicked, or it goes down without our init. */
static void hear(struct watcher *w)
{
	if (hear_domain(w)) {
		if (errno == EPROTO)
			lose_guest(w);
		else
			lose_line(w);
		return;
	}
	if (w->noises != w->line.noises && w->is_asked)
		look_now(w);
	w->noises = w->line.noises;
	if (!w->line.size || !w->is_asked)
		w->torn = 0;
	else if (!w->torn)
		w->torn = milliseconds() + TORN;
}

/* It is not said whose domain it is. */
static void hear_store(struct watcher *w)
{
	empty_store(w->store);
	if (w->is_asked && !w->is_over)
		look_now(w);
}

static int is_reached(int64_t moment)
{
	return moment && milliseconds() >= moment;
}

/* What has been waited for long enough. */
static void keep_time(struct watcher *w)
{
	static const char late[] = "the guest does not answer: ";
	if (is_reached(w->torn)) {
		w->torn = 0;
		look_now(w);
	}
	if (is_reached(w->patience)) {
		char text[sizeof late + ENVELOPE_NOISE];
		memcpy(text, late, sizeof late - 1);
		size_t size = noise_text(&w->line, text + sizeof late - 1, ENVELOPE_NOISE);
		tell_starter(w, 0, ETIMEDOUT, text, sizeof late - 1 + size);
	}
	if (is_reached(w->ending))
		end_domain(w);
	if (is_reached(w->drained))
		be_over(w, LOST, "the domain has ended: ");
	if (is_reached(w->next_look) && w->look.pid <= 0) {
		look_begin(w->r, &w->look);
		w->next_look = 0;
	}
	if (w->look.pid > 0)
		see(w, look_late(&w->look));
}

static int64_t sooner(int64_t a, int64_t b)
{
	return !b || (a && a < b) ? a : b;
}

static int wait_time(const struct watcher *w)
{
	int64_t next = sooner(sooner(w->patience, w->ending), sooner(w->drained, w->torn));
	next = sooner(next, w->look.pid > 0 ? w->look.end : w->next_look);
	if (!next)
		return -1;
	int64_t left = next - milliseconds();
	return left > 0 ? (int)left : 0;
}

static void watch_all(struct watcher *w, struct polls *polls)
{
	polls->count = 0;
	watch(polls, w->signals, POLLIN);
	front_watch(&w->front, polls);
	watch(polls, w->in.fd, w->has_greeted && is_waiting(&w->out) ? POLLIN | POLLOUT : POLLIN);
	watch(polls, w->look.fd, POLLIN);
	watch(polls, w->store, POLLIN);
	watch(polls, w->listener, POLLIN);
	for (int i = 0; i < MAX_DOMAIN_CLIENTS; i++)
		if (w->callers[i].fd >= 0 && has_room(&w->out))
			watch(polls, w->callers[i].fd, is_waiting(&w->callers[i].out) ? POLLIN | POLLOUT : POLLIN);
}

/* When all that the container has written is out, its guest may end. */
static void hang_up(struct watcher *w)
{
	if (!w->has_exited || w->is_heard || !front_is_drained(&w->front))
		return;
	put_number(&w->out, 0, FRAME_HANGUP, 0, 0);
	w->is_heard = 1;
	w->ending = milliseconds() + w->step->ending;
	w->next_look = milliseconds() + OFTEN;
}

static void watch_once(struct watcher *w)
{
	static struct polls polls;
	int ignored = 0;
	watch_all(w, &polls);
	if (poll(polls.list, (nfds_t)polls.count, wait_time(w)) < 0)
		return;
	pass_signals(w->signals, &w->front, &ignored);
	front_serve(&w->front, &polls);
	serve_callers(w, &polls);
	if (happened(&polls, w->listener, POLLIN))
		accept_caller(w);
	if (happened(&polls, w->in.fd, POLLIN) || happened(&polls, w->in.fd, POLLIN | POLLOUT))
		hear(w);
	hang_up(w);
	/* Before the init has made it raw, the guest's terminal would echo what it is sent. */
	if (w->in.fd >= 0 && w->has_greeted && flush(&w->out))
		lose_line(w);
	if (happened(&polls, w->look.fd, POLLIN))
		see(w, look_hear(&w->look));
	if (happened(&polls, w->store, POLLIN))
		hear_store(w);
	keep_time(w);
}

static void begin(struct watcher *w, struct run *r, const struct watch_domain *s)
{
	w->r = r;
	w->step = s;
	w->in.fd = w->out.fd = keep_slot(r, s->console);
	w->in.envelope = w->out.envelope = &w->line;
	w->listener = keep_slot(r, s->listener);
	w->oom = keep_slot(r, s->oom);
	w->said = keep_slot(r, s->said);
	w->look = (struct look){.words = &s->looking, .uuid = s->uuid.data, .fd = -1, .pid = -1};
	w->starter = -1;
	w->store = watch_store(RELEASES);
	w->signals = open_signals();
	w->next_look = milliseconds() + SELDOM;
	for (int i = 0; i < MAX_DOMAIN_CLIENTS; i++)
		w->callers[i].fd = -1;
}

int do_watch_domain(struct run *r, const struct watch_domain *s)
{
	static struct watcher w;
	begin(&w, r, s);
	if (w.signals < 0 || open_line(&w))
		return -1;
	fcntl(w.listener, F_SETFL, O_NONBLOCK);
	front_begin(&w.front, &w.out, s->terminal != 0);
	become_independent(r, -1);
	while (!w.is_over || !front_is_drained(&w.front))
		watch_once(&w);
	for (int i = 0; i < MAX_DOMAIN_CLIENTS; i++)
		if (w.callers[i].fd >= 0)
			flush(&w.callers[i].out);
	_exit(w.exit_status);
}
