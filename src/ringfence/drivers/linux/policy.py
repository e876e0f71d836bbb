"""Scheduling, I/O, memory and personality settings as the kernel's own structures."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.plan import inside
from ringfence.spec.names import (
    IO_CLASSES,
    MEMORY_FLAGS,
    MEMORY_MODES,
    PERSONALITIES,
    SCHEDULER_FLAGS,
    SCHEDULER_POLICIES,
)
from ringfence.spec.numberlists import parse_number_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.types import IOPriority, MemoryPolicy, Personality, Scheduler

MOST_NODES = 1024


def scheduler(asked: Scheduler, cpus: str) -> inside.SetScheduler:
    """struct sched_attr of sched_setattr(2), its first version of 48 bytes; ``cpus`` are those of the cgroup."""
    flags = 0
    for flag in asked.flags:
        flags |= SCHEDULER_FLAGS[flag]
    fields = (
        (48, 4),
        (SCHEDULER_POLICIES[asked.policy], 4),
        (flags, 8),
        (asked.nice or 0, 4),
        (asked.priority or 0, 4),
        (asked.runtime or 0, 8),
        (asked.deadline or 0, 8),
        (asked.period or 0, 8),
    )
    raw = b"".join((value % (1 << (8 * size))).to_bytes(size, "little") for value, size in fields)
    restricted = cpus if asked.policy == "SCHED_DEADLINE" else ""
    return inside.SetScheduler("/process/scheduler", raw, asked.policy, restricted)


def io_priority(asked: IOPriority) -> inside.SetIoPriority:
    """The class in the bits from 13 on, the level below (ioprio_set(2))."""
    return inside.SetIoPriority("/process/ioPriority", IO_CLASSES[asked.class_] << 13 | asked.priority)


def list_mask(text: str, words: str, limit: int = MOST_NODES) -> bytes:
    """The bit mask, in whole longs, of a list such as ``0-3,7`` (cpuset(7), List format).

    Raises:
        RingfenceError: ``words`` and the list, when it is not one or names a number that is out of range.
    """
    try:
        mask = parse_number_list(text, limit)
    except ValueError:
        raise RingfenceError(f"{words} {text!r}") from None
    return mask.to_bytes((mask.bit_length() + 63) // 64 * 8, "little")


def memory_policy(asked: MemoryPolicy) -> inside.SetMemoryPolicy:
    """The mode with its flags, and the mask of the nodes."""
    mode = MEMORY_MODES[asked.mode]
    for flag in asked.flags:
        mode |= MEMORY_FLAGS[flag]
    nodes = list_mask(asked.nodes, "invalid memory policy nodes") if asked.nodes else b""
    return inside.SetMemoryPolicy("/linux/memoryPolicy", mode, nodes, asked.mode)


def personality(asked: Personality) -> inside.SetPersonality:
    """The execution domain (personality(2))."""
    return inside.SetPersonality("/linux/personality", PERSONALITIES[asked.domain])
