/* The virtual machine's process, and the terminal of the host that stands for the guest's. */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <termios.h>

#include "session.h"

#define HIGH 512
#define MOST_COPIED 65536

/* Puts the descriptors from 3 on in their order: our own, those of the plan, the taps. Copies first, so that none is
 * overwritten on the way. */
static int place_descriptors(struct run *r, const struct supervise *s, const struct wires *w)
{
	int first = r->slots + (int)s->first, handed = r->slots_end - first, count = 0, copies[64];
	if (WIRES + handed + w->tap_count > 64)
		return -1;
	for (int i = 0; i < WIRES; i++)
		copies[count++] = w->ends[i];
	for (int i = 0; i < handed; i++)
		copies[count++] = first + i;
	for (int i = 0; i < w->tap_count; i++)
		copies[count++] = w->taps[i];
	for (int i = 0; i < count; i++)
		copies[i] = fcntl(copies[i], F_DUPFD_CLOEXEC, HIGH);
	for (int i = 0; i < count; i++)
		if (dup2(copies[i], 3 + i) < 0)
			return -1;
	return count;
}

/* The supervisor's own descriptors may have the numbers that the machine's are put at: none is closed by mistake. */
static void forget_descriptors(struct run *r)
{
	r->procfs = fcntl(r->procfs, F_DUPFD_CLOEXEC, HIGH);
	r->root = r->mounted = r->masking = r->unified = r->pair = -1;
	r->cgroup_count = 0;
}

static int set_stdio(int output, int errors)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	return dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(errors, 2) < 0 ? -1 : 0;
}

/* Performs the machine's own plan, in mount and pid namespaces of its own: the supervisor's will show the container's
 * files, and a library among them must never be loaded here (compare CVE-2019-14271). What fails in it is said on its
 * standard error, which the supervisor reads. */
static _Noreturn void become_machine(struct run *r, const struct supervise *s, const struct wires *w, const int said[2])
{
	const char *plan = s->machines.data;
	uint64_t size;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	forget_signals();
	forget_descriptors(r);
	int kept = set_stdio(said[0], said[1]) ? -1 : place_descriptors(r, s, w);
	plan = list_next(plan, &size);
	for (int i = 0; i < w->tap_count; i++)
		plan = list_next(plan + size + 1, &size);
	if (kept < 0 || use_plan(r, plan, size))
		_exit(126);
	r->plan.kept = (uint32_t)kept;
	r->status = -1;
	r->exit_status = 127;
	perform_inside(r);
}

/* What serves the guest's files has its listening socket and nothing else. */
static _Noreturn void become_daemon(struct run *r, const struct supervise *s, int errors)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	forget_signals();
	forget_descriptors(r);
	if (unshare(CLONE_NEWNS) < 0 || set_stdio(errors, errors) || dup2(r->slots + (int)s->served, 3) < 0 ||
	    use_plan(r, s->daemon.data, s->daemon.size))
		_exit(126);
	r->plan.kept = 1;
	r->status = -1;
	r->exit_status = 127;
	perform_inside(r);
}

static pid_t spawn_daemon(struct run *r, const struct supervise *s, int errors)
{
	if (!s->daemon.size)
		return 0;
	pid_t pid = fork();
	if (pid == 0)
		become_daemon(r, s, errors);
	return pid;
}

static int open_pipes(int heard[2], int said[2])
{
	for (int i = 0; i < 2; i++) {
		int ends[2];
		if (pipe2(ends, O_CLOEXEC) < 0)
			return -1;
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		heard[i] = ends[0];
		said[i] = ends[1];
	}
	return 0;
}

/* What the machine and its daemon write is heard at two pipes, standard output and standard error. */
pid_t spawn_machine(struct run *r, const struct supervise *s, const struct wires *w, int heard[2], pid_t *daemon)
{
	int said[2];
	if (open_pipes(heard, said))
		return -1;
	struct clone_args args = {.flags = CLONE_NEWNS | CLONE_NEWPID, .exit_signal = SIGCHLD};
	pid_t pid = sys_clone3(&args);
	if (pid == 0)
		become_machine(r, s, w, said);
	*daemon = pid < 0 ? -1 : spawn_daemon(r, s, said[1]);
	close(said[0]);
	close(said[1]);
	return *daemon < 0 ? -1 : pid;
}

static void copy_piece(struct tail *t, const char *piece, size_t size)
{
	if (t->copy < 0 || t->copied + size > MOST_COPIED)
		return;
	ssize_t done = write(t->copy, piece, size);
	t->copied += done < 0 ? 0 : (size_t)done;
}

/* Keeps the last bytes only. */
void tail_read(struct tail *t)
{
	char piece[1024];
	ssize_t size = read(t->fd, piece, sizeof piece);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size <= 0) {
		close(t->fd);
		t->fd = -1;
		return;
	}
	copy_piece(t, piece, (size_t)size);
	if (t->size + (size_t)size > TAIL) {
		size_t kept = TAIL - (size_t)size < t->size ? TAIL - (size_t)size : t->size;
		memmove(t->data, t->data + t->size - kept, kept);
		t->size = kept;
	}
	memcpy(t->data + t->size, piece, (size_t)size);
	t->size += (size_t)size;
}

int do_make_mount_point(struct run *r, const struct make_mount_point *s)
{
	struct stat st;
	int is_file = s->source.size && stat(s->source.data, &st) == 0 && !S_ISDIR(st.st_mode);
	int fd = root_make(r, s->target.data, is_file ? S_IFREG : S_IFDIR);
	return fd < 0 ? -1 : close(fd);
}

static int open_pair(int *peer)
{
	int unlocked = 0, master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) < 0)
		return -1;
	*peer = ioctl(master, TIOCGPTPEER_NUMBER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return *peer < 0 ? -1 : master;
}

static int make_raw(int peer)
{
	struct termios mode;
	if (tcgetattr(peer, &mode) < 0)
		return -1;
	cfmakeraw(&mode);
	return tcsetattr(peer, TCSANOW, &mode);
}

static int set_terminal(int peer)
{
	for (int fd = 0; fd < 3; fd++)
		if (dup2(peer, fd) < 0)
			return -1;
	return 0;
}

/* The guest has a terminal of its own, with echo and signals; this one only carries its bytes. */
int do_open_host_console(struct run *r, const struct open_host_console *s)
{
	struct winsize size = {.ws_row = (unsigned short)s->rows, .ws_col = (unsigned short)s->columns};
	int peer = -1, master = open_pair(&peer), socket = r->slots + (int)s->slot;
	if (master < 0 || make_raw(peer))
		return say(r, "cannot open a terminal", NULL);
	if (size.ws_row)
		ioctl(master, TIOCSWINSZ, &size);
	if (send_descriptor(socket, "/dev/ptmx", master))
		return say(r, "cannot hand over the terminal", NULL);
	close(master);
	if (set_terminal(peer))
		return -1;
	close(peer);
	return ioctl(0, TIOCSCTTY, 0);
}

/* The terminal may be another session's; its process is then not told of new sizes (ioctl_tty(2), TIOCSCTTY). */
int do_take_host_console(struct run *r, const struct take_host_console *s)
{
	(void)s;
	if (make_raw(0) || set_terminal(0))
		return say(r, "standard input is no terminal", NULL);
	return ioctl(0, TIOCSCTTY, 0) < 0 && errno != EPERM ? -1 : 0;
}
