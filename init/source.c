/* Sources of bind mounts that are opened before the birth, with the conductor's rights. */
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "init.h"

#define MOUNT_ATTR_IDMAP 0x00100000

static int write_of(struct run *r, pid_t pid, const char *file, const struct text *text)
{
	char path[64] = "", buffer[24];
	strcat(path, number_text(buffer + sizeof buffer, pid));
	strcat(path, file);
	return write_at(r->procfs, path, text->data, text->size);
}

/* A user namespace with these maps, held by a descriptor alone: the process that made it is gone at once. */
static int mapped_namespace(struct run *r, const struct open_bind_source *s)
{
	char path[64] = "", buffer[24];
	struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
	pid_t pid = sys_clone3(&args);
	if (pid < 0)
		return -1;
	while (pid == 0)
		pause();
	strcat(path, number_text(buffer + sizeof buffer, pid));
	strcat(path, "/ns/user");
	int bad = write_of(r, pid, "/uid_map", &s->uid_map) || write_of(r, pid, "/gid_map", &s->gid_map);
	int fd = bad ? -1 : openat(r->procfs, path, O_RDONLY | O_CLOEXEC), why = errno;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	errno = why;
	return fd;
}

static int map_ids(struct run *r, const struct open_bind_source *s, int tree)
{
	struct mount_attr attributes = {.set = MOUNT_ATTR_IDMAP};
	int fd = s->uid_map.size ? mapped_namespace(r, s) : open(s->user_namespace.data, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return say(r, "cannot make the user namespace of an idmapped mount", NULL);
	attributes.userns = (uint64_t)fd;
	int bad = sys_mount_setattr(tree, AT_EMPTY_PATH | (s->deep ? AT_RECURSIVE : 0), &attributes);
	int why = errno;
	close(fd);
	errno = why;
	return bad;
}

int do_open_bind_source(struct run *r, const struct open_bind_source *s)
{
	if (s->slot < 0 || s->slot >= MAX_SOURCES) {
		errno = E2BIG;
		return -1;
	}
	int tree = sys_open_tree(AT_FDCWD, s->source.data,
				 OPEN_TREE_CLONE | O_CLOEXEC | (s->recursive ? AT_RECURSIVE : 0));
	if (tree < 0)
		return say(r, "source", NULL);
	r->sources[s->slot] = tree;
	if ((s->uid_map.size || s->user_namespace.size) && map_ids(r, s, tree))
		return -1;
	/* The clone was made on the host: without this, mounts below it would propagate back there. */
	return propagate(tree, MS_SLAVE | MS_REC);
}
