/* Signals for the processes of the container. */
#include <signal.h>

#include "guest.h"

/* Whether a mask of /proc/PID/status has a signal (proc_pid_status(5), hexadecimal). */
static int has_signal(const char *status, const char *name, int number)
{
	const char *at = strstr(status, name);
	uint64_t mask = 0;
	if (!at)
		return 0;
	for (at += strlen(name); *at == ' ' || *at == '\t'; at++)
		continue;
	for (; (*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'f'); at++)
		mask = mask << 4 | (uint64_t)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
	return (mask >> (number - 1)) & 1;
}

static int is_harmless(int number)
{
	static const int harmless[] = {SIGCHLD, SIGCONT, SIGURG, SIGWINCH, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
	for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
		if (harmless[i] == number)
			return 1;
	return 0;
}

/* The kernel keeps the first process of a pid namespace from every signal that it has no handler for
 * (pid_namespaces(7)). In a machine of its own nothing depends on that process but the container. */
static int would_be_kept(pid_t pid, int number)
{
	static char status[4096];
	char path[48] = "/proc/", digits[24];
	if (number < 1 || number > 64 || number == SIGKILL || is_harmless(number))
		return 0;
	strcat(path, number_text(digits + sizeof digits, pid));
	strcat(path, "/status");
	size_t size = read_whole(path, status, sizeof status - 1);
	status[size] = 0;
	const char *ids = strstr(status, "\nNSpid:"), *end = ids ? strchr(ids + 1, '\n') : NULL;
	if (!end || end[-1] != '1' || end[-2] != '\t')
		return 0;
	return !has_signal(status, "\nSigCgt:", number) && !has_signal(status, "\nSigIgn:", number) &&
	       !has_signal(status, "\nSigBlk:", number);
}

void signal_process(struct process *p, int number)
{
	if (!p->pid || p->has_exited)
		return;
	if (would_be_kept(p->pid, number)) {
		p->fatal = number;
		number = SIGKILL;
	}
	kill(p->pid, number);
}
