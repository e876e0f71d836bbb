/* How the domain is, as the toolstack's own command tells: there is no event of Xen's for it without a library. */
#include <signal.h>
#include <sys/wait.h>

#include "domain.h"

#define LONGEST 30000 /* milliseconds for the command */

/* Runs a command with its output at a descriptor; it is its own process group, and hears nothing. */
pid_t run_command(struct run *r, const struct list *words, int output)
{
	char *environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
	size_t used = r->arena.used;
	char **arguments = list_vector(r, words, 0);
	pid_t pid = arguments ? fork() : -1;
	if (pid) {
		r->arena.used = used;
		return pid;
	}
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	setpgid(0, 0);
	forget_signals();
	if (dup2(null, 0) < 0 || dup2(output < 0 ? null : output, 1) < 0 || dup2(1, 2) < 0)
		_exit(126);
	execve(arguments[0], arguments, environment);
	_exit(127);
}

int look_begin(struct run *r, struct look *l)
{
	int ends[2];
	if (l->pid > 0)
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	l->size = 0;
	l->end = milliseconds() + LONGEST;
	l->pid = run_command(r, l->words, ends[1]);
	close(ends[1]);
	l->fd = ends[0];
	return l->pid < 0 ? -1 : 0;
}

/* The word before this place, which becomes its own. */
static const char *word_before(const char *text, const char *at, size_t *size)
{
	while (at > text && at[-1] == ' ')
		at--;
	const char *end = at;
	while (at > text && at[-1] != ' ' && at[-1] != '\n')
		at--;
	*size = (size_t)(end - at);
	return at;
}

/* The columns are name, number, memory, processors, state, time, UUID and the reason of a shutdown. */
static enum sight read_line(struct look *l)
{
	size_t size = 0;
	const char *uuid = strstr(l->text, l->uuid);
	if (!uuid)
		return SEEN_GONE;
	const char *reason = uuid + strlen(l->uuid), *state = word_before(l->text, word_before(l->text, uuid, &size), &size);
	while (*reason == ' ')
		reason++;
	l->reason = *reason;
	if (size != 6)
		return SEEN_NOTHING;
	return state[3] == 's' || state[4] == 'c' || state[5] == 'd' ? SEEN_OVER : SEEN_RUNNING;
}

static enum sight judge(struct look *l, int status)
{
	l->text[l->size] = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return read_line(l);
	/* Of a name, and of a number. */
	return strstr(l->text, "invalid domain identifier") || strstr(l->text, "does not exist.") ? SEEN_GONE : SEEN_NOTHING;
}

static enum sight finish_look(struct look *l)
{
	int status = 0;
	close(l->fd);
	l->fd = -1;
	while (waitpid(l->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	l->pid = -1;
	return judge(l, status);
}

/* Takes in what the command has printed; how the domain is when that was all. */
enum sight look_hear(struct look *l)
{
	char rest[256];
	size_t left = sizeof l->text - 1 - l->size;
	ssize_t size = left ? read(l->fd, l->text + l->size, left) : read(l->fd, rest, sizeof rest);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return SEEN_NOTHING;
	if (size <= 0)
		return finish_look(l);
	l->size += left ? (size_t)size : 0;
	return SEEN_NOTHING;
}

/* One that hangs is ended, and tells nothing. */
enum sight look_late(struct look *l)
{
	if (l->pid <= 0 || milliseconds() < l->end)
		return SEEN_NOTHING;
	kill(-l->pid, SIGKILL);
	kill(l->pid, SIGKILL);
	l->size = 0;
	finish_look(l);
	return SEEN_NOTHING;
}
