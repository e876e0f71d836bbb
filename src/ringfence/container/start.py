"""start: the waiting process is let go."""

from __future__ import annotations

import posix
import select

from ringfence import paths
from ringfence.container.record import FIFO, NOTIFY, load_record, lock
from ringfence.container.runtime import JAIL, MICROVM, XEN
from ringfence.container.status import CREATED, PAUSED, STOPPED, start_time, status
from ringfence.errors import RingfenceError, from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.notify import Relay
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime

REFUSALS = {
    STOPPED: "cannot start a container that has stopped",
    PAUSED: "cannot start a container in the paused state",
}


def start(runtime: Runtime, container_id: str) -> None:
    """Let the container's program run; returns without waiting for it to end (LNX-LIFE-10).

    Raises:
        RingfenceError: it is not in the state ``created``, or its process has died while waiting.
    """
    record = load_record(runtime, container_id)
    held = lock(record.directory)
    try:
        record = load_record(runtime, container_id)
        relay = release(runtime, record)
    finally:
        posix.close(held)
    if record.hooks:
        from ringfence.container.hooks import run_poststart

        run_poststart(runtime, record)
    if relay:
        relay.wait(record.pid)


def release(runtime: Runtime, record: ContainerRecord) -> Relay | None:
    """Let the program of a container run that waits for it.

    Raises:
        RingfenceError: as ``start``.
    """
    if record.driver == JAIL:
        from ringfence.container.jail.start import start as start_jail

        start_jail(record)
        return None
    now = status(record)
    if now != CREATED:
        raise refused(now)
    relay = make_relay(runtime, record)
    open_gate(runtime, record)
    return relay


def refused(now: str) -> RingfenceError:
    """Why a container in another state than ``created`` cannot be started."""
    return RingfenceError(REFUSALS.get(now, "cannot start an already running container"))


def make_relay(runtime: Runtime, record: ContainerRecord) -> Relay | None:
    """The socket the program says on that it is ready, when create was told to show one and somebody waits."""
    caller = runtime.environment.get("NOTIFY_SOCKET")
    if not caller or not paths.isdir(f"{record.directory}/{NOTIFY}"):
        return None
    from ringfence.container.notify import Relay

    return Relay(record.directory, caller)


def open_gate(runtime: Runtime, record: ContainerRecord) -> None:
    """Open the FIFO the process waits on and take its byte; a process that dies meanwhile ends the wait.

    A guest is told in its own way.

    Raises:
        RingfenceError: the process has died.
    """
    path = f"{record.directory}/{FIFO}"
    if record.driver == MICROVM:
        from ringfence.container.machine import start_guest
        from ringfence.container.network import connect_network

        if not record.pod:
            connect_network(record, runtime.log)
        start_guest(record)
        return posix.unlink(path)
    if record.driver == XEN:
        from ringfence.container.domain_life import start_domain

        return start_domain(runtime, record)
    return open_fifo(record, path)


def open_fifo(record: ContainerRecord, path: str) -> None:
    """The same for a process of this host.

    Raises:
        RingfenceError: the process has died.
    """
    gate = process = -1
    try:
        process = posix.pidfd_open(record.pid)
        # Asked before the gate is open: a short program may have come and gone right after.
        if start_time(record.pid) != record.start_time:
            raise RingfenceError("cannot start a container that has stopped")
        gate = posix.open(path, posix.O_RDONLY | posix.O_NONBLOCK | posix.O_CLOEXEC)
        if not passed(gate, process):
            raise RingfenceError("cannot start a container that has stopped")
        posix.unlink(path)
    except ProcessLookupError:
        raise RingfenceError("cannot start a container that has stopped") from None
    except OSError as error:
        raise from_os_error("cannot open exec fifo", error) from None
    finally:
        for descriptor in (gate, process):
            if descriptor >= 0:
                posix.close(descriptor)


def passed(gate: int, process: int) -> bool:
    """Wait for the byte or for the end of the process; a byte counts even if the process has ended since."""
    poll = select.poll()
    poll.register(gate, select.POLLIN)
    poll.register(process, select.POLLIN)
    while True:
        ready = dict(poll.poll())
        if taken(gate):
            return True
        if process in ready:
            return False


def taken(gate: int) -> bool:
    """Take the byte, if it is there."""
    try:
        return bool(posix.read(gate, 1))
    except BlockingIOError:
        return False
