"""The fork that becomes a process in a jail, and what it says before it is one."""

from __future__ import annotations

import os
import signal

from ringfence.drivers.jail.channel import heard
from ringfence.drivers.jail.entry import Entry, become
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ringfence.drivers.jail.library import Library


def bear(entry: Entry, library: Library, born: Callable[[int], None]) -> tuple[int, Callable[[], None]]:
    """Fork the process; returns its pid, and what waits until it is ready, or has been executed.

    ``born`` is told the pid at once. What waits raises the RingfenceError that the process reports.
    """
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        become(Entry(**{**dict(entry.items()), "channel": theirs}), library)
    os.close(theirs)
    try:
        born(pid)
    except BaseException:
        os.close(ours)
        raise

    def ready() -> None:
        try:
            if not heard(ours):
                raise RingfenceError("the container's process was killed before it was ready")
        finally:
            os.close(ours)

    return pid, ready


def end(pid: int) -> None:
    """Kill a child of ours and reap it."""
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        return
