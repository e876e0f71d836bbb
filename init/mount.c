/* Mounts. Each is made detached, given its attributes while nobody else can reach it, and attached to the descriptor
 * of its checked target (Linux 5.12: open_tree, fsmount, mount_setattr, move_mount). */
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include "init.h"

static int hold_mounted(struct run *r, int fd)
{
	if (r->mounted >= 0)
		close(r->mounted);
	r->mounted = fd;
	return 0;
}

int propagate(int fd, int64_t flags)
{
	struct mount_attr attributes = {.propagation = (uint64_t)flags & ~(uint64_t)MS_REC};
	return sys_mount_setattr(fd, AT_EMPTY_PATH | (flags & MS_REC ? AT_RECURSIVE : 0), &attributes);
}

int do_set_tree_propagation(struct run *r, const struct set_tree_propagation *s)
{
	(void)r;
	return mount("", "/", NULL, (unsigned long)s->flags, NULL);
}

/* The mount that holds the rootfs must be private, or pivot_root refuses and the bind would show on the host
 * (pivot_root(2)). `path` may lie anywhere below it, so its parents are tried upwards. */
static int isolate_parent(struct run *r, const char *path)
{
	char *parent = arena_take(r, strlen(path) + 1);
	if (!parent)
		return -1;
	strcpy(parent, path);
	while (mount("", parent, NULL, MS_PRIVATE, NULL) < 0) {
		char *slash = strrchr(parent, '/');
		if (errno != EINVAL || !slash || !strcmp(parent, "/"))
			return -1;
		slash[slash == parent] = 0;
	}
	return 0;
}

int do_open_root(struct run *r, const struct open_root *s)
{
	if (s->isolate && isolate_parent(r, s->path.data))
		return say(r, "cannot make the parent mount of ", s->path.data, " private", NULL);
	if (mount(s->path.data, s->path.data, NULL, MS_BIND | MS_REC, NULL) < 0)
		return -1;
	r->root = open(s->path.data, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return r->root < 0 ? -1 : 0;
}

int do_use_root(struct run *r, const struct use_root *s)
{
	r->root = open(s->path.size ? s->path.data : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return r->root < 0 ? -1 : 0;
}

static int option_key(struct run *r, int fs, const char *option)
{
	char *key = arena_take(r, strlen(option) + 1), *value;
	if (!key)
		return -1;
	strcpy(key, option);
	value = strchr(key, '=');
	if (!value)
		return sys_fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL);
	*value++ = 0;
	return sys_fsconfig(fs, FSCONFIG_SET_STRING, key, value);
}

/* The permission bits of the covered folder go on to a tmpfs (LNX-TMPFS-01). */
static int mode_option(struct run *r, int fs, mode_t mode)
{
	char octal[8] = {0};
	for (int i = 0; i < 4; i++)
		octal[i] = (char)('0' + ((mode >> (9 - 3 * i)) & 7));
	(void)r;
	return sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", octal);
}

static int make_filesystem(struct run *r, const struct mount_filesystem *s, mode_t mode)
{
	uint64_t size;
	const char *at = s->options.data;
	int fs = sys_fsopen(s->type.data), bad = 0;
	if (fs < 0)
		return -1;
	if (s->source.size)
		bad = sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", s->source.data);
	for (uint32_t i = 0; i < s->options.count && !bad; i++) {
		const char *option = list_next(at, &size);
		at = option + size + 1;
		bad = option_key(r, fs, option);
	}
	if (!bad && mode)
		bad = mode_option(r, fs, mode);
	if (!bad)
		bad = sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL);
	int made = bad ? -1 : sys_fsmount(fs, (unsigned)s->attributes);
	int why = errno;
	close(fs);
	errno = why;
	return made;
}

/* Opens a mount's target. For /proc and /sys themselves no link may lead there; nothing but a few files may be
 * mounted on procfs (LNX-PROC-01, LNX-PROC-03). */
static int open_target(struct run *r, const char *path, mode_t type, int ordinary, int inside_proc)
{
	if (ordinary) {
		int fd = root_open(r, path, O_PATH, RESOLVE_NO_SYMLINKS);
		if (fd < 0 && errno == ELOOP)
			return say(r, "\"", path, "\" must be mounted on ordinary directory", NULL);
		if (fd >= 0)
			return fd;
	}
	int target = root_make(r, path, type);
	if (target >= 0 && !inside_proc && on_procfs(target)) {
		errno = EPERM;
		return say(r, "\"", path, "\" cannot be mounted because it is inside /proc", NULL);
	}
	return target;
}

static int existing_mode(struct run *r, const char *path, mode_t *mode)
{
	struct stat st;
	int fd = root_open(r, path, O_PATH, 0);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (fstat(fd, &st) == 0)
		*mode = st.st_mode & 07777;
	close(fd);
	return 0;
}

int do_set_file_label(struct run *r, const struct set_file_label *s)
{
	int fd = root_open(r, s->target.data, O_RDONLY | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
	int bad = fd < 0 || fsetxattr(fd, "security.selinux", s->label.data, s->label.size + 1, 0) < 0;
	int why = errno;
	close(fd);
	errno = why;
	return bad ? say(r, "cannot label ", s->target.data, NULL) : 0;
}

int do_mount_filesystem(struct run *r, const struct mount_filesystem *s)
{
	mode_t mode = 0;
	if (s->inherit_mode && existing_mode(r, s->target.data, &mode))
		return -1;
	int target = open_target(r, s->target.data, S_IFDIR, s->ordinary, s->inside_proc);
	if (target < 0)
		return -1;
	int made = make_filesystem(r, s, mode);
	if (made < 0)
		return -1;
	int below = s->copy_up ? openat(target, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (s->copy_up && (below < 0 || copy_tree(r, below, made)))
		return say(r, "tmpcopyup of ", s->target.data, NULL);
	if (sys_move_mount(made, target) < 0)
		return -1;
	close(target);
	return hold_mounted(r, made);
}

static int64_t attributes_now(int fd)
{
	static const struct {
		unsigned long st;
		int64_t attribute;
	} table[] = {
	    {ST_RDONLY, MOUNT_ATTR_RDONLY},	{ST_NOSUID, MOUNT_ATTR_NOSUID}, {ST_NODEV, MOUNT_ATTR_NODEV},
	    {ST_NOEXEC, MOUNT_ATTR_NOEXEC},
	    {ST_NODIRATIME, MOUNT_ATTR_NODIRATIME},
	};
	struct statfs fs;
	int64_t found = 0;
	if (fstatfs(fd, &fs) < 0)
		return 0;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if ((unsigned long)fs.f_flags & table[i].st)
			found |= table[i].attribute;
	return found;
}

static int64_t atime_now(int fd)
{
	struct statfs fs;
	if (fstatfs(fd, &fs) < 0 || (unsigned long)fs.f_flags & ST_RELATIME)
		return 0;
	return (unsigned long)fs.f_flags & ST_NOATIME ? MOUNT_ATTR_NOATIME : MOUNT_ATTR_STRICTATIME;
}

/* Behind a user namespace the flags of the source are as good as locked (mount_namespaces(7)): they stay unless the
 * config names them, and naming their opposite is refused. */
static int set_attributes(int tree, const struct bind_mount *s)
{
	struct mount_attr top = {.set = (uint64_t)s->set, .clear = (uint64_t)s->clear};
	struct mount_attr all = {.set = (uint64_t)s->set_recursive, .clear = (uint64_t)s->clear_recursive};
	if (s->locked) {
		int64_t now = attributes_now(tree);
		int64_t mode = s->set & MOUNT_ATTR__ATIME, other = top.clear & MOUNT_ATTR__ATIME && mode != atime_now(tree);
		if (now & s->refuse || other) {
			errno = EPERM;
			return -1;
		}
		top.clear &= ~((uint64_t)now & ~MOUNT_ATTR__ATIME);
	}
	if ((top.set || top.clear) && sys_mount_setattr(tree, AT_EMPTY_PATH, &top) < 0)
		return -1;
	if (all.set || all.clear)
		return sys_mount_setattr(tree, AT_EMPTY_PATH | AT_RECURSIVE, &all);
	return 0;
}

static int bind_source(struct run *r, const struct bind_mount *s)
{
	if (s->slot)
		return r->sources[s->slot - 1];
	return sys_open_tree(AT_FDCWD, s->source.data,
			     OPEN_TREE_CLONE | O_CLOEXEC | (s->recursive ? AT_RECURSIVE : 0));
}

int do_bind_mount(struct run *r, const struct bind_mount *s)
{
	struct stat st;
	int tree = bind_source(r, s);
	if (tree < 0 || fstat(tree, &st) < 0)
		return say(r, "source", NULL);
	if (s->procfs_only && !on_procfs(tree)) {
		errno = EINVAL;
		return say(r, "\"", s->target.data, "\" cannot be mounted because it is not of type proc", NULL);
	}
	int target = open_target(r, s->target.data, S_ISDIR(st.st_mode) ? S_IFDIR : S_IFREG, (int)s->ordinary,
				 (int)s->inside_proc);
	if (target < 0 || set_attributes(tree, s) || sys_move_mount(tree, target) < 0)
		return -1;
	close(target);
	return hold_mounted(r, tree);
}

int do_set_propagation(struct run *r, const struct set_propagation *s)
{
	return propagate(r->mounted, s->flags);
}

int do_set_mount_attributes(struct run *r, const struct set_mount_attributes *s)
{
	struct mount_attr attributes = {.set = (uint64_t)s->set, .clear = (uint64_t)s->clear};
	int fd = root_open(r, s->target.data, O_PATH, 0);
	if (fd < 0)
		return -1;
	int bad = sys_mount_setattr(fd, AT_EMPTY_PATH | (s->recursive ? AT_RECURSIVE : 0), &attributes);
	int why = errno;
	close(fd);
	errno = why;
	return bad;
}

/* Clones the tree at a descriptor, sets attributes on it, and attaches it. */
int attach_clone(int from, int target, struct mount_attr *attributes, unsigned recursive)
{
	int tree = sys_open_tree(from, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | recursive);
	if (tree < 0)
		return -1;
	int bad = attributes && sys_mount_setattr(tree, AT_EMPTY_PATH | recursive, attributes) < 0;
	if (!bad)
		bad = sys_move_mount(tree, target) < 0;
	int why = errno;
	close(tree);
	errno = why;
	return bad ? -1 : 0;
}
