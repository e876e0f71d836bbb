"""Pausing and resuming a container by its cgroup's freezer (LNX-PPR-05 to 08)."""

from __future__ import annotations

import posix

from ringfence.cgroups.manager import Cgroup
from ringfence.container.record import container_directory, load_record, lock
from ringfence.container.runtime import JAIL, MICROVM, XEN
from ringfence.container.status import CREATED, PAUSED, RUNNING, STANDS, has_freezer, status
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
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
        now = status(record)
        if now not in (CREATED, RUNNING):
            raise RingfenceError("container not running")
        if record.driver == JAIL:
            from ringfence.container.jail.pause import stop_all

            stop_all(runtime, record)
        elif record.driver == XEN:
            from ringfence.container.domain_life import pause_domain

            pause_domain(record, now)
        elif record.driver != MICROVM or not stop_machine(runtime, record):
            Cgroup(record.cgroups).freeze()
    finally:
        posix.close(held)


def stop_machine(runtime: Runtime, record: ContainerRecord) -> bool:
    """Stop a machine by its monitor, so that its clocks stand still too (MVM-PAUSE-01).

    False when its cgroup is to be frozen behind that; without a freezer a file tells that it stands. One container of
    several in a machine is frozen by the guest's kernel.

    Raises:
        RingfenceError: neither the monitor answers nor is there a freezer.
    """
    from ringfence.container.machine import command_machine, freeze_member

    freezer = has_freezer(record) and not record.pod
    try:
        if record.pod:
            freeze_member(record, "1")
        else:
            command_machine(record, "stop")
    except RingfenceError as error:
        if not freezer:
            raise
        runtime.log.warning(f"{error.attempted}: the container is paused by its cgroup alone")
    if not freezer:
        posix.close(posix.open(f"{record.directory}/{STANDS}", posix.O_WRONLY | posix.O_CREAT | posix.O_CLOEXEC, 0o600))
    return not freezer


def go_on(runtime: Runtime, record: ContainerRecord) -> None:
    """Let a machine run again, and tell it what time it is.

    Raises:
        RingfenceError: its supervisor cannot be reached.
    """
    from ringfence.container.machine import command_machine, freeze_member, set_clock

    if posix.access(f"{record.directory}/{STANDS}", posix.F_OK):
        posix.unlink(f"{record.directory}/{STANDS}")
    if record.pod:
        return freeze_member(record, "0")
    try:
        command_machine(record, "cont")
    except RingfenceError as error:
        runtime.log.warning(f"{error.attempted}: the container is resumed by its cgroup alone")
    return set_clock(record)


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
        if record.driver == JAIL:
            from ringfence.container.jail.pause import go_on as continue_all

            continue_all(runtime, record)
        if record.driver == XEN:
            from ringfence.container.domain_life import resume_domain

            resume_domain(record)
        if has_freezer(record) and not record.pod:
            Cgroup(record.cgroups).thaw()
        if record.driver == MICROVM:
            go_on(runtime, record)
    finally:
        posix.close(held)
