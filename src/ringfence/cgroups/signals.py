"""Signals to all processes of a cgroup, without ever hitting a process that took over a pid."""

from __future__ import annotations

import _signal
import posix

from ringfence.errors import from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SIGKILL = 9


def signal_all(list_pids: Callable[[], list[int]], signal: int) -> bool:
    """Signal every process that is listed now; whether there were any (LNX-KILL-10).

    A pidfd is opened for each, then the list is read again: what is still listed was the container's when its pidfd
    was opened, or has ended since, and then the signal goes nowhere.

    Raises:
        RingfenceError: the kernel refuses the signal for a reason other than the end of the process.
    """
    descriptors = {pid: descriptor for pid in list_pids() if (descriptor := open_pidfd(pid)) >= 0}
    try:
        for pid in list_pids() if descriptors else ():
            if pid in descriptors:
                send(descriptors[pid], pid, signal)
    finally:
        for descriptor in descriptors.values():
            posix.close(descriptor)
    return bool(descriptors)


def open_pidfd(pid: int) -> int:
    """A pidfd, -1 when the process has ended; a thread that is not a leader is passed over too (pidfd_open(2))."""
    try:
        return posix.pidfd_open(pid)
    except OSError:
        return -1


def send(descriptor: int, pid: int, signal: int) -> None:
    """Signal one process; one that has ended meanwhile needs none."""
    try:
        _signal.pidfd_send_signal(descriptor, signal)
    except ProcessLookupError:
        return
    except OSError as error:
        raise from_os_error(f"cannot signal process {pid}", error) from None
