/* Who the process is: user, groups, capabilities, limits, labels, filter. */
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "init.h"

#define KEYCTL_JOIN_SESSION_KEYRING 1
#define KEYCTL_SETPERM 5
#define KEY_PERMISSIONS 0x3f1b0000 /* what a named keyring has, and search for its user, so that exec finds it */
#define SECCOMP_SET_MODE_FILTER 1

int do_become_root(struct run *r, const struct become_root *s)
{
	(void)r;
	if (s->drop_groups && setgroups(0, NULL) < 0)
		return -1;
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_DUMPABLE, 0);
}

int do_new_session(struct run *r, const struct new_session *s)
{
	(void)r, (void)s;
	return setsid() < 0 ? -1 : 0;
}

int do_join_keyring(struct run *r, const struct join_keyring *s)
{
	long ring = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, s->name.data, 0, 0, 0);
	if (ring >= 0)
		syscall(SYS_keyctl, KEYCTL_SETPERM, ring, KEY_PERMISSIONS, 0, 0);
	else
		report(r, REPORT_DEBUG, errno, "no session keyring could be joined");
	return 0;
}

int do_unshare(struct run *r, const struct unshare *s)
{
	(void)r;
	return unshare((int)s->flags);
}

int do_loopback_up(struct run *r, const struct loopback_up *s)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	(void)r, (void)s;
	if (fd < 0)
		return -1;
	int bad = ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return bad;
}

int do_set_hostname(struct run *r, const struct set_hostname *s)
{
	(void)r;
	return sethostname(s->name.data, s->name.size);
}

int do_set_domainname(struct run *r, const struct set_domainname *s)
{
	(void)r;
	return setdomainname(s->name.data, s->name.size);
}

int do_write_sysctl(struct run *r, const struct write_sysctl *s)
{
	char path[512] = "sys/";
	if (s->path.size + 5 > sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcat(path, s->path.data);
	if (write_at(r->procfs, path, s->value.data, s->value.size))
		return say(r, "write /proc/", path, NULL);
	return 0;
}

int do_set_limit(struct run *r, const struct set_limit *s)
{
	struct rlimit limit = {.rlim_cur = (rlim_t)s->soft, .rlim_max = (rlim_t)s->hard};
	if (syscall(SYS_prlimit64, 0, (int)s->resource, &limit, NULL) < 0)
		return say(r, "error setting rlimit type ", s->name.data, NULL);
	return 0;
}

int do_set_umask(struct run *r, const struct set_umask *s)
{
	(void)r;
	umask((mode_t)s->mask);
	return 0;
}

int do_set_personality(struct run *r, const struct set_personality *s)
{
	(void)r;
	return syscall(SYS_personality, (unsigned)s->persona) < 0 ? -1 : 0;
}

int do_set_scheduler(struct run *r, const struct set_scheduler *s)
{
	(void)r;
	return syscall(SYS_sched_setattr, 0, s->attributes.data, 0) < 0 ? -1 : 0;
}

int do_set_io_priority(struct run *r, const struct set_io_priority *s)
{
	enum { IOPRIO_WHO_PGRP = 2 };
	(void)r;
	return syscall(SYS_ioprio_set, IOPRIO_WHO_PGRP, 0, (int)s->value) < 0 ? -1 : 0;
}

int do_set_memory_policy(struct run *r, const struct set_memory_policy *s)
{
	unsigned long nodes[32] = {0};
	(void)r;
	if (s->nodes.size > sizeof nodes) {
		errno = EINVAL;
		return -1;
	}
	memcpy(nodes, s->nodes.data, s->nodes.size);
	/* maxnode counts one more than the bits (set_mempolicy(2), BUGS of the kernel interface). */
	unsigned long count = s->nodes.size ? s->nodes.size * 8 + 1 : 0;
	return syscall(SYS_set_mempolicy, (int)s->mode, count ? nodes : NULL, count) < 0 ? -1 : 0;
}

int do_set_no_new_privileges(struct run *r, const struct set_no_new_privileges *s)
{
	(void)r, (void)s;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* From here on any call but write(2) may have to be answered by the agent, so the runtime fetches the listener from
 * outside. The descriptor itself is close-on-exec. */
static int await_agent(struct run *r, int listener, int acknowledge)
{
	char word;
	report(r, REPORT_LISTENER, listener, NULL);
	if (read(acknowledge, &word, 1) == 1)
		return 0;
	errno = 0;
	return say(r, "failed to hand the listener to the seccomp agent", NULL);
}

int do_load_seccomp(struct run *r, const struct load_seccomp *s)
{
	struct {
		unsigned short count;
		void *instructions;
	} program = {.count = (unsigned short)(s->program.size / 8)};
	program.instructions = arena_take(r, s->program.size);
	if (!program.instructions)
		return -1;
	memcpy(program.instructions, s->program.data, s->program.size);
	long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, (unsigned)s->flags, &program);
	if (listener < 0)
		return say(r, "error loading seccomp filter", NULL);
	return s->acknowledge ? await_agent(r, (int)listener, r->slots + (int)s->acknowledge) : 0;
}

int do_drop_bounding(struct run *r, const struct drop_bounding *s)
{
	(void)r;
	for (int cap = 0; cap < 64; cap++) {
		int held = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
		if (held < 0)
			break;
		if (held && !((uint64_t)s->keep >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return -1;
	}
	return 0;
}

static int64_t number_of(const char *text)
{
	int64_t value = 0;
	while (*text >= '0' && *text <= '9')
		value = value * 10 + (*text++ - '0');
	return value;
}

static int set_groups(struct run *r, const struct list *list)
{
	gid_t *groups = arena_take(r, (list->count + 1) * sizeof *groups);
	const char *at = list->data;
	if (!groups)
		return -1;
	for (uint32_t i = 0; i < list->count; i++) {
		uint64_t size;
		const char *text = list_next(at, &size);
		groups[i] = (gid_t)number_of(text);
		at = text + size + 1;
	}
	return setgroups(list->count, groups) < 0 ? say(r, "setgroups", NULL) : 0;
}

/* New credentials take the bond to the parent away (kernel/cred.c, commit_creds); who dies with his parent goes on to. */
static int keep_bond(int bond)
{
	return bond ? prctl(PR_SET_PDEATHSIG, bond) : 0;
}

int do_set_user(struct run *r, const struct set_user *s)
{
	char buffer[24];
	int bond = 0;
	prctl(PR_GET_PDEATHSIG, &bond);
	if (s->set_groups && set_groups(r, &s->groups))
		return -1;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return -1;
	if (setresgid((gid_t)s->gid, (gid_t)s->gid, (gid_t)s->gid) < 0)
		return say(r, "cannot set gid to group ", number_text(buffer + sizeof buffer, s->gid),
			   errno == EINVAL ? ", which is unmapped in the user namespace" : "", NULL);
	if (setresuid((uid_t)s->uid, (uid_t)s->uid, (uid_t)s->uid) < 0)
		return say(r, "cannot set uid to user ", number_text(buffer + sizeof buffer, s->uid),
			   errno == EINVAL ? ", which is unmapped in the user namespace" : "", NULL);
	return keep_bond(bond) < 0 ? -1 : prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
}

static uint32_t half(int64_t set, int high)
{
	return (uint32_t)((uint64_t)set >> (high ? 32 : 0));
}

int do_set_capabilities(struct run *r, const struct set_capabilities *s)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	for (int i = 0; i < 2; i++)
		data[i] = (struct __user_cap_data_struct){
		    .effective = half(s->effective, i),
		    .permitted = half(s->permitted, i),
		    .inheritable = half(s->inheritable, i),
		};
	if (syscall(SYS_capset, &head, data) < 0)
		return say(r, "unable to apply caps", NULL);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int cap = 0; cap < 64; cap++)
		if ((uint64_t)s->ambient >> cap & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return say(r, "can't raise an ambient capability", NULL);
	return 0;
}

int do_set_exec_label(struct run *r, const struct set_exec_label *s)
{
	char path[128] = "self/attr/";
	if (s->attribute.size + sizeof "self/attr/" > sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcat(path, s->attribute.data);
	if (write_at(r->procfs, path, s->value.data, s->value.size))
		return say(r, s->words.data, NULL);
	return 0;
}

/* The root's own null device takes the place of the host's, whose mount nobody inside knows: CRIU could not dump it. A
 * root without one keeps the host's. */
static void use_own_null(struct run *r, int fd)
{
	int path = root_open(r, "/dev/null", O_PATH, RESOLVE_NO_SYMLINKS);
	int null = path < 0 || !is_null_device(path) ? -1 : open_slot_path(r, path, fcntl(fd, F_GETFL) & O_ACCMODE);
	if (null >= 0)
		dup2(null, fd);
	close(null);
	close(path);
}

int do_own_stdio(struct run *r, const struct own_stdio *s)
{
	struct stat st;
	for (int fd = 0; fd < 3; fd++) {
		if (is_null_device(fd)) {
			use_own_null(r, fd);
			continue;
		}
		if (fstat(fd, &st) < 0 || st.st_uid == (uid_t)s->uid)
			continue;
		/* Refused by a user namespace or a read-only file system, the descriptor is of use all the same. */
		if (fchown(fd, (uid_t)s->uid, (gid_t)-1) < 0 && errno != EPERM && errno != EINVAL && errno != EROFS)
			return -1;
	}
	return 0;
}
