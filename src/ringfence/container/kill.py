"""kill: send a signal to the container's process, or all of it."""

from __future__ import annotations

import posix
import time

from ringfence.container.record import load_record
from ringfence.container.runtime import JAIL, MICROVM, XEN
from ringfence.container.status import has_freezer, is_alive, is_frozen, start_time
from ringfence.errors import RingfenceError, from_os_error
from ringfence.host.probe import read_or

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime

SIGKILL = 9
TRIES, PAUSE = 50, 0.005


def kill(runtime: Runtime, container_id: str, signal: int, everything: bool) -> None:
    """Send a signal to the init; SIGKILL ends all processes of a container without a pid namespace (LNX-KILL-06).

    Raises:
        RingfenceError: ``container not running``, or the kernel refused.
    """
    record = load_record(runtime, container_id)
    if record.driver == JAIL:
        from ringfence.container.jail.kill import kill as kill_jail

        return kill_jail(runtime, record, signal, everything=everything)
    if record.driver == XEN:
        from ringfence.container.domain_life import kill_domain

        return kill_domain(runtime, record, signal, everything=everything)
    whole = signal == SIGKILL and not record.own_pid_namespace
    if whole or everything:
        return signal_all(record, signal)
    if record.driver == MICROVM and signal == SIGKILL:
        end_stand_ins(record)
    if not signal_init(record, signal):
        raise RingfenceError("container not running")
    if signal == SIGKILL and has_freezer(record) and is_frozen(record):
        # A frozen process on cgroup v1 dies only when it is thawed (LNX-KILL-09).
        from ringfence.cgroups.manager import Cgroup

        return Cgroup(record.cgroups).thaw()
    return None


def end_stand_ins(record: ContainerRecord) -> None:
    """End the processes that stand for execs in a guest before the one that stands for the container.

    On a host the kernel ends a container's processes before its first one, and containerd's shim counts on that: of a
    process that ends later nobody is told (MVM-EXEC-06).
    """
    from ringfence.cgroups.manager import Cgroup

    if is_frozen(record):
        return
    found = [pid for pid in Cgroup(record.cgroups).processes() if is_stand_in(pid, record.pid)]
    for pid in found:
        try:
            posix.kill(pid, SIGKILL)
        except ProcessLookupError:
            continue
    for _ in range(TRIES):
        if not any(posix.access(f"/proc/{pid}", posix.F_OK) for pid in found):
            return
        time.sleep(PAUSE)


def parent_of(pid: int) -> int:
    """A process' parent, 0 when it is gone (proc_pid_stat(5))."""
    words = read_or(f"/proc/{pid}/stat", b"").rpartition(b")")[2].split()
    return int(words[1]) if len(words) > 1 else 0


def is_stand_in(pid: int, supervisor: int) -> bool:
    """Whether a process of the container's cgroup is neither its supervisor nor one of that one's children."""
    return pid != supervisor and parent_of(pid) not in (0, supervisor) and parent_of(parent_of(pid)) != supervisor


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
        end_stand_ins(record)
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
