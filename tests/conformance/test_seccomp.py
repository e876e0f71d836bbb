"""linux.seccomp, all but SCMP_ACT_NOTIFY. The subject is mostly getpgid: harmless, and it ignores further arguments."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from tests.conformance.inside import inside, refused
from tests.conformance.probe import failed, install_probe
from tests.support import Bundle, Runtime

GETPGID = 121
UNSHARE = 272
SIGSYS = 31
ALLOW = "SCMP_ACT_ALLOW"
ERRNO = "SCMP_ACT_ERRNO"
# What busybox and the probe need, no call newer than openat2's predecessors.
NEEDED = """
access arch_prctl brk chdir clone close dup dup2 execve exit exit_group faccessat faccessat2 fchdir fcntl fork fstat
futex getcwd getdents64 getegid geteuid getgid getgroups getpgid getpgrp getpid getppid getrandom gettid getuid ioctl
lseek lstat mmap mprotect mremap munmap newfstatat open openat pipe pipe2 poll prctl prlimit64 read readlink readv
restart_syscall rseq rt_sigaction rt_sigprocmask rt_sigreturn sched_yield set_robust_list set_tid_address setpgid
fstatfs statfs madvise nanosleep tgkill epoll_ctl epoll_pwait readlinkat setsid keyctl
setresgid setresuid setgroups capget capset sigaltstack stat statx umask uname vfork wait4 waitid write writev
"""


def rule(*names: str, action: str = ERRNO, errno_ret: int | None = errno.ENODATA, **more: Any) -> dict[str, Any]:
    """A rule that by default fails with ENODATA, which no subject gives by itself."""
    held: dict[str, Any] = {"names": list(names), "action": action, **more}
    return held if errno_ret is None else {**held, "errnoRet": errno_ret}


def argument(index: int, op: str, value: int, second: int | None = None) -> dict[str, Any]:
    """A comparison of an argument."""
    held: dict[str, Any] = {"index": index, "op": f"SCMP_CMP_{op}", "value": value}
    return held if second is None else {**held, "valueTwo": second}


def use(bundle: Bundle, *rules: dict[str, Any], default: str = ALLOW, **more: Any) -> None:
    """Give the bundle a filter, and the probe."""
    install_probe(bundle)
    bundle.linux["seccomp"] = {"defaultAction": default, "syscalls": list(rules), **more}


def probed(runtime: Runtime, bundle: Bundle, *calls: str) -> list[str]:
    """What the probe says of each call, written as its arguments after `sys`."""
    return inside(runtime, bundle, "; ".join(f"probe sys {call}" for call in calls)).splitlines()


def refuses(runtime: Runtime, bundle: Bundle, *calls: str) -> list[bool]:
    """Which of the calls fail with ENODATA."""
    return [line == failed(errno.ENODATA) for line in probed(runtime, bundle, *calls)]


@pytest.mark.parametrize("action", ["KILL", "KILL_PROCESS", "KILL_THREAD", "TRAP"])
def test_killing_actions(runtime: Runtime, bundle: Bundle, action: str) -> None:
    """LNX-SEC-01, LNX-SEC-10: a program killed by the filter gives 128+31."""
    use(bundle, rule("getpgid", action=f"SCMP_ACT_{action}", errno_ret=None))
    bundle.args("probe", "sys", str(GETPGID), "0")
    assert runtime.run_bundle(bundle).code == 128 + SIGSYS


@pytest.mark.parametrize(
    ("action", "expected"),
    [("ERRNO", failed(errno.EPERM)), ("TRACE", failed(errno.ENOSYS)), ("ALLOW", "ok 0"), ("LOG", "ok 0")],
)
def test_other_actions(runtime: Runtime, bundle: Bundle, action: str, expected: str) -> None:
    """LNX-SEC-01: ERRNO fails, TRACE without a tracer gives ENOSYS, ALLOW and LOG let pass."""
    default = ALLOW if action != "ALLOW" else "SCMP_ACT_LOG"
    use(bundle, rule("getpgid", action=f"SCMP_ACT_{action}", errno_ret=None), default=default)
    assert probed(runtime, bundle, f"{GETPGID} 1")[0].replace("ok 1", "ok 0") == expected


@pytest.mark.parametrize("where", ["default", "rule"])
def test_unknown_action_is_refused(runtime: Runtime, bundle: Bundle, where: str) -> None:
    """LNX-SEC-01: another action is refused in the words callers know."""
    if where == "default":
        use(bundle, default="SCMP_ACT_SHRUG")
    else:
        use(bundle, rule("getpgid", action="SCMP_ACT_SHRUG"))
    refused(runtime, bundle, "string SCMP_ACT_SHRUG is not a valid action for seccomp")


@pytest.mark.parametrize(("given", "expected"), [(None, errno.EPERM), (errno.EBADE, errno.EBADE), (1000, 1000)])
def test_errno_ret(runtime: Runtime, bundle: Bundle, given: int | None, expected: int) -> None:
    """LNX-SEC-02: errnoRet is the error of ERRNO, EPERM without it."""
    use(bundle, rule("getpgid", errno_ret=given))
    assert probed(runtime, bundle, f"{GETPGID} 0") == [f"errno {expected}"]


def test_errno_zero(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-02: errnoRet 0 is not the same as none: the call does nothing and succeeds."""
    use(bundle, rule("getpgid", errno_ret=0))
    assert probed(runtime, bundle, f"{GETPGID} 1") == ["ok 0"]


def test_default_errno_ret(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-02, LNX-SEC-06: defaultErrnoRet is the error of the default action for older unlisted calls."""
    use(bundle, rule(*NEEDED.split(), action=ALLOW, errno_ret=None), default=ERRNO, defaultErrnoRet=errno.ENXIO)
    assert probed(runtime, bundle, f"{UNSHARE} 0") == [failed(errno.ENXIO)]


@pytest.mark.parametrize("action", ["KILL", "KILL_PROCESS", "TRAP", "LOG"])
def test_errno_ret_with_another_action_is_refused(runtime: Runtime, bundle: Bundle, action: str) -> None:
    """LNX-SEC-02: errnoRet with KILL, TRAP or LOG is an error; runc ignores it."""
    use(bundle, rule("getpgid", action=f"SCMP_ACT_{action}", errno_ret=5))
    refused(runtime, bundle)


def test_errno_ret_with_allow_is_tolerated(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-02: errnoRet with ALLOW is tolerated."""
    use(bundle, rule("getpgid", action=ALLOW, errno_ret=5), default="SCMP_ACT_LOG")
    assert probed(runtime, bundle, f"{GETPGID} 0")[0].startswith("ok")


COMPARISONS = {
    "NE": [True, False, True],
    "LT": [True, False, False],
    "LE": [True, True, False],
    "EQ": [False, True, False],
    "GE": [False, True, True],
    "GT": [False, False, True],
}


@pytest.mark.parametrize("op", COMPARISONS)
def test_operators(runtime: Runtime, bundle: Bundle, op: str) -> None:
    """LNX-SEC-03: the operators compare the argument, as an unsigned of 64 bits, with the value."""
    middle = (1 << 40) + 5
    use(bundle, rule("getpgid", args=[argument(0, op, middle)]))
    assert refuses(runtime, bundle, *(f"{GETPGID} {middle + by}" for by in (-1, 0, 1))) == COMPARISONS[op]
    assert refuses(runtime, bundle, f"{GETPGID} 5", f"{GETPGID} -1") == [COMPARISONS[op][0], COMPARISONS[op][2]]


@pytest.mark.parametrize(
    ("mask", "second", "matches"), [(0xF0, 0x20, [False, True, True, False]), (0xF0, None, [True, False, False, False])]
)
def test_masked_equality(runtime: Runtime, bundle: Bundle, mask: int, second: int | None, matches: list[bool]) -> None:
    """LNX-SEC-03: MASKED_EQ compares (argument & value) with valueTwo, 0 if absent."""
    use(bundle, rule("getpgid", args=[argument(0, "MASKED_EQ", mask, second)]))
    assert refuses(runtime, bundle, *(f"{GETPGID} {value}" for value in (0x100F, 0x20, 0x1F2F, 0x30))) == matches


def test_every_index(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-03: indexes 0…5 name the six arguments."""
    use(bundle, *(rule("getpgid", args=[argument(index, "EQ", 100 + index)]) for index in range(6)))
    calls = [[0] * 6 for _ in range(7)]
    for index in range(6):
        calls[index][index] = 100 + index
    found = refuses(runtime, bundle, *(f"{GETPGID} {' '.join(map(str, call))}" for call in calls))
    assert found == [*[True] * 6, False]


@pytest.mark.parametrize("bad", [argument(6, "EQ", 1), {"index": 0, "op": "SCMP_CMP_FOO", "value": 1}], ids=str)
def test_bad_comparison_is_refused(runtime: Runtime, bundle: Bundle, bad: dict[str, Any]) -> None:
    """LNX-SEC-03: an index above 5, or another operator, is an error."""
    use(bundle, rule("getpgid", args=[bad]))
    refused(runtime, bundle)


def test_different_indexes_are_anded(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-04: entries with different indexes have to match all."""
    use(bundle, rule("getpgid", args=[argument(0, "EQ", 7), argument(1, "GT", 8)]))
    calls = [f"{GETPGID} {first} {second}" for first, second in ((7, 9), (7, 8), (6, 9))]
    assert refuses(runtime, bundle, *calls) == [True, False, False]


def test_same_index_twice_is_ored(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-04: if one index occurs twice, the entries of that rule are alternatives."""
    use(bundle, rule("getpgid", args=[argument(0, "EQ", 7), argument(0, "EQ", 9), argument(1, "EQ", 5)]))
    calls = [f"{GETPGID} {first} {second}" for first, second in ((7, 0), (9, 0), (0, 5), (8, 6))]
    assert refuses(runtime, bundle, *calls) == [True, True, True, False]


def test_several_rules_are_ored(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-04: several rules for one call are alternatives, each with its own error."""
    use(
        bundle,
        rule("getpgid", args=[argument(0, "EQ", 7)]),
        rule("getpgid", args=[argument(0, "EQ", 9)], errno_ret=errno.EBADE),
    )
    found = probed(runtime, bundle, f"{GETPGID} 7", f"{GETPGID} 9", f"{GETPGID} 0")
    assert found[:2] == [failed(errno.ENODATA), failed(errno.EBADE)]
    assert found[2].startswith("ok")


def test_unknown_names_are_skipped(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-05: unknown system call names are skipped silently."""
    use(bundle, rule("no_such_call", "getpgid", "sys_quux"))
    assert refuses(runtime, bundle, f"{GETPGID} 0") == [True]
    assert runtime.log_records() == []


def test_rule_that_says_the_default_is_skipped(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-05: a rule whose action equals the default is skipped."""
    use(bundle, rule("getpgid", action=ALLOW, errno_ret=None), rule("getpgid", args=[argument(0, "EQ", 7)]))
    assert refuses(runtime, bundle, f"{GETPGID} 7", f"{GETPGID} 0") == [True, False]


@pytest.mark.parametrize("architectures", [None, ["SCMP_ARCH_X86_64"], ["SCMP_ARCH_X86"]], ids=str)
def test_newer_calls_do_not_exist(runtime: Runtime, bundle: Bundle, architectures: list[str] | None) -> None:
    """LNX-SEC-06: with a denying default, calls newer than every listed one give ENOSYS, older ones the default.

    runc 1.1 forgets the native architecture when it is not listed.
    """
    needed = rule(*NEEDED.split(), action=ALLOW, errno_ret=None)
    use(bundle, needed, default=ERRNO, architectures=architectures)
    faccessat2, clone3, newer = 439, 435, 1000
    found = probed(runtime, bundle, f"{UNSHARE} 0", f"{clone3} 0", str(newer), str(faccessat2 + 1))
    assert found == [failed(errno.EPERM)] * 2 + [failed(errno.ENOSYS)] * 2


def test_permissive_default_has_no_such_limit(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-06: with an allowing default newer calls reach the kernel."""
    use(bundle, rule("getpgid"))
    landlock_create_ruleset = 444
    assert probed(runtime, bundle, f"{landlock_create_ruleset} 0 0 4") != [failed(errno.ENOSYS)]


def test_unknown_architecture_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-07: an unknown architecture is an error."""
    use(bundle, rule("getpgid"), architectures=["SCMP_ARCH_ABACUS"])
    refused(runtime, bundle)


@pytest.mark.parametrize("given", [None, [], ["SCMP_ARCH_X86_64"], ["SCMP_ARCH_X86"], ["SCMP_ARCH_AARCH64"]], ids=str)
def test_native_architecture_is_always_covered(runtime: Runtime, bundle: Bundle, given: list[str] | None) -> None:
    """LNX-SEC-07: the native architecture is covered whatever the list says."""
    use(bundle, rule("getpgid"), architectures=given)
    assert refuses(runtime, bundle, f"{GETPGID} 0") == [True]


def test_all_three_abis(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-07: x86_64 with X86 and X32 filters all three ABIs."""
    names = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
    use(bundle, rule("getpgid"), architectures=names)
    x32 = GETPGID | 0x40000000
    out = inside(runtime, bundle, f"probe int80 132 0; probe sys {x32} 0; probe int80 20")
    assert out.splitlines()[:2] == [failed(errno.ENODATA)] * 2
    assert out.splitlines()[2].startswith("ok")


def test_other_abis_are_closed(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-07: with the native architecture alone, a call by another ABI kills the program."""
    use(bundle, rule("getpgid"))
    bundle.args("probe", "int80", "20")
    assert runtime.run_bundle(bundle).code == 128 + SIGSYS


@pytest.mark.parametrize(
    ("flags", "number"),
    [
        (None, 4),
        ([], 0),
        (["SECCOMP_FILTER_FLAG_LOG"], 2),
        (["SECCOMP_FILTER_FLAG_SPEC_ALLOW"], 4),
        (["SECCOMP_FILTER_FLAG_TSYNC"], 0),
        (["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"], 6),
    ],
    ids=str,
)
def test_flags(runtime: Runtime, bundle: Bundle, flags: list[str] | None, number: int) -> None:
    """LNX-SEC-08: absent flags mean SPEC_ALLOW, an empty list none; the debug log tells the number.

    runc 1.1 takes absent flags for none.
    """
    use(bundle, rule("getpgid"))
    if flags is not None:
        bundle.linux["seccomp"]["flags"] = flags
    bundle.args("true")
    result = runtime.run_bundle(bundle, options=[*runtime.globals(), "--debug"])
    assert result.code == 0
    assert any(f"seccomp filter flags: {number}" in record["msg"] for record in runtime.log_records())


def test_unknown_flag_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-08: an unknown flag is an error."""
    use(bundle, rule("getpgid"), flags=["SECCOMP_FILTER_FLAG_FOO"])
    refused(runtime, bundle)


SETUP_CALLS = (
    "close_range openat2 fsopen fsmount open_tree move_mount mount_setattr personality mount umount2 pivot_root"
)


@pytest.mark.parametrize("no_new_privileges", [True, False])
def test_setup_survives_the_filter(runtime: Runtime, bundle: Bundle, no_new_privileges: bool) -> None:
    """LNX-SEC-09: later set-up steps survive filters that refuse what they may use, for init and exec."""
    bundle.process["noNewPrivileges"] = no_new_privileges
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    use(bundle, rule(*SETUP_CALLS.split()))
    bundle.sh("grep -w Seccomp: /proc/self/status; exec sleep 1000")
    container = runtime.started(bundle)
    assert container.wait_output("\n").split() == ["Seccomp:", "2"]
    assert container.sh("grep -w Seccomp: /proc/self/status").ok().out.split() == ["Seccomp:", "2"]


def test_filter_is_the_last_step(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-09: with noNewPrivileges nothing but execve is needed of the profile by the set-up itself.

    runc's set-up needs some more.
    """
    program = "arch_prctl set_tid_address getpgid ioctl write writev exit_group"
    use(bundle, rule("execve", *program.split(), action=ALLOW, errno_ret=None), default=ERRNO)
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.args("probe", "sys", str(GETPGID), "0")
    assert runtime.run_bundle(bundle).ok().out == "ok 1\n"


def test_without_no_new_privileges_the_filter_comes_earlier(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-09: without noNewPrivileges the filter is loaded while the rights for that are still there."""
    bundle.process["noNewPrivileges"] = False
    bundle.process["capabilities"] = {}
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    use(bundle, rule("getpgid"))
    assert refuses(runtime, bundle, f"{GETPGID} 0") == [True]


def test_exec_is_filtered(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-10: the filter applies to exec'd processes; one killed by it gives 128+31."""
    use(bundle, rule("getpgid"), rule("getsid", action="SCMP_ACT_KILL", errno_ret=None))
    bundle.sleep()
    container = runtime.started(bundle)
    assert container.exec("probe", "sys", str(GETPGID), "0").ok().out.strip() == failed(errno.ENODATA)
    assert container.exec("probe", "sys", "124", "0").code == 128 + SIGSYS


def test_start_container_hooks_are_filtered(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-10: the filter applies to startContainer hooks."""
    use(bundle, rule("getpgid"))
    bundle.mount("/mnt", "tmpfs", "tmpfs")
    bundle.hook("startContainer", "/bin/sh", "-c", f"probe sys {GETPGID} 0 >/mnt/seen")
    assert inside(runtime, bundle, "cat /mnt/seen").strip() == failed(errno.ENODATA)
