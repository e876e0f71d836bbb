"""What a seccomp section means, call by call (config-linux.md, Seccomp)."""

from __future__ import annotations

from ringfence.record import Record
from ringfence.seccomp.bpf import RETURN, alternative
from ringfence.seccomp.names import ACTIONS, RETURN_ALLOW, RETURN_ERRNO, RETURN_LOG, RETURN_TRACE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringfence.seccomp.bpf import Code, Instruction, Layout
    from ringfence.spec.types import Seccomp, SeccompArg

EPERM = 1
ENOSYS = 38
CARRIES_ERRNO = (RETURN_ERRNO, RETURN_TRACE)
# With these as default nothing is refused, so nothing has to be told from what does not exist. A tracer emulates calls
# that the kernel does not know.
LETS_PASS = (RETURN_ALLOW, RETURN_LOG, RETURN_TRACE)
ACTION_BITS = 0xFFFF0000  # SECCOMP_RET_ACTION_FULL


class Rule(Record):
    """An action for a call whose arguments fulfil all comparisons."""

    action: int
    arguments: tuple[SeccompArg, ...] = ()


def action_value(action: str, errno: int | None) -> int:
    """SECCOMP_RET_* with its data, which is EPERM where none is given (LNX-SEC-02)."""
    value = ACTIONS[action]
    return value | (EPERM if errno is None else errno) if value in CARRIES_ERRNO else value


def strictness(action: int) -> int:
    """The kernel's order of actions when several filters apply, the strictest first (seccomp(2))."""
    return (action & ACTION_BITS) ^ 0x80000000


def default_of(seccomp: Seccomp) -> int:
    """What happens to a call that is older than the profile and not in it."""
    return action_value(seccomp.default_action, seccomp.default_errno_ret)


def newer_of(seccomp: Seccomp) -> int:
    """What happens to a call that is newer than all the profile mentions (LNX-SEC-06).

    A C library that gets ENOSYS falls back to an older call; EPERM it would take for a verdict. That holds with a
    defaultErrnoRet too: Docker's profile gives one, and it was written with the older calls in mind.
    """
    default = default_of(seccomp)
    return default if default & ACTION_BITS in LETS_PASS else RETURN_ERRNO | ENOSYS


def rules_by_name(seccomp: Seccomp) -> dict[str, list[Rule]]:
    """The rules of every call the profile mentions; one that says no more than the default is no rule (LNX-SEC-05)."""
    default = default_of(seccomp)
    found: dict[str, list[Rule]] = {}
    for entry in seccomp.syscalls:
        action = action_value(entry.action, entry.errno_ret)
        rules = [Rule(action, group) for group in groups(entry.args)] if action != default else []
        for name in entry.names:
            found.setdefault(name, []).extend(rules)
    return found


def groups(arguments: tuple[SeccompArg, ...]) -> list[tuple[SeccompArg, ...]]:
    """Entries for different arguments hold together; if one argument comes twice, each holds alone (LNX-SEC-04)."""
    if len({argument.index for argument in arguments}) == len(arguments):
        return [arguments]
    return [(argument,) for argument in arguments]


def leaf(rules: Sequence[Rule], otherwise: int, layout: Layout) -> Code:
    """Code that decides about one call: the strictest rule that holds, the first of equally strict ones.

    Of several rules without arguments the first counts, as with libseccomp: Podman's profile allows setns(2) and later
    refuses it. libseccomp also ignores stricter rules with arguments then; here they are heeded.
    """
    candidates = [rule for rule in dict.fromkeys(rules) if rule.arguments]
    candidates += [rule for rule in rules if not rule.arguments][:1]
    code: list[Instruction] = []
    for rule in sorted(candidates, key=lambda rule: strictness(rule.action)):
        one = alternative(rule.arguments, rule.action, layout) or ()
        code += one
        if len(one) == 1:
            return tuple(code)
    return (*code, (RETURN, 0, 0, otherwise))
