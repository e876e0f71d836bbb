"""A machine for the few BPF instructions of a device program (linux/bpf.h), to see what a program answers."""

from __future__ import annotations

import struct

U32, U64 = 2**32 - 1, 2**64 - 1


def run_program(program: bytes, context: tuple[int, int, int]) -> int:
    """The value of r0 at exit; the context is three u32 which r1 points to."""
    code = list(struct.iter_unpack("<BBhi", program))
    memory = struct.pack("<III", *context)
    registers = [0] * 11
    position = 0
    for _step in range(10 * len(code)):
        operation, names, offset, value = code[position]
        target, source = names & 15, names >> 4
        position += 1
        if operation == 0x95:
            return registers[0]
        if operation == 0x61:
            assert source == 1, "the context is the only memory"
            registers[target] = struct.unpack_from("<I", memory, offset)[0]
        elif operation in (0x15, 0x55):
            position += offset if (registers[target] == value & U64) == (operation == 0x15) else 0
        else:
            registers[target] = arithmetic(operation, registers[target], registers[source], value)
    raise AssertionError("the program does not end")


def arithmetic(operation: int, left: int, right: int, value: int) -> int:
    """Moves and 32-bit arithmetic."""
    return {
        0xBC: lambda: right & U32,
        0xB7: lambda: value & U64,
        0x54: lambda: left & value & U32,
        0x74: lambda: (left & U32) >> value,
    }[operation]()
