"""What a seccomp section says about one call, read off as plainly as it can be said; nothing is shared with src.

Numbers of calls come from the caller, by name, so that no table of libseccomp's takes part.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence

from ringfence.spec.types import Seccomp, SeccompArg, SeccompSyscall

X86_64, X86 = 0xC000003E, 0x40000003
X32_BIT = 0x40000000
Numbers = Mapping[str, Mapping[str, int]]  # by architecture, then by call

STRICTEST_FIRST = {
    "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_KILL": 0,
    "SCMP_ACT_KILL_THREAD": 0,
    "SCMP_ACT_TRAP": 0x30000,
    "SCMP_ACT_ERRNO": 0x50000,
    "SCMP_ACT_NOTIFY": 0x7FC00000,
    "SCMP_ACT_TRACE": 0x7FF00000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_ALLOW": 0x7FFF0000,
}
RANKS = {name: rank for rank, name in enumerate(STRICTEST_FIRST)} | {"SCMP_ACT_KILL_THREAD": 1}
KILL, ENOSYS = 0, 0x50000 | 38


def returned(action: str, errno: int | None) -> int:
    """The filter's return value."""
    if action in ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"):
        return STRICTEST_FIRST[action] + (1 if errno is None else errno)
    return STRICTEST_FIRST[action]


def compared(entry: SeccompArg, arguments: Sequence[int], bits: int) -> bool:
    """Whether an entry of ``args`` holds; of a 32-bit call's argument only 32 bits exist."""
    seen = arguments[entry.index] % (1 << bits)
    if entry.op == "SCMP_CMP_MASKED_EQ":
        return seen & entry.value == entry.value_two
    return bool(getattr(operator, entry.op.removeprefix("SCMP_CMP_").lower())(seen, entry.value))


def matches(rule: SeccompSyscall, arguments: Sequence[int], bits: int) -> bool:
    """Whether a rule for this call holds for these arguments."""
    results = [compared(entry, arguments, bits) for entry in rule.args]
    indexes = [entry.index for entry in rule.args]
    return any(results) if len(set(indexes)) < len(indexes) else all(results)


def meaning(seccomp: Seccomp, numbers: Numbers, abi: str, number: int, arguments: Sequence[int]) -> int:
    """The return value for a call of ``abi`` (an architecture of the section) on an x86_64 machine."""
    if abi not in (*seccomp.architectures, "SCMP_ARCH_X86_64"):
        return KILL
    default = returned(seccomp.default_action, seccomp.default_errno_ret)
    named = {numbers[abi][name]: name for name in numbers[abi]}
    bits = 32 if abi == "SCMP_ARCH_X86" else 64
    said = [
        rule
        for rule in seccomp.syscalls
        if named.get(number) in rule.names
        and returned(rule.action, rule.errno_ret) != default
        and matches(rule, arguments, bits)
    ]
    plain = [rule for rule in said if not rule.args][:1]
    said = [rule for rule in said if rule.args] + plain
    if said:
        strictest = min(said, key=lambda rule: RANKS[rule.action])
        return returned(strictest.action, strictest.errno_ret)
    mentioned = [numbers[abi][name] for rule in seccomp.syscalls for name in rule.names if name in numbers[abi]]
    refuses = RANKS[seccomp.default_action] <= RANKS["SCMP_ACT_NOTIFY"]
    newer = refuses and mentioned and number > max(mentioned)
    return ENOSYS if newer else default
