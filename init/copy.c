/* tmpcopyup: the content of a covered folder is copied into the tmpfs that covers it, by descriptors alone. */
#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

#include "init.h"

#define MAX_DEPTH 64

struct entry64 {
	uint64_t inode;
	int64_t offset;
	unsigned short size;
	unsigned char type;
	char name[];
};

static int copy_bytes(int from, int to)
{
	char buffer[16384];
	ssize_t size;
	while ((size = read(from, buffer, sizeof buffer)) > 0)
		if (write(to, buffer, (size_t)size) != size)
			return -1;
	return size < 0 ? -1 : 0;
}

static int give_looks(int fd, const struct stat *st)
{
	return fchown(fd, st->st_uid, st->st_gid) < 0 || fchmod(fd, st->st_mode & 07777) < 0 ? -1 : 0;
}

static int copy_file(int from, int to, const char *name, const struct stat *st)
{
	int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	int copy = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int bad = source < 0 || copy < 0 || copy_bytes(source, copy) || give_looks(copy, st);
	close(source);
	close(copy);
	return bad ? -1 : 0;
}

static int copy_link(int from, int to, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t size = readlinkat(from, name, target, sizeof target - 1);
	if (size < 0)
		return -1;
	target[size] = 0;
	if (symlinkat(target, to, name) < 0)
		return -1;
	return fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW);
}

static int copy_folder(int from, int to, int depth);

static int copy_below(int from, int to, const char *name, const struct stat *st, int depth)
{
	if (depth >= MAX_DEPTH || mkdirat(to, name, 0700) < 0)
		return -1;
	int source = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int copy = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int bad = source < 0 || copy < 0 || copy_folder(source, copy, depth + 1) || give_looks(copy, st);
	close(source);
	close(copy);
	return bad ? -1 : 0;
}

static int copy_entry(int from, int to, const char *name, int depth)
{
	struct stat st;
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return 0;
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (S_ISDIR(st.st_mode))
		return copy_below(from, to, name, &st, depth);
	if (S_ISLNK(st.st_mode))
		return copy_link(from, to, name, &st);
	if (S_ISREG(st.st_mode))
		return copy_file(from, to, name, &st);
	if (mknodat(to, name, st.st_mode, st.st_rdev) < 0)
		return -1;
	return fchownat(to, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW);
}

static int copy_folder(int from, int to, int depth)
{
	char buffer[2048] __attribute__((aligned(8)));
	long size;
	while ((size = syscall(SYS_getdents64, from, buffer, sizeof buffer)) > 0)
		for (long at = 0; at < size;) {
			struct entry64 *entry = (struct entry64 *)(buffer + at);
			if (copy_entry(from, to, entry->name, depth))
				return -1;
			at += entry->size;
		}
	return size < 0 ? -1 : 0;
}

int copy_tree(struct run *r, int from, int to)
{
	struct stat st;
	(void)r;
	if (fstat(from, &st) < 0)
		return -1;
	int copy = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int bad = copy < 0 || copy_folder(from, copy, 0) || fchown(copy, st.st_uid, st.st_gid) < 0;
	close(copy);
	return bad ? -1 : 0;
}
