/* From the kernel's first instruction of us to the open control port, or the console of a domain. */
#include <linux/reboot.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>

#include "guest.h"

#define PORT "ringfence.control"
#define TRIES 30000 /* of a millisecond: ports are made by a work queue, about one boot in eight they are late */
#define LARGEST_PLAN (8 << 20)

void complain(const char *what, int why)
{
	char line[256] = "<3>ringfence: ", buffer[24];
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	strncat(line, what, 180);
	strcat(line, ": errno ");
	strcat(line, number_text(buffer + sizeof buffer, why));
	strcat(line, "\n");
	ssize_t ignored = write(fd, line, strlen(line));
	(void)ignored;
	close(fd);
}

/* QEMU ends on a reset (-no-reboot); without ACPI it never hears of a power-off. */
_Noreturn void power_off(void)
{
	sync();
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

static int mount_at(const char *type, const char *target, unsigned long flags, const char *data)
{
	if (mkdir(target, 0755) < 0 && errno != EEXIST)
		return -1;
	return mount(type, target, type, flags, data);
}

/* The kernel's own root can't be pivoted away from (pivot_root(2)), a tmpfs over it can. */
static int leave_ramdisk(const struct guest *g)
{
	if (mount_at("tmpfs", "/new", MS_NOSUID | MS_NODEV, "mode=0755") < 0 || chdir("/new") < 0)
		return -1;
	if (g->is_domain && keep_from_ramdisk("/new"))
		return -1;
	if (mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
		return -1;
	return chdir("/");
}

static int mount_kernel_trees(void)
{
	const unsigned long plain = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	if (mount_at("devtmpfs", "/dev", MS_NOSUID | MS_NOEXEC, "mode=0755") < 0)
		return -1;
	if (mount_at("proc", "/proc", plain, NULL) < 0 || mount_at("sysfs", "/sys", plain, NULL) < 0)
		return -1;
	return mount_at("cgroup2", "/sys/fs/cgroup", plain, NULL);
}

void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Whether the port of this number is the control port; its name is in sysfs only. */
static int is_control_port(const char *port)
{
	char path[80] = "/sys/class/virtio-ports/", name[sizeof PORT + 1] = "";
	strcat(path, port);
	strcat(path, "/name");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, name, sizeof name - 1);
	close(fd);
	return size == sizeof PORT && !strncmp(name, PORT, sizeof PORT - 1) && name[sizeof PORT - 1] == '\n';
}

static int open_control_port(void)
{
	char path[32], device[3] = "0", digits[24];
	for (*device = '0'; *device < '4'; ++*device)
		for (int number = 0; number < 8; number++) {
			strcpy(path, "/dev/vport");
			strcat(path, device);
			strcat(path, "p");
			strcat(path, number_text(digits + sizeof digits, number));
			if (is_control_port(path + sizeof "/dev"))
				return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		}
	errno = ENODEV;
	return -1;
}

static int await_host(const struct guest *g)
{
	int fd = -1;
	for (int i = 0; i < TRIES && fd < 0; i++) {
		fd = g->is_domain ? open_console() : open_control_port();
		if (fd < 0)
			nap();
	}
	return fd;
}

/* The console may come later than we do; what would be opened next must not become one of 0, 1 and 2. */
static int fill_stdio(void)
{
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	for (int fd = 0; fd < 3; fd++)
		if (open("/dev/null", O_RDWR) != fd)
			return -1;
	return 0;
}

/* The plan is taken out of the ramdisk, so that its memory is free and nothing of it is left to be found. */
static int take_file(const char *path, char *data, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, data, size);
	close(fd);
	unlink(path);
	return got == (ssize_t)size ? 0 : -1;
}

static int take_plan(void)
{
	static char piece[65536];
	struct stat st;
	ssize_t size = -1;
	int from = open("/plan", O_RDONLY | O_CLOEXEC), to = memfd_create("plan", MFD_CLOEXEC);
	if (from < 0 || to < 0 || fstat(from, &st) < 0 || st.st_size > LARGEST_PLAN)
		return -1;
	while ((size = read(from, piece, sizeof piece)) > 0)
		if (write(to, piece, (size_t)size) != size)
			return -1;
	close(from);
	unlink("/plan");
	return size < 0 ? -1 : to;
}

static int load_module(const char *name)
{
	char path[160] = "/modules/";
	strncat(path, name, 140);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int bad = fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST);
	int why = errno;
	close(fd);
	unlink(path);
	if (bad)
		complain(path, why);
	return bad ? -1 : 0;
}

/* A distribution's kernel has what we need as modules; the ramdisk lists them in the order of their needs. */
static int load_modules(void)
{
	static char list[8192];
	int fd = open("/modules/list", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? 0 : read(fd, list, sizeof list - 1);
	close(fd);
	for (char *name = strtok(size > 0 ? list : NULL, "\n"); name; name = strtok(NULL, "\n"))
		if (load_module(name))
			return -1;
	return 0;
}

/* Everything up to the open port; the plan of the container is process 0's. */
int boot(struct guest *g)
{
	if (mount_at("devtmpfs", "/dev", MS_NOSUID, "mode=0755") < 0 || fill_stdio() || load_modules())
		return -1;
	struct process *p = open_process(g, 0);
	p->plan = take_plan();
	p->is_terminal = unlink("/terminal") == 0;
	if (p->plan < 0 || take_file("/digest", g->digest, sizeof g->digest))
		return -1;
	if (leave_ramdisk(g) || mount_kernel_trees())
		return -1;
	g->in.fd = g->out.fd = await_host(g);
	return g->in.fd < 0 ? -1 : 0;
}
