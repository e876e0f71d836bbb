/* What can be asked about a container as a whole: it is one cgroup of the guest. */
#include <signal.h>

#include "guest.h"

/* The path of a file of a container's cgroup, good until the next call. */
const char *cgroup_file(uint32_t key, const char *name)
{
	static char path[128];
	char digits[24];
	strcpy(path, CGROUPS);
	strcat(path, key ? MEMBER_CGROUP : CGROUP);
	strcat(path, key ? number_text(digits + sizeof digits, key) : "");
	strcat(path, "/");
	strcat(path, name);
	return path;
}

static int open_processes(uint32_t key)
{
	return open(cgroup_file(key, "cgroup.procs"), O_RDONLY | O_CLOEXEC);
}

/* Linux 5.14 kills a cgroup with all below it at once; any other signal goes to the processes one by one. */
int signal_all(uint32_t key, int number)
{
	static char list[65536];
	if (number == SIGKILL) {
		int fd = open(cgroup_file(key, "cgroup.kill"), O_WRONLY | O_CLOEXEC);
		ssize_t size = write(fd, "1", 1);
		close(fd);
		return size == 1 ? 0 : -1;
	}
	int fd = open_processes(key);
	ssize_t size = read(fd, list, sizeof list - 1);
	close(fd);
	if (size < 0)
		return -1;
	list[size] = 0;
	for (char *line = strtok(list, "\n"); line; line = strtok(NULL, "\n")) {
		pid_t pid = 0;
		for (; *line >= '0' && *line <= '9'; line++)
			pid = pid * 10 + (*line - '0');
		if (pid > 1)
			kill(pid, number);
	}
	return 0;
}

size_t read_whole(const char *path, char *data, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : read(fd, data, size);
	close(fd);
	return got < 0 ? 0 : (size_t)got;
}

static void send_text(struct guest *g, int number, int type, const char *text, size_t size)
{
	struct frame frame = {(uint32_t)size, (uint16_t)number, (uint8_t)type, 0, text};
	put_frame(&g->out, &frame);
}

/* One process: its stat line, its status' Uid line and its command line, a record of NUL-ended parts. */
static void send_process(struct guest *g, int number, const char *pid)
{
	static char data[8192];
	char path[64] = "/proc/";
	strncat(path, pid, 16);
	char *end = path + strlen(path);
	strcpy(end, "/stat");
	size_t used = read_whole(path, data, 1024);
	if (!used)
		return;
	data[used++] = 0;
	strcpy(end, "/status");
	used += read_whole(path, data + used, 2048);
	data[used++] = 0;
	strcpy(end, "/cmdline");
	used += read_whole(path, data + used, sizeof data - used);
	send_text(g, number, FRAME_LISTED, data, used);
}

/* As many as there is room for; the empty frame says that the list is whole. */
int list_processes(struct guest *g, int number, uint32_t key)
{
	static char list[65536];
	size_t size = read_whole(cgroup_file(key, "cgroup.procs"), list, sizeof list - 1);
	list[size] = 0;
	for (char *line = strtok(list, "\n"); line && has_room(&g->out); line = strtok(NULL, "\n"))
		send_process(g, number, line);
	send_text(g, number, FRAME_LISTED, "", 0);
	return 0;
}

/* What a container uses: names of files of its cgroup and their content, NUL-ended. */
int measure(struct guest *g, int number, uint32_t key)
{
	static const char *const names[] = {"memory.current", "memory.max", "memory.peak", "memory.stat",
					    "pids.current",   "pids.max"};
	static char data[6 * 4096];
	size_t used = 0;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		strcpy(data + used, names[i]);
		used += strlen(names[i]) + 1;
		used += read_whole(cgroup_file(key, names[i]), data + used, 4096 - 64);
		data[used++] = 0;
	}
	send_text(g, number, FRAME_MEASURED, data, used);
	return 0;
}
