"""Rules about the system call filter (config-linux.md, Seccomp)."""

from __future__ import annotations

from ringfence.seccomp.names import ACTIONS, ARCHITECTURES, ARGUMENTS, FLAGS, OPERATORS
from ringfence.spec.problems import bare, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.problems import Problems
    from ringfence.spec.types import Seccomp, SeccompSyscall

WHERE = "/linux/seccomp"
NOTIFY = "SCMP_ACT_NOTIFY"
# Tools write errnoRet next to SCMP_ACT_ALLOW, where it is harmless; elsewhere it shows that another action was meant.
ERRNO_IGNORED = ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE", "SCMP_ACT_ALLOW")
ERRNOS = 1 << 16  # SECCOMP_RET_DATA


def check_seccomp(seccomp: Seccomp, problems: Problems) -> None:
    """Words of the section, and what the actions demand of other fields."""
    _check_action(seccomp.default_action, seccomp.default_errno_ret, "defaultAction", "defaultErrnoRet", problems)
    for index, architecture in enumerate(seccomp.architectures):
        if architecture not in ARCHITECTURES:
            text = f"string {bare(architecture)} is not a valid arch for seccomp"
            problems.add(f"{WHERE}/architectures/{index}", text)
    for index, flag in enumerate(seccomp.flags or ()):
        if flag not in FLAGS:
            problems.add(f"{WHERE}/flags/{index}", f"seccomp flag {quoted(flag)} is not known")
    for index, syscall in enumerate(seccomp.syscalls):
        _check_syscall(syscall, f"syscalls/{index}", problems)
    _check_notify(seccomp, problems)


def _check_action(action: str, errno: int | None, name: str, errno_name: str, problems: Problems) -> None:
    if action not in ACTIONS:
        problems.add(f"{WHERE}/{name}", f"string {bare(action)} is not a valid action for seccomp")
    elif errno is not None and action not in ERRNO_IGNORED:
        problems.add(f"{WHERE}/{errno_name}", f"{action} returns no errno")
    elif errno is not None and errno >= ERRNOS:
        problems.add(f"{WHERE}/{errno_name}", f"must be from 0 to {ERRNOS - 1}, not {errno}")


def _check_syscall(syscall: SeccompSyscall, name: str, problems: Problems) -> None:
    if not syscall.names:
        problems.add(f"{WHERE}/{name}/names", "must not be empty")
    _check_action(syscall.action, syscall.errno_ret, f"{name}/action", f"{name}/errnoRet", problems)
    for index, argument in enumerate(syscall.args):
        if argument.index >= ARGUMENTS:
            place = f"{WHERE}/{name}/args/{index}/index"
            problems.add(place, f"must be from 0 to {ARGUMENTS - 1}, not {argument.index}")
        if argument.op not in OPERATORS:
            place = f"{WHERE}/{name}/args/{index}/op"
            problems.add(place, f"string {bare(argument.op)} is not a valid operator for seccomp")


def _check_notify(seccomp: Seccomp, problems: Problems) -> None:
    """SCMP_ACT_NOTIFY asks an agent. The init needs write(2) to hand the listener over, so write cannot wait for it."""
    if seccomp.default_action == NOTIFY:
        problems.add(f"{WHERE}/defaultAction", "SCMP_ACT_NOTIFY cannot be used as default action")
    notified = [index for index, syscall in enumerate(seccomp.syscalls) if syscall.action == NOTIFY]
    for index in notified:
        if "write" in seccomp.syscalls[index].names:
            place = f"{WHERE}/syscalls/{index}/names"
            problems.add(place, "SCMP_ACT_NOTIFY cannot be used for the write syscall")
    if notified and not seccomp.listener_path:
        problems.add(f"{WHERE}/listenerPath", "must be given when SCMP_ACT_NOTIFY is used")
