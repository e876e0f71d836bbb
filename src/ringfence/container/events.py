"""What a container uses, and what happens to it while someone watches (LNX-EVT-01 to 14)."""

from __future__ import annotations

import posix
import time

from ringfence.cgroups.manager import Cgroup
from ringfence.cgroups.oom import OomWatch
from ringfence.container.record import load_record, oom_kills
from ringfence.container.runtime import JAIL, MICROVM, XEN
from ringfence.container.status import STOPPED, is_alive, status
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime

LONGEST_WAIT = 0.5
COUNTED = (MICROVM, JAIL)
"""Walls whose out-of-memory kills no cgroup tells: a supervisor counts them, or nobody does."""
SHORT_WAIT = 0.05


class GuestOomWatch:
    """The same for a container whose processes are in a guest: the supervisor counts what the guest tells."""

    def __init__(self, record: ContainerRecord):
        self.record = record
        self.seen = self.count()

    def count(self) -> int:
        """How many kills there have been."""
        return oom_kills(self.record)

    def wait(self, seconds: float) -> int:
        """Wait, and return the number of new kills."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.count() <= self.seen:
            time.sleep(min(SHORT_WAIT, seconds))
        new, self.seen = self.count() - self.seen, self.count()
        return max(new, 0)

    def close(self) -> None:
        """There is nothing to close."""


def stats(runtime: Runtime, container_id: str) -> dict[str, object]:
    """The ``data`` of a stats event.

    Raises:
        RingfenceError: ``container does not exist``, ``container with id X is not running``.
    """
    return data_of(running(runtime, container_id))


def running(runtime: Runtime, container_id: str) -> ContainerRecord:
    """The record of a container whose init lives."""
    record = load_record(runtime, container_id)
    if record.driver == XEN:
        from ringfence.container.domain_stats import running_domain

        running_domain(record)
        return record
    alive = status(record) != STOPPED if record.driver == JAIL else is_alive(record)
    if not alive:
        raise RingfenceError(f"container with id {container_id} is not running")
    return record


def data_of(record: ContainerRecord) -> dict[str, object]:
    """The cgroup's numbers, and the sections that are part of the format but empty without resctrl and networks."""
    if record.driver == JAIL:
        from ringfence.container.jail.stats import data_of as data_of_jail

        return data_of_jail(record)
    if record.driver == XEN:
        from ringfence.container.domain_stats import domain_stats

        return domain_stats(record)
    numbers = Cgroup(record.cgroups).stats()
    if record.driver == MICROVM:
        from ringfence.container.machine_stats import with_guest

        numbers = with_guest(record, numbers)
    return {**numbers, "intel_rdt": resctrl_of(record), "network_interfaces": None}


def resctrl_of(record: ContainerRecord) -> dict[str, object]:
    """What resctrl counts for the container."""
    if record.resctrl is None:
        return {}
    from ringfence.resctrl.measure import stats as resctrl_stats

    return resctrl_stats(record.resctrl)


def watch(runtime: Runtime, container_id: str, interval_seconds: float) -> Iterator[dict[str, object]]:
    """Whole event objects, stats every interval and the others as they occur, until the container is deleted.

    Raises:
        RingfenceError: as ``stats``, before the first event.
    """
    record = running(runtime, container_id)
    watcher: GuestOomWatch | OomWatch = (
        OomWatch(record.cgroups) if record.driver not in COUNTED else GuestOomWatch(record)
    )
    try:
        folder = posix.open(record.directory, posix.O_RDONLY | posix.O_DIRECTORY | posix.O_CLOEXEC)
        try:
            yield from events(record, folder, watcher, interval_seconds)
        finally:
            posix.close(folder)
    finally:
        watcher.close()


def events(
    record: ContainerRecord, folder: int, watcher: OomWatch | GuestOomWatch, interval_seconds: float
) -> Iterator[dict[str, object]]:
    """The loop of ``watch``; it looks twice a second whether the container is still there."""
    due = time.monotonic() + interval_seconds
    while exists(record, folder) and not is_over(record):
        for _kill in range(watcher.wait(max(0.0, min(due - time.monotonic(), LONGEST_WAIT)))):
            yield {"type": "oom", "id": record.id}
        if time.monotonic() >= due and exists(record, folder) and not is_over(record):
            due = time.monotonic() + interval_seconds
            yield {"type": "stats", "id": record.id, "data": data_of(record)}


def is_over(record: ContainerRecord) -> bool:
    """Whether nothing more will come of a domain that nobody has deleted yet: its watcher ends with it."""
    return record.driver == XEN and not is_alive(record)


def exists(record: ContainerRecord, folder: int) -> bool:
    """Whether the state folder is still the opened one, and not gone or made anew under the same name."""
    try:
        now, opened = posix.stat(record.directory), posix.fstat(folder)
    except OSError:
        return False
    return (now.st_dev, now.st_ino) == (opened.st_dev, opened.st_ino)
