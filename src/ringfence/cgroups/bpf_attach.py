"""Loading a device program and attaching it to a cgroup by bpf(2).

Python has no wrapper for that system call, so this module needs ctypes; it is imported on cgroup v2 alone.
"""

from __future__ import annotations

import ctypes
import posix

from ringfence.errors import RingfenceError

PROG_LOAD, PROG_ATTACH, PROG_DETACH, PROG_GET_FD_BY_ID, PROG_QUERY = 5, 8, 9, 13, 16
PROG_TYPE_CGROUP_DEVICE = 15
ATTACH_TYPE_CGROUP_DEVICE = 6
ALLOW_MULTI, REPLACE = 2, 4
PROGRAMS_MAX = 64
INSTRUCTION_SIZE = 8
# asm/unistd.h of each architecture; the newer ones share one table.
CALL_NUMBERS = {"x86_64": 321, "i686": 357, "armv7l": 386, "ppc64le": 361, "s390x": 351}
CALL_NUMBER_GENERIC = 280


class LoadAttr(ctypes.Structure):
    """The part of union bpf_attr that BPF_PROG_LOAD needs."""

    _fields_ = (
        ("prog_type", ctypes.c_uint32),
        ("insn_cnt", ctypes.c_uint32),
        ("insns", ctypes.c_uint64),
        ("license", ctypes.c_uint64),
        ("log_level", ctypes.c_uint32),
        ("log_size", ctypes.c_uint32),
        ("log_buf", ctypes.c_uint64),
        ("kern_version", ctypes.c_uint32),
        ("prog_flags", ctypes.c_uint32),
    )


class AttachAttr(ctypes.Structure):
    """The part of union bpf_attr that BPF_PROG_ATTACH and BPF_PROG_DETACH need."""

    _fields_ = (
        ("target_fd", ctypes.c_uint32),
        ("attach_bpf_fd", ctypes.c_uint32),
        ("attach_type", ctypes.c_uint32),
        ("attach_flags", ctypes.c_uint32),
        ("replace_bpf_fd", ctypes.c_uint32),
    )


class QueryAttr(ctypes.Structure):
    """The part of union bpf_attr that BPF_PROG_QUERY needs."""

    _fields_ = (
        ("target_fd", ctypes.c_uint32),
        ("attach_type", ctypes.c_uint32),
        ("query_flags", ctypes.c_uint32),
        ("attach_flags", ctypes.c_uint32),
        ("prog_ids", ctypes.c_uint64),
        ("prog_cnt", ctypes.c_uint32),
    )


class IdAttr(ctypes.Structure):
    """The part of union bpf_attr that BPF_PROG_GET_FD_BY_ID needs."""

    _fields_ = (("prog_id", ctypes.c_uint32), ("next_id", ctypes.c_uint32), ("open_flags", ctypes.c_uint32))


def bpf(command: int, attributes: ctypes.Structure) -> int:
    """Make one call of the system call bpf.

    Raises:
        OSError: as the kernel gave it.
    """
    number = CALL_NUMBERS.get(posix.uname().machine, CALL_NUMBER_GENERIC)
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    result = int(syscall(number, command, ctypes.byref(attributes), ctypes.sizeof(attributes)))
    if result < 0:
        raise OSError(ctypes.get_errno(), posix.strerror(ctypes.get_errno()))
    return result


def load(program: bytes) -> int:
    """Load a program and return its descriptor, which is close-on-exec.

    Raises:
        OSError: the kernel refuses it.
    """
    text = ctypes.create_string_buffer(program)
    licence = ctypes.create_string_buffer(b"Apache-2.0")
    return bpf(
        PROG_LOAD,
        LoadAttr(
            PROG_TYPE_CGROUP_DEVICE,
            len(program) // INSTRUCTION_SIZE,
            ctypes.addressof(text),
            ctypes.addressof(licence),
        ),
    )


def attached(cgroup: int) -> list[int]:
    """Ids of the device programs of a cgroup itself, oldest first."""
    ids = (ctypes.c_uint32 * PROGRAMS_MAX)()
    query = QueryAttr(cgroup, ATTACH_TYPE_CGROUP_DEVICE, 0, 0, ctypes.addressof(ids), PROGRAMS_MAX)
    bpf(PROG_QUERY, query)
    return list(ids[: query.prog_cnt])


def attach(directory: str, program: bytes) -> None:
    """Make this the only device program of a cgroup, without a moment in which none or both decide (LNX-DEVC-09).

    Raises:
        OSError: the kernel refuses it.
        RingfenceError: several programs are attached, so none can be put in their place at once.
    """
    cgroup = posix.open(directory, posix.O_RDONLY | posix.O_DIRECTORY | posix.O_CLOEXEC)
    try:
        new = load(program)
        try:
            put(cgroup, new, attached(cgroup))
        finally:
            posix.close(new)
    finally:
        posix.close(cgroup)


def put(cgroup: int, new: int, old_ids: list[int]) -> None:
    """Attach a loaded program in place of the one there is."""
    if len(old_ids) > 1:
        raise RingfenceError(f"the cgroup has {len(old_ids)} device programs, which are not the container's")
    if not old_ids:
        bpf(PROG_ATTACH, AttachAttr(cgroup, new, ATTACH_TYPE_CGROUP_DEVICE, ALLOW_MULTI, 0))
        return
    old = bpf(PROG_GET_FD_BY_ID, IdAttr(old_ids[0], 0, 0))
    try:
        bpf(PROG_ATTACH, AttachAttr(cgroup, new, ATTACH_TYPE_CGROUP_DEVICE, ALLOW_MULTI | REPLACE, old))
    finally:
        posix.close(old)
