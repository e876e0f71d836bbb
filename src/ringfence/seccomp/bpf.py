"""Classic BPF as seccomp(2) runs it: comparing arguments, and finding a call's number among hundreds by halving.

ringfence makes its programs itself. libseccomp up to 2.6.0 merges several rules for one call wrongly when they compare
64-bit arguments (GHSA-4q85-33p6-j5g6): one in twenty random profiles let pass what no rule allows, and some never end
compiling. Here each rule is code of its own, so nothing has to be merged.

Only those instructions are used that Linux 5.11 can evaluate when the filter is loaded, so a call that is always
allowed is not slowed down.
"""

from __future__ import annotations

from ringfence.seccomp.names import OPERATORS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringfence.spec.types import SeccompArg

    Instruction = tuple[int, int, int, int]  # struct sock_filter of <linux/filter.h>: code, jt, jf, k
    Code = tuple[Instruction, ...]

LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
JUMP = 0x05  # BPF_JMP | BPF_JA
EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
GREATER = 0x25  # BPF_JMP | BPF_JGT | BPF_K
AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
RETURN = 0x06  # BPF_RET | BPF_K

# struct seccomp_data of <linux/seccomp.h>.
NUMBER, ARCHITECTURE, ARGUMENTS, ARGUMENT_SIZE = 0, 4, 16, 8

LONGEST_BRANCH = 255  # jt and jf are bytes
HALF = 32
HALF_MASK = (1 << HALF) - 1

# Where a test of a comparison leads: to the next instruction, behind the comparison, out of the rule.
NEXT, HOLDS, FAILS = range(3)
MASKED_EQUAL = OPERATORS["SCMP_CMP_MASKED_EQ"]
# By operator: where it leads if the argument's high half is greater than the value's, and if it is unequal otherwise;
# the test of the low halves that decides if the high ones are equal, and where that leads if true and if false.
DECISIONS = {
    OPERATORS["SCMP_CMP_NE"]: (HOLDS, HOLDS, EQUAL, FAILS, HOLDS),
    OPERATORS["SCMP_CMP_LT"]: (FAILS, HOLDS, AT_LEAST, FAILS, HOLDS),
    OPERATORS["SCMP_CMP_LE"]: (FAILS, HOLDS, GREATER, FAILS, HOLDS),
    OPERATORS["SCMP_CMP_EQ"]: (FAILS, FAILS, EQUAL, HOLDS, FAILS),
    OPERATORS["SCMP_CMP_GE"]: (HOLDS, FAILS, AT_LEAST, HOLDS, FAILS),
    OPERATORS["SCMP_CMP_GT"]: (HOLDS, FAILS, GREATER, HOLDS, FAILS),
    MASKED_EQUAL: (FAILS, FAILS, EQUAL, HOLDS, FAILS),
}


class Layout:
    """How an architecture keeps arguments: in which byte order, and whether all 64 bits of one count.

    A 32-bit call made by a 64-bit program may carry anything in the high halves, which the kernel does not look at.
    """

    def __init__(self, *, big_endian: bool, wide: bool) -> None:
        self.low, self.high = (4, 0) if big_endian else (0, 4)
        self.wide = wide


def comparison(argument: SeccompArg, layout: Layout) -> list[Instruction] | None:
    """The tests of one entry of ``args``, leading to NEXT, HOLDS or FAILS; None if it can never hold (LNX-SEC-03)."""
    operator = OPERATORS[argument.op]
    mask, value = (argument.value, argument.value_two) if operator == MASKED_EQUAL else (None, argument.value)
    greater, unequal, low_test, low_true, low_false = DECISIONS[operator]
    base = ARGUMENTS + ARGUMENT_SIZE * argument.index
    code: list[Instruction] = []
    if layout.wide:
        code += load(base + layout.high, mask and mask >> HALF)
        if greater != unequal:
            code.append((GREATER, greater, NEXT, value >> HALF))
        code.append((EQUAL, NEXT, unequal, value >> HALF))
    elif value >> HALF:
        return None if unequal == FAILS else []
    return [*code, *load(base + layout.low, mask), (low_test, low_true, low_false, value & HALF_MASK)]


def load(offset: int, mask: int | None) -> list[Instruction]:
    """Fetch half an argument, and keep only the bits of ``mask`` if there is one."""
    fetch = (LOAD, NEXT, NEXT, offset)
    return [fetch] if mask is None else [fetch, (AND, NEXT, NEXT, mask & HALF_MASK)]


def alternative(arguments: Sequence[SeccompArg], action: int, layout: Layout) -> Code | None:
    """One rule: return ``action`` if all comparisons hold, else go on behind it; None if they can never hold."""
    comparisons = [comparison(argument, layout) for argument in arguments]
    if None in comparisons:
        return None
    tests = [code for code in comparisons if code]
    length = sum(map(len, tests)) + 1
    placed: list[Instruction] = []
    for code in tests:
        held = len(placed) + len(code)
        for operation, if_true, if_false, value in code:
            following = len(placed) + 1
            distance = {NEXT: 0, HOLDS: held - following, FAILS: length - following}
            placed.append((operation, distance[if_true], distance[if_false], value))
    return (*placed, (RETURN, 0, 0, action))


def search(leaves: Sequence[tuple[int, Code]]) -> Code:
    """Find the leaf of the number in the accumulator: each is (first number, code), ascending from 0, and returns."""
    if len(leaves) == 1:
        return leaves[0][1]
    middle = len(leaves) // 2
    below, above = search(leaves[:middle]), search(leaves[middle:])
    return (*branch(AT_LEAST, leaves[middle][0], len(below)), *below, *above)


def branch(test: int, value: int, distance: int) -> Code:
    """Skip ``distance`` instructions if the test is true, however many they are."""
    if distance <= LONGEST_BRANCH:
        return ((test, distance, 0, value),)
    return ((test, 0, 1, value), (JUMP, 0, 0, distance))


def by_architecture(sections: Sequence[tuple[int, Code]], otherwise: int) -> Code:
    """The whole program: the section of the architecture that the kernel reports, else the action ``otherwise``."""
    program: Code = ((RETURN, 0, 0, otherwise),)
    for architecture, code in reversed(sections):
        section = ((LOAD, 0, 0, NUMBER), *code)
        program = (*branch(EQUAL, architecture, len(program)), *program, *section)
    return ((LOAD, 0, 0, ARCHITECTURE), *program)


def assemble(program: Code, byte_order: str) -> bytes:
    """An array of struct sock_filter in the byte order (``little`` or ``big``) of the machine that will run it."""
    # struct is loaded here only, where a program is made for the first time.
    from struct import pack

    form = "<HBBI" if byte_order == "little" else ">HBBI"
    return b"".join(pack(form, *instruction) for instruction in program)
