/* What a shell inside a container cannot ask: raw system calls, scheduling attributes, open descriptors. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_ARGS = 6, DESCRIPTORS = 4096 };

struct sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static void *buffer;

/* A number; @TEXT is a pointer to TEXT; %SIZE a pointer to SIZE zero bytes, shown as text after the call. */
static long argument(char *word)
{
	if (*word == '@')
		return (long)(word + 1);
	if (*word != '%')
		return (long)strtoull(word, NULL, 0);
	buffer = calloc(1, strtoul(word + 1, NULL, 0));
	return (long)buffer;
}

static int report(long result, int error)
{
	if (error)
		printf("errno %d\n", error);
	else
		printf("ok %ld%s%s\n", result, buffer ? " " : "", buffer ? (char *)buffer : "");
	return 0;
}

static int native_call(long number, const long *a)
{
	errno = 0;
	long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	return report(result, result == -1 ? errno : 0);
}

#ifdef __x86_64__
static int compat_call(long number, const long *a)
{
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a[0]), "c"(a[1]), "d"(a[2]) : "memory");
	result = (int32_t)result;
	return report(result, result < 0 && result > -4096 ? (int)-result : 0);
}
#endif

static int show_scheduling(void)
{
	struct sched_attr attr = {.size = sizeof attr};
	if (syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0))
		return report(-1, errno);
	printf("policy %u nice %d priority %u runtime %llu deadline %llu period %llu flags %llu\n", attr.policy, attr.nice,
	       attr.priority, (unsigned long long)attr.runtime, (unsigned long long)attr.deadline,
	       (unsigned long long)attr.period, (unsigned long long)attr.flags);
	return 0;
}

static int show_descriptors(void)
{
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("%d\n", fd);
	return 0;
}

/* sd_notify(3): say that the program is ready on the socket at $NOTIFY_SOCKET. */
static int notify(void)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET"), ready[] = "READY=1";
	int end = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (!path || end < 0 || strlen(path) >= sizeof where.sun_path)
		return 1;
	strcpy(where.sun_path, path);
	return sendto(end, ready, strlen(ready), 0, (struct sockaddr *)&where, sizeof where) < 0;
}

int main(int count, char **words)
{
	long args[MAX_ARGS] = {0};
	for (int i = 3; i < count && i < 3 + MAX_ARGS; i++)
		args[i - 3] = argument(words[i]);
	if (count > 2 && !strcmp(words[1], "sys"))
		return native_call(strtol(words[2], NULL, 0), args);
#ifdef __x86_64__
	if (count > 2 && !strcmp(words[1], "int80"))
		return compat_call(strtol(words[2], NULL, 0), args);
#endif
	if (count == 2 && !strcmp(words[1], "sched"))
		return show_scheduling();
	if (count == 2 && !strcmp(words[1], "fds"))
		return show_descriptors();
	if (count == 2 && !strcmp(words[1], "notify"))
		return notify();
	fprintf(stderr, "usage: probe sys|int80 NUMBER [ARGUMENT...] | sched | fds | notify\n");
	return 2;
}
