"""From a seccomp section to the program the kernel runs; off the hot path."""

from __future__ import annotations

import sys

from ringfence.errors import RingfenceError
from ringfence.record import Record
from ringfence.seccomp.bpf import RETURN, Layout, assemble, by_architecture, search
from ringfence.seccomp.calls import ARM_PRIVATE, MULTIPLEXERS, Calls, library
from ringfence.seccomp.names import ARCHITECTURES, MACHINES, RETURN_KILL_THREAD
from ringfence.seccomp.rules import Rule, default_of, leaf, newer_of, rules_by_name, strictness
from ringfence.spec.types import SeccompArg

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.seccomp.bpf import Code
    from ringfence.spec.types import Seccomp

MOST_INSTRUCTIONS = 4096  # BPF_MAXINSNS
WHERE = "/linux/seccomp"
# Bits of AUDIT_ARCH_*, <linux/audit.h>.
IS_64_BIT, IS_LITTLE_ENDIAN = 0x80000000, 0x40000000
X86_64, X32 = ARCHITECTURES["SCMP_ARCH_X86_64"], ARCHITECTURES["SCMP_ARCH_X32"]
ARM = ARCHITECTURES["SCMP_ARCH_ARM"]
S390 = (ARCHITECTURES["SCMP_ARCH_S390"], ARCHITECTURES["SCMP_ARCH_S390X"])
# x32 calls are reported as x86_64 with this bit in the number (__X32_SYSCALL_BIT).
X32_BIT = 0x40000000
# What a tracer sets to skip a call; no call has it.
NO_CALL = 0xFFFFFFFF
# The number s390 calls have that its kernel does not know, where others keep what the program asked for.
S390_UNKNOWN = 0

KILL: Code = ((RETURN, 0, 0, RETURN_KILL_THREAD),)


class Profile(Record):
    """A seccomp section, ready to be applied to one architecture after the other."""

    rules: dict[str, list[Rule]]
    default: int
    newer: int


def compile_program(seccomp: Seccomp, machine: str) -> bytes:
    """An array of struct sock_filter for a machine (``uname -m``). A call by an ABI it does not cover kills.

    Raises:
        RingfenceError: libseccomp is missing or does not know an architecture, or the filter is too long.
    """
    profile = Profile(rules_by_name(seccomp), default_of(seccomp), newer_of(seccomp))
    loaded = library()
    tables = {}
    for token, pointer in architectures(seccomp, machine):
        calls = Calls(loaded, token)
        if not calls.known:
            text = f"config.json#{pointer}: this libseccomp does not know the architecture"
            raise RingfenceError(text, field=pointer, hint="install a newer libseccomp")
        tables[token] = leaves(profile, token, calls)
    program = by_architecture(sections(tables, profile.newer), RETURN_KILL_THREAD)
    if len(program) > MOST_INSTRUCTIONS:
        text = f"config.json#{WHERE}: the filter needs {len(program)} instructions, Linux takes {MOST_INSTRUCTIONS}"
        raise RingfenceError(text, field=WHERE, hint="rules with args make it long")
    return assemble(program, byte_order(machine))


def architectures(seccomp: Seccomp, machine: str) -> list[tuple[int, str]]:
    """What is covered, each with its place in config.json, the native one first and always (LNX-SEC-07).

    Raises:
        RingfenceError: the machine is not known and the section names nothing.
    """
    found = {ARCHITECTURES[MACHINES[machine]]: WHERE} if machine in MACHINES else {}
    for index, name in enumerate(seccomp.architectures):
        found.setdefault(ARCHITECTURES[name], f"{WHERE}/architectures/{index}")
    if not found:
        text = f"config.json#{WHERE}/architectures: must be given on a machine called {machine}"
        raise RingfenceError(text, field=f"{WHERE}/architectures")
    return list(found.items())


def byte_order(machine: str) -> str:
    """The order in which a machine's kernel reads the program."""
    if machine not in MACHINES:
        return sys.byteorder
    return "little" if ARCHITECTURES[MACHINES[machine]] & IS_LITTLE_ENDIAN else "big"


def sections(tables: dict[int, dict[int, Code]], newer: int) -> list[tuple[int, Code]]:
    """Code by the architecture the kernel reports: x32 calls are x86_64's upper half."""
    x32 = tables.pop(X32, None)
    if x32 is not None:
        tables.setdefault(X86_64, {0: KILL})
    if X86_64 in tables:
        tables[X86_64] |= x32 or {X32_BIT: KILL, NO_CALL: ((RETURN, 0, 0, newer),)}
    return [(token, search(merged(table))) for token, table in tables.items()]


def merged(table: dict[int, Code]) -> list[tuple[int, Code]]:
    """Ascending, with one leaf for neighbours that have the same code."""
    found: list[tuple[int, Code]] = []
    for number in sorted(table):
        if not found or found[-1][1] != table[number]:
            found.append((number, table[number]))
    return found


def leaves(profile: Profile, token: int, calls: Calls) -> dict[int, Code]:
    """The code for each call of one architecture, by the first number it is for."""
    rules = rules_by_number(profile, calls)
    newest = max((number for number in rules if token != ARM or number < ARM_PRIVATE), default=NO_CALL)
    layout = Layout(big_endian=not token & IS_LITTLE_ENDIAN, wide=bool(token & IS_64_BIT) or token == X32)
    default, newer = ((RETURN, 0, 0, profile.default),), ((RETURN, 0, 0, profile.newer),)
    table: dict[int, Code] = {X32_BIT if token == X32 else 0: default}
    for number in rules:
        table[number + 1] = default if number < newest else newer
    for number, found in rules.items():
        table[number] = leaf(found, profile.default, layout)
    if token in S390 and newest != NO_CALL:
        table[S390_UNKNOWN] = newer
        table.setdefault(S390_UNKNOWN + 1, default)
    return table


def rules_by_number(profile: Profile, calls: Calls) -> dict[int, list[Rule]]:
    """The rules of one architecture; names that are not known there are skipped (LNX-SEC-05)."""
    found: dict[int, list[Rule]] = {}
    for name, rules in profile.rules.items():
        number = calls.number(name)
        if number >= 0:
            found.setdefault(number, []).extend(rules)
    for multiplexer in MULTIPLEXERS:
        number = calls.number(multiplexer)
        if number >= 0 and not profile.rules.get(multiplexer) and (rules := multiplexed(profile, multiplexer)):
            found.setdefault(number, []).extend(rules)
    return found


def multiplexed(profile: Profile, multiplexer: str) -> list[Rule]:
    """The rules of socketcall(2) or ipc(2) that follow from those of the calls it performs.

    The arguments of the call performed lie in memory, where no filter can look: a rule that depends on them is applied
    without them if it is stricter than the default, and not at all if it would allow more.
    """
    performed, heeded = MULTIPLEXERS[multiplexer]
    return [
        Rule(rule.action, (SeccompArg(0, heeded, "SCMP_CMP_MASKED_EQ", selector),))
        for name, selector in performed.items()
        for rule in profile.rules.get(name, ())
        if not rule.arguments or strictness(rule.action) <= strictness(profile.default)
    ]
