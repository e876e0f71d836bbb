"""Which processes a container has (LNX-PPR-01 to 04)."""

from __future__ import annotations

from ringfence.cgroups.manager import Cgroup
from ringfence.container.record import load_record
from ringfence.container.runtime import JAIL, MICROVM, XEN
from ringfence.container.status import is_alive
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.machine import GuestProcess
    from ringfence.container.runtime import Runtime


def guest_processes(runtime: Runtime, container_id: str) -> list[GuestProcess] | None:
    """What a guest tells of the container's processes; None where they are the host's to list.

    Raises:
        RingfenceError: ``container does not exist``, or its guest cannot be asked.
    """
    record = load_record(runtime, container_id)
    if record.driver != MICROVM or not is_alive(record):
        return None
    from ringfence.container.machine import processes_of

    return processes_of(record)


def domain_row(runtime: Runtime, container_id: str) -> tuple[str, ...] | None:
    """Number, processors, MiB, seconds and state of a container's Xen domain; None for another wall's container.

    Raises:
        RingfenceError: ``container does not exist``, it has stopped, or xl cannot tell.
    """
    record = load_record(runtime, container_id)
    if record.driver != XEN:
        return None
    from ringfence.container.domain_stats import running_domain

    found = running_domain(record)
    return (str(found.number), str(found.vcpus), str(found.memory), f"{found.seconds:.1f}", found.state)


def processes(runtime: Runtime, container_id: str) -> list[int]:
    """Host pids of every process in the container's cgroup, in rising order; none of a stopped container.

    Raises:
        RingfenceError: ``container does not exist``, or it lives without a cgroup, so nobody can tell.
    """
    record = load_record(runtime, container_id)
    if record.driver == JAIL:
        from ringfence.container.jail.processes import pids

        return pids(runtime, record)
    if record.driver == XEN:
        from ringfence.container.domain_stats import serving

        return serving(record)
    if record.driver == MICROVM and is_alive(record):
        from ringfence.container.machine import processes_of

        return [process.pid for process in processes_of(record)]
    found = Cgroup(record.cgroups).processes()
    if not found and is_alive(record):
        raise RingfenceError(
            "container has no cgroup to find its processes by", hint="a rootless container needs a delegated cgroup"
        )
    return found
