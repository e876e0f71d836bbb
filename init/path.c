/* Paths inside the rootfs. They are resolved below the descriptor of the root and never looked up on the host
 * (CVE-2019-18837, CVE-2021-30465, CVE-2024-45310): existing ones by openat2(RESOLVE_IN_ROOT), missing ones step by
 * step, each made relative to a descriptor of its parent. */
#include <limits.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "init.h"

#define MAX_LINKS 40
#define MAX_TRIES 128

static int try_openat2(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};
	int fd = -1;
	/* EAGAIN: something on the way was renamed while it was walked (openat2(2)). */
	for (int i = 0; i < MAX_TRIES; i++) {
		fd = sys_openat2(dir, path, &how);
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd;
}

int root_open(struct run *r, const char *path, uint64_t flags, uint64_t resolve)
{
	return try_openat2(r->root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve);
}

/* A walk below the root. `path` holds what is left to walk, `where` is the folder reached, `trail` its path without
 * links, by which ".." is resolved. */
struct walk {
	struct run *r;
	char path[2 * PATH_MAX], trail[PATH_MAX];
	int where, links;
};

static int go_to_trail(struct walk *w)
{
	int fd = root_open(w->r, w->trail[0] ? w->trail : ".", O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return -1;
	if (w->where >= 0)
		close(w->where);
	w->where = fd;
	return 0;
}

static int go_up(struct walk *w)
{
	char *slash = strrchr(w->trail, '/');
	*(slash ? slash : w->trail) = 0;
	return go_to_trail(w);
}

static int go_down(struct walk *w, int fd, const char *name)
{
	size_t used = strlen(w->trail), size = strlen(name);
	if (used + size + 2 > sizeof w->trail) {
		close(fd);
		errno = ENAMETOOLONG;
		return -1;
	}
	w->trail[used] = '/';
	memcpy(w->trail + used + (used ? 1 : 0), name, size + 1);
	close(w->where);
	w->where = fd;
	return 0;
}

/* Puts a link's target before the rest of the path. */
static int follow(struct walk *w, int link, const char *rest)
{
	char target[PATH_MAX], left[PATH_MAX];
	ssize_t size = readlinkat(link, "", target, sizeof target - 1);
	size_t more = strlen(rest);
	if (size < 0)
		return -1;
	if (++w->links > MAX_LINKS || more + 1 > sizeof left) {
		errno = ELOOP;
		return -1;
	}
	memcpy(left, rest, more + 1);
	memcpy(w->path, target, (size_t)size);
	w->path[size] = '/';
	memcpy(w->path + size + 1, left, more + 1);
	if (target[0] != '/')
		return 0;
	w->trail[0] = 0;
	return go_to_trail(w);
}

/* Makes a missing entry and opens it; one that has appeared meanwhile is taken as it is. */
static int make_entry(int dir, const char *name, mode_t type)
{
	if (type == S_IFDIR) {
		if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
			return -1;
	} else {
		int fd = openat(dir, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0755);
		if (fd < 0 && errno != EEXIST)
			return -1;
		if (fd >= 0)
			close(fd);
	}
	return try_openat2(dir, name, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

static int open_entry(int dir, const char *name, mode_t type)
{
	int fd = try_openat2(dir, name, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH);
	if (fd < 0 && errno == ENOENT && type)
		fd = make_entry(dir, name, type);
	return fd;
}

/* Cuts the first name off the path; returns what follows it. */
static char *cut_name(char *path, char **name)
{
	while (*path == '/')
		path++;
	*name = path;
	while (*path && *path != '/')
		path++;
	if (*path)
		*path++ = 0;
	while (*path == '/')
		path++;
	return path;
}

/* One name of the walk. Returns 1 when the walk has ended in the file or folder `*end`, 0 to go on. */
static int walk_name(struct walk *w, mode_t type, int *end)
{
	char *name, *rest = cut_name(w->path, &name);
	struct stat st;
	int last = !*rest;
	if (!*name || !strcmp(name, ".") || !strcmp(name, "..")) {
		if (!strcmp(name, "..") && go_up(w))
			return -1;
		memmove(w->path, rest, strlen(rest) + 1);
		*end = last ? w->where : -1;
		return last;
	}
	int fd = open_entry(w->where, name, last ? type : S_IFDIR);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (S_ISLNK(st.st_mode)) {
		int bad = follow(w, fd, rest);
		close(fd);
		return bad;
	}
	if (last) {
		close(w->where);
		*end = fd;
		return 1;
	}
	if (go_down(w, fd, name))
		return -1;
	memmove(w->path, rest, strlen(rest) + 1);
	return 0;
}

/* Opens a path (O_PATH), making what is missing: folders, and at the end a folder or an empty file by `type`. */
int root_make(struct run *r, const char *path, mode_t type)
{
	struct walk w = {.r = r, .where = -1};
	size_t size = strlen(path);
	int end = root_open(r, path, O_PATH, 0), done = 0;
	if (end >= 0 || errno != ENOENT)
		return end;
	if (size + 1 > PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(w.path, path, size + 1);
	if (go_to_trail(&w))
		return -1;
	while (!done)
		done = walk_name(&w, type, &end);
	if (done > 0)
		return end;
	int why = errno;
	close(w.where);
	errno = why;
	return -1;
}

/* Opens the folder that holds a path's last name, making it and its parents. */
int root_parent(struct run *r, const char *path, const char **name)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t size = slash ? (size_t)(slash - path) : 0;
	*name = slash ? slash + 1 : path;
	if (!**name || !strcmp(*name, ".") || !strcmp(*name, "..") || size + 2 > sizeof parent) {
		errno = EINVAL;
		return -1;
	}
	memcpy(parent, path, size);
	parent[size] = '/';
	parent[size + 1] = 0;
	return root_make(r, parent, S_IFDIR);
}

int on_procfs(int fd)
{
	struct statfs fs;
	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

int is_null_device(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

/* Writes a whole file in one write(2), below a descriptor; on the private procfs nothing may be mounted over it and
 * no link may lead away (CVE-2025-52881). */
int write_at(int dir, const char *path, const char *data, size_t size)
{
	int fd = try_openat2(dir, path, O_WRONLY, RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
	if (fd < 0)
		return -1;
	ssize_t done = write(fd, data, size);
	int why = errno;
	close(fd);
	errno = why;
	return done == (ssize_t)size ? 0 : -1;
}

/* Opens what a descriptor stands for anew, through the private procfs. */
int open_slot_path(struct run *r, int fd, int flags)
{
	char path[48] = "self/fd/", buffer[24];
	strcat(path, number_text(buffer + sizeof buffer, fd));
	return openat(r->procfs, path, flags | O_CLOEXEC);
}
