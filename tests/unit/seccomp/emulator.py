"""Runs a seccomp filter as the kernel does (kernel/seccomp.c, net/core/filter.c), for calls that are never made."""

from __future__ import annotations

import struct
from collections.abc import Sequence

LD_W_ABS, JA, JEQ, JGT, JGE, JSET, AND, RET = 0x20, 0x05, 0x15, 0x25, 0x35, 0x45, 0x54, 0x06
LARGEST = 4096
SECCOMP_DATA = 64


def parse(program: bytes, order: str = "<") -> list[tuple[int, int, int, int]]:
    """The instructions as (code, jt, jf, k)."""
    return list(struct.iter_unpack(order + "HBBI", program))


def check(instructions: Sequence[tuple[int, int, int, int]]) -> None:
    """What the kernel demands of a filter before it takes it: every jump lands inside, the last one returns.

    Raises:
        AssertionError: it would answer EINVAL.
    """
    assert 0 < len(instructions) <= LARGEST
    for place, (code, jt, jf, k) in enumerate(instructions):
        assert code in (LD_W_ABS, JA, JEQ, JGT, JGE, JSET, AND, RET), hex(code)
        behind = len(instructions) - place - 1
        if code == JA:
            assert k < behind
        elif code in (JEQ, JGT, JGE, JSET):
            assert max(jt, jf) < behind
        elif code == LD_W_ABS:
            assert k % 4 == 0 and k < SECCOMP_DATA
    assert instructions[-1][0] == RET


def seccomp_data(number: int, architecture: int, arguments: Sequence[int], order: str = "<") -> bytes:
    """struct seccomp_data; missing arguments are 0."""
    filled = [*arguments, *[0] * (6 - len(arguments))]
    return struct.pack(order + "IIQ6Q", number, architecture, 0, *filled)


def run(
    instructions: Sequence[tuple[int, int, int, int]],
    number: int,
    architecture: int,
    arguments: Sequence[int] = (),
    order: str = "<",
) -> int:
    """What the filter returns for one call."""
    words = struct.unpack(order + "16I", seccomp_data(number, architecture, arguments, order))
    accumulator = place = 0
    while True:
        code, jt, jf, k = instructions[place]
        place += 1
        if code == LD_W_ABS:
            accumulator = words[k // 4]
        elif code == RET:
            return k
        elif code == JA:
            place += k
        elif code == AND:
            accumulator &= k
        else:
            place += jt if holds(code, accumulator, k) else jf


def holds(code: int, accumulator: int, k: int) -> bool:
    """Whether a conditional jump takes its true branch."""
    if code == JEQ:
        return accumulator == k
    if code == JGT:
        return accumulator > k
    if code == JGE:
        return accumulator >= k
    return bool(accumulator & k)
