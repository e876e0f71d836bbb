/* Steps that only a guest's plan has. */
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
