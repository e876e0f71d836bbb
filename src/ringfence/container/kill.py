"""kill: send a signal to the container's process, or all of it."""

from __future__ import annotations

import posix

from ringfence.container.record import load_record
from ringfence.container.runtime import MICROVM
from ringfence.container.status import has_freezer, is_alive, is_frozen, start_time
from ringfence.errors import RingfenceError, from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime

SIGKILL = 9


def kill(runtime: Runtime, container_id: str, signal: int, everything: bool) -> None:
    """Send a signal to the init; SIGKILL ends all processes of a container without a pid namespace (LNX-KILL-06).

    Raises:
        RingfenceError: ``container not running``, or the kernel refused.
    """
    record = load_record(runtime, container_id)
    whole = signal == SIGKILL and not record.own_pid_namespace
    if whole or everything:
        signal_all(record, signal)
        return
    if not signal_init(record, signal):
        raise RingfenceError("container not running")
    if signal == SIGKILL and has_freezer(record) and is_frozen(record):
        # A frozen process on cgroup v1 dies only when it is thawed (LNX-KILL-09).
        from ringfence.cgroups.manager import Cgroup

        Cgroup(record.cgroups).thaw()


def signal_all(record: ContainerRecord, signal: int) -> None:
    """Every process of the cgroup, also when the init is gone; in a machine all but SIGKILL goes to the guest.

    A machine ends with its supervisor, in a cgroup or without one.
    """
    if record.driver == MICROVM and signal != SIGKILL:
        if is_alive(record):
            from ringfence.container.machine import signal_guest

            signal_guest(record, signal)
        return
    if record.driver == MICROVM:
        signal_init(record, SIGKILL)
    from ringfence.cgroups.manager import Cgroup

    group = Cgroup(record.cgroups)
    group.kill_all(signal)
    if signal == SIGKILL and group.is_frozen():
        group.thaw()


def signal_init(record: ContainerRecord, signal: int) -> bool:
    """Signal the init through a pidfd, so that a reused pid is never hit (LNX-KILL-10); False when it is gone.

    Raises:
        RingfenceError: the kernel refused the signal.
    """
    # The C module alone: signal costs 4 ms of imports (enum).
    import _signal

    if not record.pid:
        return False
    try:
        process = posix.pidfd_open(record.pid)
    except OSError:
        return False
    try:
        if start_time(record.pid) != record.start_time:
            return False
        _signal.pidfd_send_signal(process, signal)
    except ProcessLookupError:
        return False
    except OSError as error:
        raise from_os_error(f"cannot send signal {signal}", error) from None
    finally:
        posix.close(process)
    return True
