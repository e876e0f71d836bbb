/* What a domain of Xen's has in the stead of a machine's devices: its console, its store, its own end. */
#include <linux/reboot.h>
#include <signal.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#include "../store/xenbus.h"
#include "guest.h"

#define REPORT "data/ringfence"
#define SET_CONSOLE_LEVEL 8 /* syslog(2) */
#define EMERGENCIES 1

/* The line to the host. The kernel's last words alone may still come between ours. */
int open_console(void)
{
	struct termios mode;
	int fd = open("/dev/hvc0", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || tcgetattr(fd, &mode) < 0)
		return -1;
	cfmakeraw(&mode);
	klogctl(SET_CONSOLE_LEVEL, NULL, EMERGENCIES);
	return tcsetattr(fd, TCSANOW, &mode) < 0 ? -1 : fd;
}

_Noreturn void power_off_domain(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static int keep(const char *source, const char *root, const char *target, int is_folder)
{
	char path[64] = "";
	strncat(path, root, 16);
	strncat(path, target, 40);
	if (is_folder ? mkdir(path, 0755) < 0 : mknod(path, S_IFREG | 0755, 0) < 0)
		return -1;
	return mount(source, path, NULL, MS_BIND, NULL);
}

/* What is needed of the ramdisk when another root lies over it: the programs that the kernel runs when the domain is
 * asked to end, which are this one, and a container's root that is packed in there; others are mounted in the same folder. */
int keep_from_ramdisk(const char *root)
{
	if (mkdir("sbin", 0755) < 0 || keep("/init", root, "/sbin/poweroff", 0) || keep("/init", root, "/sbin/reboot", 0))
		return -1;
	if (mkdir("share", 0755) < 0)
		return -1;
	return access("/packed", F_OK) < 0 ? 0 : keep("/packed", root, "/share/root", 1);
}

int is_callout(const char *name)
{
	const char *last = strrchr(name, '/');
	return last && (!strcmp(last, "/poweroff") || !strcmp(last, "/reboot"));
}

int call_out(void)
{
	return kill(1, SIGTERM) < 0;
}

/* How the container ended, for whoever looks when the domain is down; the first word counts. */
void tell_status(struct guest *g, int status, const char *word)
{
	char value[16], digits[24];
	if (!g->is_domain || g->has_reported)
		return;
	g->has_reported = 1;
	strcpy(value, number_text(digits + sizeof digits, status));
	strcat(value, " ");
	strncat(value, word, 8);
	if (write_to_store(REPORT, value))
		complain("cannot report to xenstore", errno);
}

void tell_end(struct guest *g, const struct process *p, int status)
{
	if (WIFEXITED(status))
		tell_status(g, p->exit_status, "exit");
	else if (p->exit_status == 128 + SIGKILL && !p->fatal && has_killed(g))
		tell_status(g, p->exit_status, "oom");
	else
		tell_status(g, p->exit_status, "signal");
}
