"""A device cgroup's rules as a BPF program (BPF_PROG_TYPE_CGROUP_DEVICE, Linux 4.15). Nothing here touches the kernel.

The program gets ``struct bpf_cgroup_dev_ctx`` (linux/bpf.h): the wished access in the upper half of its first word and
the type of device in the lower, then major and minor. It answers 1 to allow. Rules are asked from the last to the
first; each settles the letters it names, until all are allowed or one is not. Asking for no access at all, as
access(2) with F_OK does, passes with the first allowing rule for the device (LNX-DEVC-10).
"""

from __future__ import annotations

from ringfence.cgroups.devices import WILDCARD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cgroups.devices import Change

KIND_BITS = {"b": 1, "c": 2}
ACCESS_BITS = {"m": 1, "r": 2, "w": 4}
NUMBER_MAX = 2**31 - 1

# Operation codes of linux/bpf_common.h and linux/bpf.h, as class | source or size | operation.
LOAD_WORD = 0x61
MOVE_REGISTER = 0xBC
MOVE_VALUE = 0xB7
AND_VALUE = 0x54
SHIFT_RIGHT = 0x74
JUMP_EQUAL = 0x15
JUMP_UNEQUAL = 0x55
EXIT = 0x95

ANSWER, CONTEXT, KIND, ACCESS, MAJOR, MINOR, SCRATCH = range(7)


def instruction(code: int, target: int = 0, source: int = 0, offset: int = 0, value: int = 0) -> bytes:
    """One struct bpf_insn."""
    return (
        bytes([code, target | source << 4])
        + (offset & 0xFFFF).to_bytes(2, "little")
        + (value & 0xFFFFFFFF).to_bytes(4, "little")
    )


PROLOGUE = b"".join(
    (
        instruction(LOAD_WORD, KIND, CONTEXT, 0),
        instruction(MOVE_REGISTER, ACCESS, KIND),
        instruction(SHIFT_RIGHT, ACCESS, value=16),
        instruction(AND_VALUE, KIND, value=0xFFFF),
        instruction(LOAD_WORD, MAJOR, CONTEXT, 4),
        instruction(LOAD_WORD, MINOR, CONTEXT, 8),
    )
)


def device_program(allow_all: bool, changes: list[Change]) -> bytes:
    """The program for a default and the changes to it, in the order of the configuration."""
    rules = b"".join(rule(change) for change in reversed(changes) if change.major <= NUMBER_MAX >= change.minor)
    return PROLOGUE + rules + answer(allow_all)


def answer(allow: bool) -> bytes:
    """End with yes or no."""
    return instruction(MOVE_VALUE, ANSWER, value=int(allow)) + instruction(EXIT)


def rule(change: Change) -> bytes:
    """One change: for another device go on behind it, else settle its letters."""
    bits = sum(ACCESS_BITS[letter] for letter in change.access)
    tests = [(KIND, KIND_BITS[change.kind])]
    tests += [(MAJOR, change.major)] if change.major != WILDCARD else []
    tests += [(MINOR, change.minor)] if change.minor != WILDCARD else []
    body = allowing(bits) if change.allow else denying(bits)
    for register, value in reversed(tests):
        body = instruction(JUMP_UNEQUAL, register, offset=len(body) // 8, value=value) + body
    return body


def allowing(bits: int) -> bytes:
    """Strike the letters off; allow when none is left."""
    yes = answer(True)
    return (
        instruction(AND_VALUE, ACCESS, value=7 & ~bits) + instruction(JUMP_UNEQUAL, ACCESS, offset=len(yes) // 8) + yes
    )


def denying(bits: int) -> bytes:
    """Deny when one of the letters is still asked for."""
    no = answer(False)
    return (
        instruction(MOVE_REGISTER, SCRATCH, ACCESS)
        + instruction(AND_VALUE, SCRATCH, value=bits)
        + instruction(JUMP_EQUAL, SCRATCH, offset=len(no) // 8)
        + no
    )
