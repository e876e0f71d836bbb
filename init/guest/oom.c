/* Word of processes that the guest's kernel has killed for want of memory (cgroup-v2.rst, memory.events). */
#include <stdlib.h>

#include "guest.h"

static uint32_t count_kills(int fd)
{
	char text[512];
	ssize_t size = pread(fd, text, sizeof text - 1, 0);
	text[size > 0 ? size : 0] = 0;
	const char *line = strstr(text, "\noom_kill ");
	return line ? (uint32_t)strtoul(line + sizeof "\noom_kill " - 1, NULL, 10) : 0;
}

/* Whether any process of the container has been killed so far. */
int has_killed(const struct guest *g)
{
	return g->kills >= 0 && count_kills(g->kills) > 0;
}

/* The cgroup is made by the container's plan, so the file is there as soon as its process waits. */
void watch_kills(struct guest *g)
{
	if (g->kills < 0)
		g->kills = open(cgroup_file(0, "memory.events"), O_RDONLY | O_CLOEXEC);
	if (g->kills >= 0)
		g->kill_count = count_kills(g->kills);
}

/* The kernel marks the file with every event; it is read again for the mark to go. */
void tell_kills(struct guest *g)
{
	uint32_t count = count_kills(g->kills);
	if (count == g->kill_count)
		return;
	g->kill_count = count;
	put_number(&g->out, 0, FRAME_OOM, 0, count);
}
