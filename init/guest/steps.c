/* Steps that only a guest's plan has. */
#include <linux/bpf.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "guest.h"

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

int do_write_file(struct run *r, const struct write_file *s)
{
	int fd = open(s->path.data, O_WRONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : write(fd, s->value.data, s->value.size);
	int why = errno;
	close(fd);
	errno = why;
	return size == (ssize_t)s->value.size ? 0 : say(r, "cannot write ", s->path.data, NULL);
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
