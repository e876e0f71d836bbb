/* The last steps: folder, HOME, program, the wait for start, and exec. */
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "init.h"

#ifndef AT_EACCESS
#define AT_EACCESS 0x200
#endif
#define LINE_SIZE 4096

/* "(unreachable)" before the path, or no path at all, means a folder outside the root (CVE-2024-21626; getcwd(3)). */
static int check_directory(struct run *r)
{
	char path[PATH_MAX];
	long size = syscall(SYS_getcwd, path, sizeof path);
	if (size > 0 && path[0] == '/')
		return 0;
	errno = size < 0 ? errno : ENOENT;
	return say(r, "current working directory is outside of container mount namespace root", NULL);
}

int do_change_directory(struct run *r, const struct change_directory *s)
{
	if (!s->again && r->directory_errno == 0)
		return 0;
	if (chdir(s->path.data) < 0) {
		r->directory_errno = errno;
		if (s->again && (errno == EACCES || errno == EPERM))
			return 0;
		return say(r, "chdir to cwd (\"", s->path.data, "\") set in config.json failed", NULL);
	}
	r->directory_errno = 0;
	return check_directory(r);
}

/* The sixth field of a passwd line whose third is this uid; cut out in place (passwd(5)). */
static char *home_in_line(char *line, const char *uid)
{
	char *fields[6];
	for (int i = 0; i < 6; i++) {
		fields[i] = line;
		line = strchr(line, ':');
		if (!line && i < 5)
			return NULL;
		if (line)
			*line++ = 0;
	}
	return strcmp(fields[2], uid) ? NULL : fields[5];
}

static int open_passwd(struct run *r)
{
	struct stat st;
	int fd = root_open(r, "/etc/passwd", O_RDONLY | O_NONBLOCK, 0);
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Reads on behind what is left in the buffer; the file is hostile, so lines that do not fit are dropped. */
static char *search_passwd(int fd, char *buffer, const char *uid)
{
	size_t kept = 0;
	ssize_t size;
	while ((size = read(fd, buffer + kept, LINE_SIZE - 1 - kept)) > 0) {
		char *line = buffer, *end;
		kept += (size_t)size;
		buffer[kept] = 0;
		while ((end = strchr(line, '\n'))) {
			*end = 0;
			char *home = home_in_line(line, uid);
			if (home)
				return home;
			line = end + 1;
		}
		kept = strlen(line);
		if (line == buffer && kept == LINE_SIZE - 1)
			kept = 0;
		memmove(buffer, line, kept);
	}
	buffer[kept] = 0;
	return kept ? home_in_line(buffer, uid) : NULL;
}

int do_resolve_home(struct run *r, const struct resolve_home *s)
{
	static char buffer[LINE_SIZE];
	char digits[24], *home = NULL;
	int fd = open_passwd(r);
	if (fd >= 0) {
		home = search_passwd(fd, buffer, number_text(digits + sizeof digits, s->uid));
		close(fd);
	}
	r->home = home && *home ? home : "/";
	return 0;
}

/* With the effective ids, as the kernel will check it at exec. A filter may refuse faccessat2 (Linux 5.8); then the
 * mode bits must do, and exec has the last word. */
static int may_execute(const char *path, const struct stat *st)
{
	if (S_ISDIR(st->st_mode)) {
		errno = EACCES;
		return 0;
	}
	if (syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS) == 0)
		return 1;
	if (errno == ENOSYS || errno == EPERM)
		return (st->st_mode & 0111) != 0;
	return 0;
}

static int keep_executable(struct run *r, const char *path)
{
	char *kept = arena_take(r, strlen(path) + 1);
	if (!kept)
		return -1;
	r->executable = strcpy(kept, path);
	return 0;
}

static int find_by_path(struct run *r, const char *name)
{
	struct stat st;
	if (stat(name, &st) < 0)
		return say(r, "exec: \"", name, "\": stat ", name, NULL);
	if (!may_execute(name, &st)) {
		errno = EACCES;
		return say(r, "exec: \"", name, "\"", NULL);
	}
	return keep_executable(r, name);
}

int do_find_executable(struct run *r, const struct find_executable *s)
{
	char path[PATH_MAX];
	struct stat st;
	if (strchr(s->name.data, '/'))
		return find_by_path(r, s->name.data);
	for (const char *at = s->search.data; at && *s->name.data;) {
		const char *end = strchr(at, ':');
		size_t size = end ? (size_t)(end - at) : strlen(at);
		/* An empty entry would mean the working directory: never searched, as in Go's LookPath. */
		if (size && *at == '/' && size + s->name.size + 2 <= sizeof path) {
			memcpy(path, at, size);
			path[size] = '/';
			memcpy(path + size + 1, s->name.data, s->name.size + 1);
			if (stat(path, &st) == 0 && may_execute(path, &st))
				return keep_executable(r, path);
		}
		at = end ? end + 1 : NULL;
	}
	errno = 0;
	return say(r, "exec: \"", s->name.data, "\": executable file not found in $PATH", NULL);
}

/* From here on the runtime may end; until now its death was ours. */
static void outlive_runtime(struct run *r)
{
	prctl(PR_SET_PDEATHSIG, 0);
	report(r, REPORT_READY, 0, NULL);
}

static void let_go(struct run *r, int except)
{
	int held[] = {r->root, r->mounted, r->masking, r->pair, r->status};
	for (size_t i = 0; i < sizeof held / sizeof *held; i++)
		close(held[i]);
	for (int fd = r->slots; fd < r->slots_end; fd++)
		if (fd != except)
			close(fd);
	r->root = r->mounted = r->masking = r->pair = r->status = -1;
}

static _Noreturn void end_waiting(int signal)
{
	_exit(128 + signal);
}

/* The first process of a pid namespace is spared the signals it has no handler for (pid_namespaces(7)), but a container
 * that waits for start can be stopped (LNX-KILL-04). Exec takes the handlers away. */
static void heed_signals(void)
{
	static const int ending[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	struct sigaction action = {.sa_handler = end_waiting};
	for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
		sigaction(ending[i], &action, NULL);
}

int do_await_start(struct run *r, const struct await_start *s)
{
	int path = r->slots + (int)s->slot;
	heed_signals();
	outlive_runtime(r);
	let_go(r, path);
	int fifo = open_slot_path(r, path, O_WRONLY);
	if (fifo < 0 || write(fifo, "0", 1) != 1)
		return say(r, "cannot wait for start", NULL);
	close(path);
	return close(fifo);
}

/* In a guest nobody but its init is there, who passes the signals on and hears of a failed exec. */
int do_await_gate(struct run *r, const struct await_gate *s)
{
	int gate = r->slots + (int)s->slot, status = r->status;
	char byte;
	r->is_gated = 1;
	heed_signals();
	outlive_runtime(r);
	for (int fd = r->slots; fd < r->slots_end; fd++)
		if (fd != gate && fd != status)
			close(fd);
	return read(gate, &byte, 1) == 1 ? close(gate) : say(r, "cannot wait for start", NULL);
}

/* The environment in the plan, and the HOME that was found where it had none. */
char **vector_with_home(struct run *r, const struct list *list, int wanted)
{
	char **env = list_vector(r, list, 1);
	if (!env || !r->home || !wanted)
		return env;
	char *home = arena_take(r, strlen(r->home) + sizeof "HOME=");
	if (!home)
		return NULL;
	strcpy(home, "HOME=");
	env[list->count] = strcat(home, r->home);
	return env;
}

int do_exec(struct run *r, const struct exec *s)
{
	char **args = list_vector(r, &s->args, 0), **env = vector_with_home(r, &s->env, 1);
	const char *path = r->executable ? r->executable : args ? args[0] : NULL;
	if (!args || !env || !path)
		return -1;
	if (r->status >= 0)
		outlive_runtime(r);
	/* Refused by the filter, every descriptor of ours is close-on-exec all the same. */
	sys_close_range(3 + r->plan.kept, ~0U, CLOSE_RANGE_CLOEXEC);
	execve(path, args, env);
	if (!r->is_gated)
		r->status = -1;
	r->exit_status = (int)s->status;
	return say(r, "exec ", args[0], NULL);
}
