/* What the host sees of a container through its supervisor: engines enter that process' mount namespace, as podman cp
 * does, and must find the container's files there and nothing of the host. */
#include <sys/mount.h>
#include <sys/stat.h>

#include "session.h"

/* A place inside a file system that only the guest has, a tmpfs say, is not there to be shown. */
static int show_volume(struct run *r, int tree, const char *name, const char *place)
{
	int target = root_open(r, place, O_PATH, 0), source = openat(tree, name, O_PATH | O_CLOEXEC);
	int is_missing = target < 0 && (errno == ENOENT || errno == ENOTDIR);
	int bad = is_missing ? 0 : target < 0 || source < 0 || attach_clone(source, target, NULL, AT_RECURSIVE);
	int why = errno;
	close(source);
	close(target);
	errno = why;
	return bad ? -1 : 0;
}

/* ``shown`` has, for each volume, its name in the tree and its place in the container. */
int show_container(struct run *r, const struct list *shown)
{
	const char *at = shown->data;
	int tree = r->root;
	if (tree < 0)
		return 0;
	r->root = openat(tree, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (uint32_t i = 0; i + 1 < shown->count; i += 2) {
		uint64_t size;
		const char *name = list_next(at, &size), *place = list_next(name + size + 1, &size);
		at = place + size + 1;
		if (show_volume(r, tree, name, place))
			return -1;
	}
	close(tree);
	return r->root < 0 ? -1 : do_pivot_root(r, NULL);
}
