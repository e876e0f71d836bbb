"""The words of config.json's seccomp section and the kernel's numbers for them.

Sources: runtime-spec 1.3 config-linux.md (Seccomp), <linux/seccomp.h>, <linux/audit.h>, seccomp_rule_add(3).
"""

from __future__ import annotations

RETURN_KILL_PROCESS = 0x80000000
RETURN_KILL_THREAD = 0x00000000
RETURN_TRAP = 0x00030000
RETURN_ERRNO = 0x00050000
RETURN_NOTIFY = 0x7FC00000
RETURN_TRACE = 0x7FF00000
RETURN_LOG = 0x7FFC0000
RETURN_ALLOW = 0x7FFF0000

# SECCOMP_RET_* by action; the low 16 bits of ERRNO and TRACE are their errnoRet.
ACTIONS = {
    "SCMP_ACT_ALLOW": RETURN_ALLOW,
    "SCMP_ACT_ERRNO": RETURN_ERRNO,
    "SCMP_ACT_KILL": RETURN_KILL_THREAD,
    "SCMP_ACT_KILL_PROCESS": RETURN_KILL_PROCESS,
    "SCMP_ACT_KILL_THREAD": RETURN_KILL_THREAD,
    "SCMP_ACT_LOG": RETURN_LOG,
    "SCMP_ACT_NOTIFY": RETURN_NOTIFY,
    "SCMP_ACT_TRACE": RETURN_TRACE,
    "SCMP_ACT_TRAP": RETURN_TRAP,
}

# enum scmp_compare of libseccomp.
OPERATORS = {
    "SCMP_CMP_NE": 1,
    "SCMP_CMP_LT": 2,
    "SCMP_CMP_LE": 3,
    "SCMP_CMP_EQ": 4,
    "SCMP_CMP_GE": 5,
    "SCMP_CMP_GT": 6,
    "SCMP_CMP_MASKED_EQ": 7,
}

ARGUMENTS = 6

# AUDIT_ARCH_* by architecture, except x32: the kernel reports it as x86_64, libseccomp names it by a value of its own.
ARCHITECTURES = {
    "SCMP_ARCH_AARCH64": 0xC00000B7,
    "SCMP_ARCH_ARM": 0x40000028,
    "SCMP_ARCH_LOONGARCH64": 0xC0000102,
    "SCMP_ARCH_M68K": 0x00000004,
    "SCMP_ARCH_MIPS": 0x00000008,
    "SCMP_ARCH_MIPS64": 0x80000008,
    "SCMP_ARCH_MIPS64N32": 0xA0000008,
    "SCMP_ARCH_MIPSEL": 0x40000008,
    "SCMP_ARCH_MIPSEL64": 0xC0000008,
    "SCMP_ARCH_MIPSEL64N32": 0xE0000008,
    "SCMP_ARCH_PARISC": 0x0000000F,
    "SCMP_ARCH_PARISC64": 0x8000000F,
    "SCMP_ARCH_PPC": 0x00000014,
    "SCMP_ARCH_PPC64": 0x80000015,
    "SCMP_ARCH_PPC64LE": 0xC0000015,
    "SCMP_ARCH_RISCV64": 0xC00000F3,
    "SCMP_ARCH_S390": 0x00000016,
    "SCMP_ARCH_S390X": 0x80000016,
    "SCMP_ARCH_SH": 0x4000002A,
    "SCMP_ARCH_SHEB": 0x0000002A,
    "SCMP_ARCH_X32": 0x4000003E,
    "SCMP_ARCH_X86": 0x40000003,
    "SCMP_ARCH_X86_64": 0xC000003E,
}

# The native architecture by uname(2)'s machine. Both byte orders of MIPS are called "mips" there, so they are left out:
# on MIPS the profile has to name the architecture.
MACHINES = {
    "aarch64": "SCMP_ARCH_AARCH64",
    "armv6l": "SCMP_ARCH_ARM",
    "armv7l": "SCMP_ARCH_ARM",
    "armv8l": "SCMP_ARCH_ARM",
    "i386": "SCMP_ARCH_X86",
    "i586": "SCMP_ARCH_X86",
    "i686": "SCMP_ARCH_X86",
    "loongarch64": "SCMP_ARCH_LOONGARCH64",
    "m68k": "SCMP_ARCH_M68K",
    "parisc": "SCMP_ARCH_PARISC",
    "parisc64": "SCMP_ARCH_PARISC64",
    "ppc": "SCMP_ARCH_PPC",
    "ppc64": "SCMP_ARCH_PPC64",
    "ppc64le": "SCMP_ARCH_PPC64LE",
    "riscv64": "SCMP_ARCH_RISCV64",
    "s390": "SCMP_ARCH_S390",
    "s390x": "SCMP_ARCH_S390X",
    "x86_64": "SCMP_ARCH_X86_64",
}

FLAG_LOG = 1 << 1
FLAG_SPEC_ALLOW = 1 << 2
FLAG_NEW_LISTENER = 1 << 3
FLAG_WAIT_KILLABLE_RECV = 1 << 5

# The bit that a flag sets in seccomp(2)'s flags argument. TSYNC sets none: the init has a single thread, and TSYNC
# excludes NEW_LISTENER before Linux 5.7.
FLAGS = {
    "SECCOMP_FILTER_FLAG_LOG": FLAG_LOG,
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW": FLAG_SPEC_ALLOW,
    "SECCOMP_FILTER_FLAG_TSYNC": 0,
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": FLAG_WAIT_KILLABLE_RECV,
}
