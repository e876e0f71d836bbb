/* Hooks: a program is run to its end with the container's state on its standard input; what it prints is kept for the
 * error (config.md, POSIX-platform Hooks). */
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "init.h"

#define OUTPUT_KEPT 600

struct running {
	pid_t pid;
	int pidfd, output;
	char text[OUTPUT_KEPT + 1];
	size_t kept;
};

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The state as a file: the hook reads to its end, however late, and nobody waits for it. */
static int state_file(const struct run_hook *hook, pid_t pid)
{
	char buffer[24], *number = number_text(buffer + sizeof buffer, pid);
	int fd = memfd_create("state", MFD_CLOEXEC);
	size_t digits = strlen(number);
	if (fd < 0 || write(fd, hook->state_before.data, hook->state_before.size) != (ssize_t)hook->state_before.size ||
	    write(fd, number, digits) != (ssize_t)digits ||
	    write(fd, hook->state_after.data, hook->state_after.size) != (ssize_t)hook->state_after.size ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return fd;
}

/* What the runtime finds in the output of a hook that could not be run, in the words of Go. */
static void complain(const char *path)
{
	const char *why = strerror(errno);
	char first = (char)(*why | 0x20);
	struct iovec text[] = {{(void *)path, strlen(path)}, {": ", 2}, {&first, 1}, {(void *)(why + 1), strlen(why + 1)}};
	ssize_t ignored = writev(2, text, sizeof text / sizeof *text);
	(void)ignored;
}

static void become_hook(const struct run_hook *hook, char **args, char **env, int in, int out)
{
	setpgid(0, 0);
	umask(022);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	sys_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	if (hook->cwd.size && chdir(hook->cwd.data) < 0)
		_exit(126);
	execve(hook->path.data, args, env);
	complain(hook->path.data);
	_exit(127);
}

static int start_hook(struct run *r, const struct run_hook *hook, pid_t subject, struct running *running)
{
	char **args = list_vector(r, &hook->args, 0), **env = vector_with_home(r, &hook->env, hook->home != 0);
	int in = state_file(hook, subject), out[2];
	if (!args || !env || in < 0 || pipe2(out, O_CLOEXEC) < 0)
		return -1;
	running->pid = fork();
	if (running->pid == 0)
		become_hook(hook, args, env, in, out[1]);
	close(in);
	close(out[1]);
	running->output = out[0];
	running->pidfd = running->pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, running->pid, 0);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	return running->pidfd < 0 ? -1 : 0;
}

/* Keeps the beginning of the output and drops the rest; returns 0 at its end. */
static int keep_output(struct running *running)
{
	char buffer[4096];
	ssize_t size = read(running->output, buffer, sizeof buffer);
	if (size <= 0)
		return size < 0 && errno == EAGAIN;
	size_t room = OUTPUT_KEPT - running->kept, some = (size_t)size < room ? (size_t)size : room;
	memcpy(running->text + running->kept, buffer, some);
	running->kept += some;
	return 1;
}

/* Waits for the hook to end; 0 in time, 1 when the deadline has passed. */
static int watch_hook(struct running *running, int64_t timeout)
{
	int64_t deadline = now_ms() + timeout;
	struct pollfd fds[2] = {{.fd = running->pidfd, .events = POLLIN}, {.fd = running->output, .events = POLLIN}};
	for (;;) {
		int64_t left = timeout ? deadline - now_ms() : -1;
		if (timeout && left <= 0)
			return 1;
		if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
			return 1;
		if (fds[1].revents && !keep_output(running))
			fds[1].fd = -1;
		if (fds[0].revents & POLLIN)
			return 0;
	}
}

static int explain_failure(struct run *r, const struct run_hook *hook, struct running *running, int status, int late)
{
	char index[24], number[24], word[64];
	const char *what = "exit status ", *value = number_text(number + sizeof number, WEXITSTATUS(status));
	if (late) {
		what = "hook ran past specified timeout of ";
		value = number_text(number + sizeof number - 3, hook->timeout / 1000);
		memcpy(number + sizeof number - 4, ".0s", 4);
	} else if (WIFSIGNALED(status)) {
		what = "signal: ";
		strncpy(word, strsignal(WTERMSIG(status)), sizeof word - 1);
		word[sizeof word - 1] = 0;
		word[0] |= 0x20;
		value = word;
	}
	errno = 0;
	return say(r, "error running ", hook->list_name.data, " hook #",
		   number_text(index + sizeof index, hook->index), ": ", what, value,
		   running->kept ? ", output: " : "", running->text, NULL);
}

int run_child_hook(struct run *r, const struct run_hook *hook, pid_t pid)
{
	struct running running = {0};
	int status = 0;
	if (start_hook(r, hook, pid, &running))
		return -1;
	int late = watch_hook(&running, hook->timeout);
	if (late)
		kill(-running.pid, SIGKILL);
	waitpid(running.pid, &status, 0);
	for (int more = 16; more && keep_output(&running) && running.kept < OUTPUT_KEPT; more--)
		;
	close(running.output);
	close(running.pidfd);
	return late || status ? explain_failure(r, hook, &running, status, late) : 0;
}

/* The conductor's hooks are told the new process' pid on the host, the process' own hooks its pid inside. */
int do_run_hook(struct run *r, const struct run_hook *s)
{
	return run_child_hook(r, s, r->child ? r->child : getpid());
}
