/* ringfence-init SLOT COUNT: perform the plan in descriptor SLOT, reporting on SLOT+1; COUNT descriptors from SLOT on
 * are the plan's, those between 3 and SLOT the program's. ringfence-init hold: only be there. ringfence-init guest, or domain: as process
 * 1, the init of a guest, or of one that is Xen's; called poweroff or reboot, it is what the kernel of that runs. */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "init.h"
#include "kvm/kvm.h"

static int perform(struct run *r, uint32_t kind, const union any_step *step)
{
	switch (kind) {
#define STEP(number, name, ...) \
	case number: \
		return do_##name(r, &step->name);
		EACH_STEP(STEP)
#undef STEP
	}
	errno = EBADMSG;
	return -1;
}

static void trace(struct run *r)
{
	struct timespec now;
	if (!(r->plan.flags & PLAN_TRACE) || r->status < 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	report(r, REPORT_DONE, now.tv_sec * 1000000000LL + now.tv_nsec, NULL);
}

/* After the runtime has gone there is only the program's own standard error to say it on, in one line. */
static _Noreturn void give_up(struct run *r)
{
	int why = errno;
	if (r->status >= 0) {
		report(r, REPORT_FAILED, why, r->detail);
		_exit(r->exit_status);
	}
	char *words = strerror(why), line[DETAIL_SIZE + 128] = "";
	strcat(line, r->detail);
	strcat(line, ": ");
	size_t used = strlen(line);
	strncat(line, words, 100);
	if (line[used] >= 'A' && line[used] <= 'Z')
		line[used] |= 0x20;
	strcat(line, "\n");
	ssize_t ignored = write(2, line, strlen(line));
	(void)ignored;
	_exit(r->exit_status);
}

static void perform_one(struct run *r, uint32_t kind, const union any_step *step)
{
	r->detail[0] = 0;
	if (perform(r, kind, step) < 0)
		give_up(r);
	trace(r);
}

_Noreturn void perform_inside(struct run *r)
{
	union any_step step;
	uint32_t kind;
	for (uint32_t i = 0; i < r->plan.inside; i++) {
		if (next_step(r, &kind, &step)) {
			errno = EBADMSG;
			give_up(r);
		}
		perform_one(r, kind, &step);
	}
	_exit(0);
}

/* What only the other process goes on with is closed on either side. */
static void be_born(struct run *r, const int pair[2], uint32_t left)
{
	r->child = 0;
	r->pair = pair[1];
	close(pair[0]);
	umask(0);
	trace(r);
	while (left--)
		skip_step(r);
	perform_inside(r);
}

static void birth(struct run *r, const struct clone *clone, const int pair[2], uint32_t left)
{
	pid_t pid = give_birth(r, clone);
	if (pid < 0)
		give_up(r);
	if (pid == 0)
		be_born(r, pair, left);
	report(r, REPORT_BORN, pid, NULL);
	if (r->is_intermediate) {
		ssize_t told = write(r->intermediate_pipe, &pid, sizeof pid);
		_exit(told == sizeof pid ? 0 : 1);
	}
	r->child = pid;
	r->pair = pair[0];
	close(pair[1]);
}

/* The conductor passes over the intermediate's steps up to the birth and is told its result. */
static uint32_t await_intermediate(struct run *r, const int pair[2], uint32_t left)
{
	union any_step step;
	uint32_t kind = 0;
	while (kind != CLONE_STEP && left--)
		if (next_step(r, &kind, &step))
			give_up(r);
	if (read(r->intermediate_pipe, &r->child, sizeof r->child) != sizeof r->child)
		_exit(1);
	close(r->intermediate_pipe);
	r->pair = pair[0];
	close(pair[1]);
	return left;
}

static void perform_birth(struct run *r, const int pair[2])
{
	union any_step step;
	uint32_t kind;
	for (uint32_t left = r->plan.birth; left > 0;) {
		if (next_step(r, &kind, &step)) {
			errno = EBADMSG;
			give_up(r);
		}
		left--;
		if (kind == CLONE_STEP) {
			birth(r, &step.clone, pair, left);
			continue;
		}
		perform_one(r, kind, &step);
		if (kind == FORK_INTERMEDIATE_STEP && !r->is_intermediate)
			left = await_intermediate(r, pair, left);
	}
}

/* A private procfs is beyond the reach of anything mounted over /proc; without privilege the host's must do, if it is
 * one (CVE-2019-16884, CVE-2025-52881). */
static int open_procfs(struct run *r)
{
	int fs = sys_fsopen("proc");
	if (fs >= 0 && sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) == 0)
		r->procfs = sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	close(fs);
	if (r->procfs < 0)
		r->procfs = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->procfs < 0)
		return -1;
	errno = EINVAL;
	return on_procfs(r->procfs) ? 0 : say(r, "/proc is not of type proc", NULL);
}

/* A descriptor 0, 1 or 2 that is closed would be taken by the next open. */
static int fill_stdio(struct run *r)
{
	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", O_RDWR) != fd || !is_null_device(fd)) {
			errno = EINVAL;
			return say(r, "/dev/null is not the null device", NULL);
		}
	}
	return 0;
}

/* By the kernel's own call: musl keeps 32 to 34 to itself, and glibc's posix_spawn(3) leaves 32 and 33 ignored. */
void forget_signals(void)
{
	static const unsigned long standard[8];
	sigset_t none;
	for (int signal = 1; signal < 65; signal++)
		syscall(SYS_rt_sigaction, signal, standard, NULL, 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Non-dumpable from the first moment, so that no process of a namespace joined later can look in (CVE-2016-9962). */
static int prepare(struct run *r, int pair[2])
{
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	forget_signals();
	sys_close_range((unsigned)r->slots_end, ~0U, 0);
	for (int fd = r->slots; fd < r->slots_end; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (fill_stdio(r) || read_plan(r, r->slots) || open_procfs(r))
		return -1;
	r->step = r->plan.first;
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
}

/* Be a process in a cgroup that would vanish without one, until the other end of standard input is closed. */
static int hold(void)
{
	char byte;
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sys_close_range(1, ~0U, 0);
	while (read(0, &byte, 1) > 0)
		continue;
	return 0;
}

/* Performs the plan in the first of `count` descriptors from `slots` on. */
_Noreturn void conduct(int slots, int count)
{
	static struct run r = {.procfs = -1, .pair = -1, .unified = -1, .root = -1, .mounted = -1, .masking = -1};
	int pair[2];
	r.slots = slots;
	r.slots_end = slots + count;
	r.status = slots + 1;
	r.exit_status = 1;
	r.directory_errno = -1;
	if (prepare(&r, pair))
		give_up(&r);
	perform_birth(&r, pair);
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc >= 2 && getpid() == 1 && (!strcmp(argv[1], "guest") || !strcmp(argv[1], "domain")))
		guest_main(argv[1][0] == 'd');
	if (argc >= 1 && is_callout(argv[0]))
		return call_out();
	if (argc == 2 && !strcmp(argv[1], "hold"))
		return hold();
	if (argc == 2 && !strcmp(argv[1], "kvm"))
		return probe_kvm();
	if (argc != 3)
		return 2;
	conduct(atoi(argv[1]), atoi(argv[2]));
}
