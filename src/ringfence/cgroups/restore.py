"""Putting back what an update has changed before it failed (LNX-UPD-18)."""

from __future__ import annotations

from ringfence.cgroups.files import read_or_empty, write
from ringfence.cgroups.steps import WriteCgroupFile, WriteCpuShares, WriteFirstPresent, WriteTogether

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringfence.plan.step import HostStep


def files_of(step: HostStep) -> list[str]:
    """The files a step may write."""
    if isinstance(step, (WriteCgroupFile, WriteCpuShares)):
        return [step.path]
    if isinstance(step, WriteTogether):
        return [path for path, _value in step.writes]
    if isinstance(step, WriteFirstPresent):
        return [path for path, _value in step.choices]
    return []


def remember(steps: Iterable[HostStep]) -> list[tuple[str, str]]:
    """Every file the steps write, with each line to put back into it."""
    paths = dict.fromkeys(path for step in steps for path in files_of(step))
    return [(path, value) for path in paths for value in values_of(path, read_or_empty(path))]


def values_of(path: str, text: str) -> list[str]:
    """What a file has to be given to come back to this content; v1's OOM switch shows more than it takes."""
    if path.endswith("/memory.oom_control"):
        return [text.split()[1]] if text else []
    return [line for line in text.splitlines() if line]


def restore(remembered: list[tuple[str, str]]) -> None:
    """Put the lines back as far as the kernel takes them, in whatever order it does."""
    waiting = remembered
    while waiting:
        left = [entry for entry in waiting if not try_write(*entry)]
        if len(left) == len(waiting):
            return
        waiting = left


def try_write(path: str, value: str) -> bool:
    """Write one line; whether the kernel took it."""
    try:
        write(path, value)
    except OSError:
        return False
    return True
