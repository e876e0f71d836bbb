"""Pausing and resuming a container by its cgroup's freezer (LNX-PPR-05 to 08)."""

from __future__ import annotations

import posix

from ringfence.cgroups.manager import Cgroup
from ringfence.container.record import container_directory, load_record, lock
from ringfence.container.runtime import MICROVM
from ringfence.container.status import CREATED, PAUSED, RUNNING, status
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.runtime import Runtime


def pause(runtime: Runtime, container_id: str) -> None:
    """Freeze every process of a container and return when they stand still.

    Raises:
        RingfenceError: ``container does not exist``, ``container not running`` (also when it is paused already), or the
            container has no freezer.
    """
    held = lock(container_directory(runtime, container_id))
    try:
        record = load_record(runtime, container_id)
        if status(record) not in (CREATED, RUNNING):
            raise RingfenceError("container not running")
        Cgroup(record.cgroups).freeze()
    finally:
        posix.close(held)


def resume(runtime: Runtime, container_id: str) -> None:
    """Let every process of a paused container go on.

    Raises:
        RingfenceError: ``container does not exist``, ``container not paused``.
    """
    held = lock(container_directory(runtime, container_id))
    try:
        record = load_record(runtime, container_id)
        if status(record) != PAUSED:
            raise RingfenceError("container not paused")
        Cgroup(record.cgroups).thaw()
        if record.driver == MICROVM:
            from ringfence.container.machine import set_clock

            set_clock(record)
    finally:
        posix.close(held)
