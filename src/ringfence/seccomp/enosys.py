"""System calls newer than a profile answer ENOSYS, so that the C library falls back to what the profile knows.

A profile that refuses what it does not list would answer EPERM to a call nobody had heard of when it was written, and
programs take that for a verdict (LNX-SEC-06). A few instructions before libseccomp's program decide by number.
"""

from __future__ import annotations

from ringfence.seccomp.names import ARCHITECTURES, RETURN_ALLOW, RETURN_ERRNO, RETURN_LOG, RETURN_TRACE

ENOSYS = 38
X32_BIT = 0x40000000
X86_64, X32 = ARCHITECTURES["SCMP_ARCH_X86_64"], ARCHITECTURES["SCMP_ARCH_X32"]
ALLOWING = (RETURN_ALLOW, RETURN_LOG)

# <linux/filter.h>: class, mode and size in one code.
LOAD_WORD = 0x20
JUMP_EQUAL = 0x15
JUMP_GREATER = 0x25
RETURN = 0x06
# struct seccomp_data.
NUMBER, ARCHITECTURE = 0, 4


def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One struct sock_filter in this machine's byte order."""
    import sys

    order = sys.byteorder
    return code.to_bytes(2, order) + bytes((if_true, if_false)) + value.to_bytes(4, order)


def limits(newest: dict[int, int]) -> dict[int, list[tuple[int, int]]]:
    """By the architecture the kernel reports: (first number, last known number) of each of its call tables.

    x32 calls are reported as x86_64 with a bit set; where the profile does not name x32 they are left to the filter,
    which does not know that table.
    """
    found: dict[int, list[tuple[int, int]]] = {}
    for architecture, number in newest.items():
        reported, first = (X86_64, X32_BIT) if architecture == X32 else (architecture, 0)
        found.setdefault(reported, []).append((first, number))
    return {architecture: sorted(tables) for architecture, tables in found.items()}


def block(architecture: int, tables: list[tuple[int, int]]) -> list[bytes]:
    """Instructions for one architecture, entered and left with the architecture in the accumulator.

    A number above ``last`` is new; of the lower table only if it does not belong to the upper one.
    """
    inner = [instruction(LOAD_WORD, NUMBER)]
    for first, last in tables:
        if first:
            inner.append(instruction(JUMP_GREATER, last, 0, 1))
        else:
            inner.append(instruction(JUMP_GREATER, last, 0, 2))
            inner.append(instruction(JUMP_GREATER, X32_BIT - 1, 1, 0))
        inner.append(instruction(RETURN, RETURN_ERRNO | ENOSYS))
    inner.append(instruction(LOAD_WORD, ARCHITECTURE))
    return [instruction(JUMP_EQUAL, architecture, 0, len(inner)), *inner]


def with_enosys(program: bytes, default: int, default_given: bool, newest: dict[int, int]) -> bytes:
    """The program with the prelude, where the default refuses and does not say itself with what (LNX-SEC-06)."""
    if default in ALLOWING or default & 0xFFFF0000 == RETURN_TRACE or default_given:
        return program
    prelude = [instruction(LOAD_WORD, ARCHITECTURE)]
    for architecture, tables in limits(newest).items():
        prelude += block(architecture, tables)
    return b"".join(prelude) + program
