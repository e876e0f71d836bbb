"""What a container uses, and what happens to it while someone watches (LNX-EVT-01 to 14)."""

from __future__ import annotations

import os
import time

from ringfence.cgroups.manager import Cgroup
from ringfence.container.record import STATE, load_record
from ringfence.container.status import is_alive
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime

LONGEST_WAIT = 0.5


def stats(runtime: Runtime, container_id: str) -> dict[str, object]:
    """The ``data`` of a stats event.

    Raises:
        RingfenceError: ``container does not exist``, ``container with id X is not running``.
    """
    return data_of(running(runtime, container_id))


def running(runtime: Runtime, container_id: str) -> ContainerRecord:
    """The record of a container whose init lives."""
    record = load_record(runtime, container_id)
    if not is_alive(record):
        raise RingfenceError(f"container with id {container_id} is not running")
    return record


def data_of(record: ContainerRecord) -> dict[str, object]:
    """The cgroup's numbers, and the sections that are part of the format but empty without resctrl and networks."""
    return {**Cgroup(record.cgroups).stats(), "intel_rdt": {}, "network_interfaces": None}


def watch(runtime: Runtime, container_id: str, interval_seconds: float) -> Iterator[dict[str, object]]:
    """Whole event objects, stats every interval and the others as they occur, until the container is deleted.

    Raises:
        RingfenceError: as ``stats``, before the first event.
    """
    record = running(runtime, container_id)
    from ringfence.cgroups.oom import OomWatch  # only who watches needs it

    watcher = OomWatch(record.cgroups)
    try:
        yield from events(record, watcher, interval_seconds)
    finally:
        watcher.close()


def events(record: ContainerRecord, watcher: OomWatch, interval_seconds: float) -> Iterator[dict[str, object]]:
    """The loop of ``watch``; it looks twice a second whether the container is still there."""
    born = identity(record)
    due = time.monotonic() + interval_seconds
    while identity(record) == born:
        for _kill in range(watcher.wait(max(0.0, min(due - time.monotonic(), LONGEST_WAIT)))):
            yield {"type": "oom", "id": record.id}
        if time.monotonic() >= due and identity(record) == born:
            due = time.monotonic() + interval_seconds
            yield {"type": "stats", "id": record.id, "data": data_of(record)}


def identity(record: ContainerRecord) -> tuple[int, int]:
    """What tells a state folder from a later one of the same name; (0, 0) when it is gone."""
    try:
        os.stat(f"{record.directory}/{STATE}")
        folder = os.stat(record.directory)
    except OSError:
        return 0, 0
    return folder.st_ino, folder.st_ctime_ns
