/* The conductor's own steps: what is opened before the birth, the birth, and what is done for the new process from
 * outside. */
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "init.h"

#define NS_GET_NSTYPE 0xb703

int ioctl(int, int, ...);

static int open_tasks(struct run *r, const char *path)
{
	char *file = arena_take(r, strlen(path) + sizeof "/tasks");
	if (!file)
		return -1;
	strcpy(file, path);
	strcat(file, "/tasks");
	return open(file, O_WRONLY | O_CLOEXEC);
}

int do_open_cgroup(struct run *r, const struct open_cgroup *s)
{
	if (s->unified) {
		r->unified = open(s->path.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return r->unified < 0 ? -1 : 0;
	}
	if (r->cgroup_count == MAX_CGROUPS) {
		errno = E2BIG;
		return -1;
	}
	int fd = open_tasks(r, s->path.data);
	if (fd < 0)
		return -1;
	r->cgroups[r->cgroup_count++] = fd;
	return 0;
}

/* A process that moves itself alone, by its thread id, needs no lock over all processes of the machine; moving
 * another by cgroup.procs waits for an RCU grace period in every hierarchy (kernel/cgroup/cgroup.c,
 * cgroup_procs_write_start). */
int do_enter_cgroups(struct run *r, const struct enter_cgroups *s)
{
	(void)s;
	for (int i = 0; i < r->cgroup_count; i++)
		if (write(r->cgroups[i], "0", 1) != 1)
			return say(r, "unable to apply cgroup configuration", NULL);
	for (int i = 0; i < r->cgroup_count; i++)
		close(r->cgroups[i]);
	r->cgroup_count = 0;
	return 0;
}

/* Where this user may not move processes between cgroups, systemd does: it moves the conductor, and what is born of it
 * is born there. */
int do_await_unit(struct run *r, const struct await_unit *s)
{
	char word;
	report(r, REPORT_UNIT, getpid(), s->unit.data);
	return read(r->slots + (int)s->slot, &word, 1) == 1 ? 0 : -1;
}

int do_set_oom_score(struct run *r, const struct set_oom_score *s)
{
	char buffer[24], *text = number_text(buffer + sizeof buffer, s->value);
	return write_at(r->procfs, "self/oom_score_adj", text, strlen(text));
}

int do_set_affinity(struct run *r, const struct set_affinity *s)
{
	unsigned char every[1024];
	(void)r;
	if (s->mask.size)
		return syscall(SYS_sched_setaffinity, 0, s->mask.size, s->mask.data) < 0 ? -1 : 0;
	memset(every, 0xff, sizeof every);
	syscall(SYS_sched_setaffinity, 0, sizeof every, every);
	return 0;
}

int do_join_namespace(struct run *r, const struct join_namespace *s)
{
	int fd = open(s->path.data, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (ioctl(fd, NS_GET_NSTYPE) != s->type) {
		errno = EINVAL;
		return say(r, s->path.data, " is not a namespace of this type", NULL);
	}
	if (setns(fd, (int)s->type) < 0)
		return -1;
	return close(fd);
}

/* Joining what the caller's own rights allow comes first, the user namespace last, so that namespaces it does not own
 * can be joined too (LNX-NS-10); without privilege on the host it is the other way round. */
int do_join_process(struct run *r, const struct join_process *s)
{
	int fd = r->slots + (int)s->slot, others = (int)s->types & ~CLONE_NEWUSER;
	if (!(s->types & CLONE_NEWUSER))
		return setns(fd, others);
	if (setns(fd, others) == 0)
		return setns(fd, CLONE_NEWUSER);
	return setns(fd, (int)s->types);
}

int do_new_time_namespace(struct run *r, const struct new_time_namespace *s)
{
	if (unshare(CLONE_NEWTIME) < 0)
		return -1;
	return s->offsets.size ? write_at(r->procfs, "self/timens_offsets", s->offsets.data, s->offsets.size) : 0;
}

/* The intermediate and the process are both children of the runtime (CLONE_PARENT): it reaps them, or whoever adopts
 * them when it ends. The conductor goes on after the Clone step, when it has been told the pid. */
int do_fork_intermediate(struct run *r, const struct fork_intermediate *s)
{
	struct clone_args args = {.flags = CLONE_PARENT};
	int ends[2];
	(void)s;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = sys_clone3(&args);
	if (pid < 0)
		return -1;
	r->is_intermediate = pid == 0;
	r->intermediate_pipe = ends[pid == 0];
	close(ends[pid != 0]);
	if (pid)
		report(r, REPORT_INTERMEDIATE, pid, NULL);
	return 0;
}

static pid_t clone_process(struct run *r, uint64_t flags)
{
	struct clone_args args = {.flags = flags | CLONE_PARENT};
	if (r->unified < 0)
		return sys_clone3(&args);
	args.flags |= CLONE_INTO_CGROUP;
	args.cgroup = (uint64_t)r->unified;
	return sys_clone3(&args);
}

/* A cgroup that cannot be cloned into (threaded, Linux before 5.7) is entered by pid. */
static pid_t clone_then_move(struct run *r, uint64_t flags)
{
	char buffer[24];
	int folder = r->unified, gate[2];
	r->unified = -1;
	if (pipe2(gate, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = clone_process(r, flags);
	if (pid == 0) {
		char go;
		close(gate[1]);
		if (read(gate[0], &go, 1) != 1)
			_exit(1);
		close(gate[0]);
		return 0;
	}
	close(gate[0]);
	char *text = number_text(buffer + sizeof buffer, pid);
	if (pid < 0 || write_at(folder, "cgroup.procs", text, strlen(text)) || write(gate[1], "", 1) != 1)
		pid = -1;
	close(gate[1]);
	return pid;
}

static void begin_life(struct run *r, const struct clone *s)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, s->expose ? 1 : 0);
	close(r->unified);
	r->unified = -1;
}

/* Only files of a dumpable process are its user's, who has to write the maps; the child has that from its parent, or
 * the maps might be written before it says so itself. */
pid_t give_birth(struct run *r, const struct clone *s)
{
	if (s->expose)
		prctl(PR_SET_DUMPABLE, 1);
	pid_t pid = clone_process(r, (uint64_t)s->flags);
	if (pid < 0 && r->unified >= 0)
		pid = clone_then_move(r, (uint64_t)s->flags);
	if (pid == 0)
		begin_life(r, s);
	else if (s->expose)
		prctl(PR_SET_DUMPABLE, 0);
	return pid;
}

static int helper_maps(struct run *r, const char *helper, const char *map)
{
	char buffer[24], *words = arena_take(r, strlen(map) + 1), **argv = arena_take(r, (strlen(map) + 3) * sizeof *argv);
	int count = 0, status;
	if (!words || !argv)
		return -1;
	argv[count++] = (char *)helper;
	argv[count++] = number_text(buffer + sizeof buffer, r->child);
	for (char *word = strtok(strcpy(words, map), " \n"); word; word = strtok(NULL, " \n"))
		argv[count++] = word;
	argv[count] = NULL;
	pid_t pid = fork();
	if (pid == 0) {
		execve(helper, argv, (char *[]){NULL});
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	errno = EPERM;
	return status ? say(r, helper, " failed", NULL) : 0;
}

static int write_child(struct run *r, const char *file, const struct text *text)
{
	char path[64] = "", buffer[24];
	strcat(path, number_text(buffer + sizeof buffer, r->child));
	strcat(path, file);
	return write_at(r->procfs, path, text->data, text->size);
}

int do_write_id_maps(struct run *r, const struct write_id_maps *s)
{
	static const struct text deny = {.data = "deny", .size = 4};
	if (s->deny_setgroups && write_child(r, "/setgroups", &deny))
		return -1;
	if (s->gid_helper.size ? helper_maps(r, s->gid_helper.data, s->gid_map.data)
			       : write_child(r, "/gid_map", &s->gid_map))
		return say(r, "cannot write gid_map", NULL);
	if (s->uid_helper.size ? helper_maps(r, s->uid_helper.data, s->uid_map.data)
			       : write_child(r, "/uid_map", &s->uid_map))
		return say(r, "cannot write uid_map", NULL);
	return 0;
}

/* When the other side has died it has reported why itself: the end of the stream is passed on silently. */
static int hear(struct run *r)
{
	char word;
	if (read(r->pair, &word, 1) != 1)
		_exit(1);
	return 0;
}

static int tell(struct run *r)
{
	return send(r->pair, "", 1, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int do_release_child(struct run *r, const struct release_child *s)
{
	(void)s;
	return tell(r);
}

int do_await_child(struct run *r, const struct await_child *s)
{
	(void)s;
	return hear(r);
}

int do_await_conductor(struct run *r, const struct await_conductor *s)
{
	if (s->tell && tell(r))
		return -1;
	return hear(r);
}

int do_set_child_limit(struct run *r, const struct set_child_limit *s)
{
	struct rlimit limit = {.rlim_cur = (rlim_t)s->soft, .rlim_max = (rlim_t)s->hard};
	if (syscall(SYS_prlimit64, r->child, (int)s->resource, &limit, NULL) < 0)
		return say(r, "error setting rlimit type ", s->name.data, NULL);
	return 0;
}

/* A birth is only possible in the first part of a plan, where main.c gives it. */
int do_clone(struct run *r, const struct clone *s)
{
	(void)r, (void)s;
	errno = EBADMSG;
	return -1;
}
