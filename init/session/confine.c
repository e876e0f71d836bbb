/* What a supervisor gives up when its container is ready: from then on it passes bytes, and ends what it holds. */
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "session.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define MOST 64

/* What the loop needs: waiting, bytes, clients, questions to a resolver, signals, the end of children, our own end. */
static const int always[] = {
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll, SYS_read, SYS_write, SYS_close, SYS_fcntl, SYS_ioctl, SYS_accept4, SYS_getsockopt, SYS_socket, SYS_connect,
	SYS_sendto, SYS_sendmsg, SYS_recvfrom, SYS_recvmsg, SYS_kill, SYS_wait4, SYS_prctl, SYS_clock_gettime, SYS_getuid,
	SYS_rt_sigreturn, SYS_restart_syscall, SYS_exit_group,
};

/* And what shows the files of further containers to whoever serves a sandbox's. */
static const int for_pods[] = {
#ifdef SYS_fork
	SYS_fork, SYS_mkdir, SYS_rmdir, SYS_open,
#endif
	SYS_clone, SYS_rt_sigprocmask, SYS_gettid, SYS_set_robust_list, SYS_openat, SYS_setns, SYS_open_tree, SYS_move_mount,
	SYS_mkdirat, SYS_unlinkat, SYS_umount2,
};

static int allow(struct sock_filter *filter, int used, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		filter[used++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], 0, 1);
		filter[used++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	return used;
}

static int filter_calls(int has_pods)
{
	static struct sock_filter filter[2 * MOST + 8];
	int used = 0;
	filter[used++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	filter[used++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	filter[used++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	filter[used++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	used = allow(filter, used, always, sizeof always / sizeof *always);
	used = has_pods ? allow(filter, used, for_pods, sizeof for_pods / sizeof *for_pods) : used;
	filter[used++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	struct sock_fprog program = {(unsigned short)used, filter};
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

/* ``kept`` are capabilities by their bits. */
int confine(uint64_t kept)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];
	if (syscall(SYS_capget, &head, data) < 0)
		return -1;
	for (int half = 0; half < 2; half++) {
		data[half].permitted &= (uint32_t)(kept >> 32 * half);
		data[half].effective = data[half].permitted;
		data[half].inheritable = 0;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &head, data) < 0)
		return -1;
	return filter_calls((kept >> CAP_SYS_ADMIN & 1) != 0);
}
