"""The words of config.json that stand for numbers of the kernel, except those of seccomp and of mount options.

Sources are the headers below <linux/> and runtime-spec 1.3 (config.md, config-linux.md). Where architectures differ,
the numbers are those of x86_64 and aarch64.
"""

from __future__ import annotations

# <linux/capability.h>: the position is the capability's bit.
CAPABILITIES: tuple[str, ...] = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
)

# <asm-generic/resource.h>
RLIMITS: dict[str, int] = {
    "RLIMIT_AS": 9,
    "RLIMIT_CORE": 4,
    "RLIMIT_CPU": 0,
    "RLIMIT_DATA": 2,
    "RLIMIT_FSIZE": 1,
    "RLIMIT_LOCKS": 10,
    "RLIMIT_MEMLOCK": 8,
    "RLIMIT_MSGQUEUE": 12,
    "RLIMIT_NICE": 13,
    "RLIMIT_NOFILE": 7,
    "RLIMIT_NPROC": 6,
    "RLIMIT_RSS": 5,
    "RLIMIT_RTPRIO": 14,
    "RLIMIT_RTTIME": 15,
    "RLIMIT_SIGPENDING": 11,
    "RLIMIT_STACK": 3,
}

# The CLONE_NEW* flag of each namespace type, <linux/sched.h>.
NAMESPACES: dict[str, int] = {
    "cgroup": 0x02000000,
    "ipc": 0x08000000,
    "mount": 0x00020000,
    "network": 0x40000000,
    "pid": 0x20000000,
    "time": 0x00000080,
    "user": 0x10000000,
    "uts": 0x04000000,
}

# <linux/sched.h>
SCHEDULER_POLICIES: dict[str, int] = {
    "SCHED_OTHER": 0,
    "SCHED_FIFO": 1,
    "SCHED_RR": 2,
    "SCHED_BATCH": 3,
    "SCHED_ISO": 4,
    "SCHED_IDLE": 5,
    "SCHED_DEADLINE": 6,
}
SCHEDULER_FLAGS: dict[str, int] = {
    "SCHED_FLAG_RESET_ON_FORK": 0x01,
    "SCHED_FLAG_RECLAIM": 0x02,
    "SCHED_FLAG_DL_OVERRUN": 0x04,
    "SCHED_FLAG_KEEP_POLICY": 0x08,
    "SCHED_FLAG_KEEP_PARAMS": 0x10,
    "SCHED_FLAG_UTIL_CLAMP_MIN": 0x20,
    "SCHED_FLAG_UTIL_CLAMP_MAX": 0x40,
}

# <linux/ioprio.h>
IO_CLASSES: dict[str, int] = {"IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3}

# <linux/mempolicy.h>
MEMORY_MODES: dict[str, int] = {
    "MPOL_DEFAULT": 0,
    "MPOL_PREFERRED": 1,
    "MPOL_BIND": 2,
    "MPOL_INTERLEAVE": 3,
    "MPOL_LOCAL": 4,
    "MPOL_PREFERRED_MANY": 5,
    "MPOL_WEIGHTED_INTERLEAVE": 6,
}
MEMORY_FLAGS: dict[str, int] = {
    "MPOL_F_NUMA_BALANCING": 1 << 13,
    "MPOL_F_RELATIVE_NODES": 1 << 14,
    "MPOL_F_STATIC_NODES": 1 << 15,
}

# <linux/personality.h>
PERSONALITIES: dict[str, int] = {"LINUX": 0x0000, "LINUX32": 0x0008}

# The clocks of a time namespace by their CLOCK_* number, <linux/time.h>.
CLOCKS: dict[str, int] = {"monotonic": 1, "boottime": 7}

# The lists of hooks in the order of the lifecycle.
HOOKS: tuple[str, ...] = (
    "prestart",
    "createRuntime",
    "createContainer",
    "startContainer",
    "poststart",
    "poststop",
)

# signal(7), without SIG. The first two real-time signals belong to the C library, so RTMIN is 34, as kill(1) has it.
RTMIN = 34
RTMAX = 64
SIGNALS: dict[str, int] = {
    "ABRT": 6,
    "ALRM": 14,
    "BUS": 7,
    "CHLD": 17,
    "CLD": 17,
    "CONT": 18,
    "FPE": 8,
    "HUP": 1,
    "ILL": 4,
    "INT": 2,
    "IO": 29,
    "IOT": 6,
    "KILL": 9,
    "PIPE": 13,
    "POLL": 29,
    "PROF": 27,
    "PWR": 30,
    "QUIT": 3,
    "SEGV": 11,
    "STKFLT": 16,
    "STOP": 19,
    "SYS": 31,
    "TERM": 15,
    "TRAP": 5,
    "TSTP": 20,
    "TTIN": 21,
    "TTOU": 22,
    "URG": 23,
    "USR1": 10,
    "USR2": 12,
    "VTALRM": 26,
    "WINCH": 28,
    "XCPU": 24,
    "XFSZ": 25,
    "RTMIN": RTMIN,
    **{f"RTMIN+{step}": RTMIN + step for step in range(1, 16)},
    **{f"RTMAX-{step}": RTMAX - step for step in range(14, 0, -1)},
    "RTMAX": RTMAX,
}
