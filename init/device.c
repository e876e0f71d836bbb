/* Device nodes, the links of \/dev, and terminals. */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "init.h"

static int is_device(const struct stat *st, const struct make_device *s)
{
	if ((st->st_mode & S_IFMT) != (mode_t)s->type)
		return 0;
	return s->type == S_IFIFO || st->st_rdev == makedev((unsigned)s->major, (unsigned)s->minor);
}

/* A node that is there already must be the very device (config-linux.md, Devices). */
static int same_device(int parent, const char *name, const struct make_device *s)
{
	struct stat st;
	return fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_device(&st, s);
}

static int make_node(struct run *r, const struct make_device *s, int parent, const char *name)
{
	dev_t number = s->type == S_IFIFO ? 0 : makedev((unsigned)s->major, (unsigned)s->minor);
	mode_t mode = (mode_t)(s->type | s->mode);
	if (mknodat(parent, name, mode, number) == 0)
		return fchownat(parent, name, (uid_t)s->uid, (gid_t)s->gid, AT_SYMLINK_NOFOLLOW);
	if (errno != EEXIST)
		return -1;
	if (same_device(parent, name, s))
		return 0;
	errno = EEXIST;
	return say(r, s->path.data, " is there and is not this device", NULL);
}

/* In a user namespace mknod is refused, so the host's own node is mounted onto an empty file. */
static int bind_node(struct run *r, const struct make_device *s, int parent, const char *name)
{
	if (same_device(parent, name, s))
		return 0;
	int fd = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_RDONLY, 0666);
	if (fd < 0 && errno != EEXIST)
		return -1;
	if (fd < 0)
		fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int tree = sys_open_tree(AT_FDCWD, s->path.data, OPEN_TREE_CLONE | O_CLOEXEC);
	if (tree < 0 || fstat(tree, &st) < 0)
		return say(r, "the host's ", s->path.data, NULL);
	if (!is_device(&st, s)) {
		errno = ENODEV;
		return say(r, "the host's ", s->path.data, " is not this device", NULL);
	}
	int bad = fd < 0 || sys_move_mount(tree, fd) < 0;
	close(tree);
	close(fd);
	return bad ? -1 : 0;
}

int do_make_device(struct run *r, const struct make_device *s)
{
	const char *name;
	int parent = root_parent(r, s->path.data, &name);
	if (parent < 0)
		return -1;
	int bad = s->bind ? bind_node(r, s, parent, name) : make_node(r, s, parent, name);
	if (bad && !s->bind && errno == EPERM)
		bad = bind_node(r, s, parent, name);
	int why = errno;
	close(parent);
	errno = why;
	return bad;
}

int do_make_symlink(struct run *r, const struct make_symlink *s)
{
	const char *name;
	int parent = root_parent(r, s->path.data, &name);
	if (parent < 0)
		return -1;
	int bad = symlinkat(s->target.data, parent, name);
	if (bad && errno == EEXIST)
		bad = s->replace && unlinkat(parent, name, 0) == 0 ? symlinkat(s->target.data, parent, name) : 0;
	int why = errno;
	close(parent);
	errno = why;
	return bad;
}

int do_make_directory(struct run *r, const struct make_directory *s)
{
	int fd = root_make(r, s->path.data, S_IFDIR);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

/* Opens a new pty of the devpts at /dev/pts; the peer is asked of the master, never looked up by name. */
static int open_pty(struct run *r, int *peer)
{
	struct statfs fs;
	int unlocked = 0;
	int master = root_open(r, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, RESOLVE_NO_SYMLINKS);
	if (master < 0)
		return say(r, "cannot open /dev/pts/ptmx", NULL);
	if (fstatfs(master, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC) {
		errno = EINVAL;
		return say(r, "/dev/pts/ptmx is not of type devpts", NULL);
	}
	if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
		return -1;
	*peer = ioctl(master, TIOCGPTPEER_NUMBER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return *peer < 0 ? -1 : master;
}

static int bind_console(struct run *r, int peer)
{
	const char *name;
	int parent = root_parent(r, "/dev/console", &name);
	if (parent < 0)
		return -1;
	int made = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_RDONLY, 0666);
	if (made >= 0)
		close(made);
	else if (errno != EEXIST)
		return -1;
	int file = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int bad = file < 0 || attach_clone(peer, file, NULL, 0);
	close(parent);
	close(file);
	return bad ? -1 : 0;
}

/* Sends one descriptor with a text (unix(7), SCM_RIGHTS). */
int send_descriptor(int socket, const char *text, int fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec data = {.iov_base = (char *)text, .iov_len = strlen(text)};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof control.space};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(head), &fd, sizeof fd);
	return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static int hand_over(struct run *r, const struct open_console *s, int master)
{
	unsigned number = 0;
	char name[48] = "/dev/pts/", buffer[24];
	int socket = r->slots + (int)s->slot;
	if (ioctl(master, TIOCGPTN, &number) < 0)
		return -1;
	strcat(name, number_text(buffer + sizeof buffer, number));
	if (send_descriptor(socket, name, master))
		return say(r, "cannot hand over the terminal", NULL);
	close(socket);
	return close(master);
}

/* Without a size of its own a terminal has that of the caller's, where one is at stdin, stdout or stderr: a program in
 * the foreground may ask for it before the runtime has got hold of the master. */
static struct winsize first_size(const struct open_console *s)
{
	struct winsize size = {.ws_row = (unsigned short)s->rows, .ws_col = (unsigned short)s->columns};
	for (int fd = 0; fd < 3 && !size.ws_row; fd++)
		ioctl(fd, TIOCGWINSZ, &size);
	return size;
}

int do_open_console(struct run *r, const struct open_console *s)
{
	int peer = -1, master = open_pty(r, &peer);
	struct winsize size = first_size(s);
	if (master < 0)
		return -1;
	if (size.ws_row && ioctl(master, TIOCSWINSZ, &size) < 0)
		return -1;
	if (fchown(peer, (uid_t)s->uid, (gid_t)-1) < 0)
		return say(r, "cannot chown the terminal", NULL);
	if (s->console && bind_console(r, peer))
		return say(r, "cannot mount /dev/console", NULL);
	if (hand_over(r, s, master))
		return -1;
	for (int fd = 0; fd < 3; fd++)
		if (dup2(peer, fd) < 0)
			return -1;
	close(peer);
	return ioctl(0, TIOCSCTTY, 0);
}
