/* Steps that only a guest's plan has. */
#include <linux/bpf.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "guest.h"

#define DEVICE_TRIES 10000 /* of a millisecond */

int do_make_folder(struct run *r, const struct make_folder *s)
{
	(void)r;
	return mkdir(s->path.data, 0755) < 0 && errno != EEXIST ? -1 : 0;
}

int do_mount_at(struct run *r, const struct mount_at *s)
{
	(void)r;
	if (mkdir(s->target.data, 0755) < 0 && errno != EEXIST)
		return -1;
	return mount(s->source.data, s->target.data, s->type.data, (unsigned long)s->flags, s->data.data);
}

/* Devices of a domain may be connected a little after its init has begun. */
static int await_device(const char *path)
{
	int tries = DEVICE_TRIES, fd;
	while ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0 && (errno == ENOENT || errno == ENXIO) && tries--)
		nap();
	close(fd);
	return fd < 0 ? -1 : 0;
}

/* A type that the device doesn't hold is EINVAL, one that the kernel lacks ENODEV (mount(2)). A journal that was left
 * open can't be replayed on a read-only device, and need not be. */
static int mount_known(const struct mount_image *s)
{
	static const char *const types[][2] = {{"ext4", ""}, {"ext4", "noload"}, {"squashfs", ""}, {"erofs", ""}};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (types[i][1][0] && !(s->flags & MS_RDONLY))
			continue;
		if (mount(s->device.data, s->target.data, types[i][0], (unsigned long)s->flags, types[i][1]) == 0)
			return 0;
		if (errno != EINVAL && errno != ENODEV && !(s->flags & MS_RDONLY))
			return -1;
	}
	return -1;
}

int do_mount_image(struct run *r, const struct mount_image *s)
{
	if (mkdir(s->target.data, 0755) < 0 && errno != EEXIST)
		return -1;
	if (await_device(s->device.data))
		return say(r, "there is no device ", s->device.data, NULL);
	return mount_known(s) ? say(r, "cannot mount ", s->device.data, NULL) : 0;
}

int do_write_file(struct run *r, const struct write_file *s)
{
	int fd = open(s->path.data, O_WRONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : write(fd, s->value.data, s->value.size);
	int why = errno;
	close(fd);
	errno = why;
	return size == (ssize_t)s->value.size ? 0 : say(r, "cannot write ", s->path.data, NULL);
}

static int open_below(int root, const char *path, uint64_t flags)
{
	struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	how.mode = flags & O_CREAT ? 0644 : 0;
	return sys_openat2(root, path, &how);
}

static int open_target(const struct cover_file *s)
{
	int root = open(s->root.data, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = open_below(root, s->target.data, O_PATH);
	if (fd < 0 && errno == ENOENT) {
		close(open_below(root, s->target.data, O_WRONLY | O_CREAT));
		fd = open_below(root, s->target.data, O_PATH);
	}
	close(root);
	return fd;
}

int do_cover_file(struct run *r, const struct cover_file *s)
{
	const char *name = strrchr(s->target.data, '/');
	int target = open_target(s), fd = name ? open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
	if (target < 0 && fd >= 0) {
		report(r, REPORT_WARNING, 0, s->target.data);
		return close(fd);
	}
	int bad = write(fd, s->content.data, s->content.size) != (ssize_t)s->content.size ||
		  attach_clone(fd, target, NULL, 0);
	close(fd);
	close(target);
	return bad ? say(r, "cannot cover ", s->target.data, NULL) : 0;
}

static int load_program(const struct text *program)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insn_cnt = (uint32_t)(program->size / sizeof(struct bpf_insn)),
		.insns = (uintptr_t)program->data,
		.license = (uintptr_t)"Apache-2.0",
	};
	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr);
}

int do_attach_devices(struct run *r, const struct attach_devices *s)
{
	(void)r;
	int cgroup = open(s->path.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC), program = load_program(&s->program);
	union bpf_attr attr = {
		.target_fd = (uint32_t)cgroup,
		.attach_bpf_fd = (uint32_t)program,
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI,
	};
	int bad = program < 0 || cgroup < 0 || syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof attr) < 0, why = errno;
	close(program);
	close(cgroup);
	errno = why;
	return bad ? -1 : 0;
}

/* Both figures are told; the numbers of a cgroup's file are decimal (cgroup-v2.rst). */
int do_check_memory(struct run *r, const struct check_memory *s)
{
	char text[24] = "", limit[24], path[80] = "";
	strncat(path, s->path.data, sizeof path - sizeof "/memory.current" - 1);
	strcat(path, "/memory.current");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	close(fd);
	if (size <= 0)
		return -1;
	text[strcspn(text, "\n")] = 0;
	if (strtoll(text, NULL, 10) <= s->limit)
		return 0;
	errno = EBUSY;
	return say(r, "the container uses ", text, " bytes of memory, more than ",
		   number_text(limit + sizeof limit, s->limit), NULL);
}
