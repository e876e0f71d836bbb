/* The files of further containers in a machine: their trees are shown to whoever serves the machine's files. */
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "session.h"

/* By a procfs of our own: what we see of files is the container's by now. */
static int enter_namespace(int procfs, pid_t pid)
{
	char path[48], digits[24];
	strcpy(path, number_text(digits + sizeof digits, pid));
	strcat(path, "/ns/mnt");
	int fd = openat(procfs, path, O_RDONLY | O_CLOEXEC), bad = fd < 0 || setns(fd, CLONE_NEWNS) < 0;
	int why = errno;
	close(fd);
	errno = why;
	return bad;
}

static int attach(int procfs, const struct shown *s, pid_t owner, pid_t server)
{
	if (enter_namespace(procfs, owner))
		return -1;
	int tree = sys_open_tree(AT_FDCWD, s->source, OPEN_TREE_CLONE | O_CLOEXEC | AT_RECURSIVE);
	if (tree < 0 || enter_namespace(procfs, server) || mkdir(s->place, 0755) < 0)
		return -1;
	int target = open(s->place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return target < 0 || sys_move_mount(tree, target) < 0 ? -1 : 0;
}

/* A child goes there: a process that has been in another mount namespace has lost its root and working folder. */
static int in_child(int (*act)(int procfs, const struct shown *s, pid_t owner, pid_t server), int procfs,
		    const struct shown *s, pid_t owner, pid_t server)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0)
		_exit(act(procfs, s, owner, server) ? errno : 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
	return errno ? -1 : 0;
}

/* A frame has the owner's pid, the tree's path for it, the served folder's and a name in it, NUL-ended. A daemon has that
 * folder at its root; QEMU has it where the host has it. */
int show_files(int procfs, struct shown *s, const struct frame *frame, pid_t server, int is_daemon)
{
	const char *end = frame->data + frame->size, *parts[3], *at = frame->data + sizeof(uint32_t);
	uint32_t owner = 0;
	if (frame->size < sizeof owner)
		return -1;
	memcpy(&owner, frame->data, sizeof owner);
	for (int i = 0; i < 3; i++) {
		parts[i] = at;
		at = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
		if (!at++)
			return -1;
	}
	if (s->place[0] || strlen(parts[0]) >= sizeof s->source || strlen(parts[1]) + strlen(parts[2]) + 2 > sizeof s->place) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(s->source, parts[0]);
	strcpy(s->place, is_daemon ? "" : parts[1]);
	strcat(s->place, "/");
	strcat(s->place, parts[2]);
	if (in_child(attach, procfs, s, (pid_t)owner, server) == 0)
		return 0;
	s->place[0] = 0;
	return -1;
}

static int detach(int procfs, const struct shown *s, pid_t owner, pid_t server)
{
	(void)owner;
	return enter_namespace(procfs, server) || umount2(s->place, MNT_DETACH) < 0 || rmdir(s->place) < 0 ? -1 : 0;
}

void hide_files(int procfs, struct shown *s, pid_t server)
{
	if (s->place[0])
		in_child(detach, procfs, s, 0, server);
	s->place[0] = 0;
}
