"""Is the container created, running, paused or stopped?"""

from __future__ import annotations

import posix

from ringfence.container.record import FIFO
from ringfence.container.runtime import JAIL, MICROVM, XEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord

CREATED = "created"
RUNNING = "running"
PAUSED = "paused"
STOPPED = "stopped"
STANDS = "stands"
"""A file in the folder of a container that has been stopped otherwise than by a freezer of the host."""


def process_stat(pid: int) -> tuple[bytes, int]:
    """A process' state letter and when it was started, in clock ticks after boot; 0 when there is none.

    proc_pid_stat(5): the name in parentheses may hold anything, so fields are counted after the last one.
    """
    try:
        descriptor = posix.open(f"/proc/{pid}/stat", posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return b"X", 0
    try:
        fields = posix.read(descriptor, 4096).rpartition(b")")[2].split()
    except ProcessLookupError:
        return b"X", 0
    finally:
        posix.close(descriptor)
    return fields[0], int(fields[19])


def start_time(pid: int) -> int:
    """When a live process was started; 0 when it is gone or a zombie (LNX-STATE-06)."""
    letter, started = process_stat(pid)
    return 0 if letter in (b"Z", b"X") else started


def is_alive(record: ContainerRecord) -> bool:
    """Whether the very process that was born as the container's init still runs."""
    return record.pid > 0 and start_time(record.pid) == record.start_time != 0


def is_frozen(record: ContainerRecord) -> bool:
    """Whether the container's cgroup is frozen, or its machine stands; a cgroup that has vanished is not."""
    if record.driver == MICROVM and posix.access(f"{record.directory}/{STANDS}", posix.F_OK):
        return True
    for group in record.cgroups:
        if "freezer" in group.controllers:
            return reads(f"{group.path}/freezer.state", b"FROZEN", b"FREEZING")
    for group in record.cgroups:
        if group.controllers == ("",):
            return reads(f"{group.path}/cgroup.freeze", b"1")
    return False


def has_freezer(record: ContainerRecord) -> bool:
    """Whether the container has a cgroup that can be frozen."""
    return any("freezer" in group.controllers or group.controllers == ("",) for group in record.cgroups)


def reads(path: str, *words: bytes) -> bool:
    """Whether a one-word file of the kernel holds one of these words."""
    try:
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return False
    try:
        return posix.read(descriptor, 64).strip() in words
    except OSError:
        return False
    finally:
        posix.close(descriptor)


def status(record: ContainerRecord) -> str:
    """One of the four words of the runtime specification.

    Raises:
        RingfenceError: a Xen domain's toolstack cannot tell.
    """
    if record.driver == JAIL:
        from ringfence.container.jail.wall import status_of

        return status_of(record)
    if record.driver == XEN:
        from ringfence.container.domain_state import domain_status

        return domain_status(record)
    if not is_alive(record):
        return STOPPED
    if is_frozen(record):
        return PAUSED
    return CREATED if posix.access(f"{record.directory}/{FIFO}", posix.F_OK) else RUNNING
