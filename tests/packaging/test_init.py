"""The init as it was built: one static program, made from the same tables as the Python side."""

from __future__ import annotations

import os
import struct
import subprocess
import sys

from tests.packaging import REPOSITORY

INIT = REPOSITORY / "src" / "ringfence" / "libexec" / "ringfence-init"
PT_INTERP, PT_GNU_STACK = 3, 0x6474E551
PF_X, PF_W = 1, 2


def segments() -> list[tuple[int, int]]:
    """Type and flags of each program header of a 64-bit little-endian ELF file (elf(5))."""
    image = INIT.read_bytes()
    assert image[:6] == b"\x7fELF\x02\x01"
    (offset,) = struct.unpack_from("<Q", image, 32)
    size, count = struct.unpack_from("<HH", image, 54)
    return [struct.unpack_from("<II", image, offset + index * size) for index in range(count)]


def test_the_init_needs_no_loader() -> None:
    assert PT_INTERP not in [kind for kind, _ in segments()]


def test_no_memory_of_the_init_is_both_writable_and_executable() -> None:
    assert [flags for _, flags in segments() if flags & PF_X and flags & PF_W] == []
    assert [flags for kind, flags in segments() if kind == PT_GNU_STACK and flags & PF_X] == []


def test_the_init_names_no_folder_of_the_machine_it_was_built_on() -> None:
    assert os.fsencode(REPOSITORY) not in INIT.read_bytes()


def test_the_header_is_what_the_steps_say_now() -> None:
    tool = REPOSITORY / "tools" / "steps_header.py"
    environment = {"PYTHONPATH": str(REPOSITORY / "src")}
    told = subprocess.run([sys.executable, tool], env=environment, capture_output=True, text=True, check=True).stdout
    assert told == (REPOSITORY / "build" / "init" / "steps.h").read_text()
