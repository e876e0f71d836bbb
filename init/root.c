/* The switch to the new root, and what is hidden or protected in it afterwards. */
#include <sys/mount.h>
#include <sys/stat.h>

#include "init.h"

/* pivot_root(".", ".") puts the old root on top of the new one, from where it is detached whole (pivot_root(2), NOTES).
 * It is made a slave first, so that the host keeps its mounts; by its descriptor, for "." is the new root below it. */
int do_pivot_root(struct run *r, const struct pivot_root *s)
{
	(void)s;
	int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (old < 0 || fchdir(r->root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || fchdir(old) < 0)
		return -1;
	if (mount("", ".", NULL, MS_SLAVE | MS_REC, NULL) < 0 || umount2(".", MNT_DETACH) < 0)
		return -1;
	close(old);
	return chdir("/");
}

/* Every mount of proc or sysfs that stays in sight would let a nested user namespace mount an unmasked one
 * (mount_namespaces(7), "mount point locking"); they go before the move. */
static int unmount_host_trees(void)
{
	static const char *const trees[] = {"/proc", "/sys"};
	for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
		mount("", trees[i], NULL, MS_SLAVE | MS_REC, NULL);
		if (umount2(trees[i], MNT_DETACH) == 0 || errno == EINVAL || errno == ENOENT)
			continue;
		if (errno != EPERM || mount("tmpfs", trees[i], "tmpfs", 0, NULL) < 0)
			return -1;
	}
	return 0;
}

int do_move_root(struct run *r, const struct move_root *s)
{
	(void)s;
	if (unmount_host_trees() || fchdir(r->root) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 ||
	    chroot(".") < 0)
		return -1;
	return chdir("/");
}

int do_change_root(struct run *r, const struct change_root *s)
{
	(void)s;
	if (fchdir(r->root) < 0 || chroot(".") < 0)
		return -1;
	return chdir("/");
}

int do_set_root_attributes(struct run *r, const struct set_root_attributes *s)
{
	struct mount_attr attributes = {.set = (uint64_t)s->set};
	return sys_mount_setattr(r->root, AT_EMPTY_PATH, &attributes);
}

int do_set_root_propagation(struct run *r, const struct set_root_propagation *s)
{
	struct mount_attr attributes = {.propagation = (uint64_t)s->flags & ~(uint64_t)MS_REC};
	return sys_mount_setattr(r->root, AT_EMPTY_PATH | (s->flags & MS_REC ? AT_RECURSIVE : 0), &attributes);
}

int do_make_readonly(struct run *r, const struct make_readonly *s)
{
	struct mount_attr attributes = {.set = MOUNT_ATTR_RDONLY};
	int fd = root_open(r, s->path.data, O_PATH, 0);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	int bad = attach_clone(fd, fd, &attributes, AT_RECURSIVE);
	close(fd);
	return bad;
}

/* One empty tmpfs serves all masked folders: its superblock is made once and every further folder gets a clone, for
 * teardown costs one superblock then. */
static int mask_folder(struct run *r, int target, const struct text *label)
{
	if (r->masking >= 0)
		return attach_clone(r->masking, target, NULL, 0);
	int fs = sys_fsopen("tmpfs");
	if (fs < 0 || sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", "tmpfs") < 0 ||
	    sys_fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL) < 0 ||
	    sys_fsconfig(fs, FSCONFIG_SET_STRING, "nr_blocks", "1") < 0 ||
	    sys_fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", "1") < 0 ||
	    (label->size && sys_fsconfig(fs, FSCONFIG_SET_STRING, "context", label->data) < 0) ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return -1;
	r->masking = sys_fsmount(fs, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	close(fs);
	return r->masking < 0 ? -1 : sys_move_mount(r->masking, target);
}

/* Only the real null device may cover a file (CVE-2025-31133). */
static int mask_file(struct run *r, int target)
{
	int null = root_open(r, "/dev/null", O_PATH, RESOLVE_NO_SYMLINKS);
	if (null < 0)
		return say(r, "cannot open /dev/null", NULL);
	if (!is_null_device(null)) {
		errno = EINVAL;
		return say(r, "/dev/null is not the null device", NULL);
	}
	int bad = attach_clone(null, target, NULL, 0);
	close(null);
	return bad;
}

int do_mask_path(struct run *r, const struct mask_path *s)
{
	struct stat st;
	int fd = root_open(r, s->path.data, O_PATH, 0);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	if (fstat(fd, &st) < 0)
		return -1;
	int bad = S_ISDIR(st.st_mode) ? mask_folder(r, fd, &s->label) : mask_file(r, fd);
	close(fd);
	return bad;
}
