"""Which processes a container has (LNX-PPR-01 to 04)."""

from __future__ import annotations

from ringfence.cgroups.manager import Cgroup
from ringfence.container.record import load_record
from ringfence.container.status import is_alive
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.runtime import Runtime


def processes(runtime: Runtime, container_id: str) -> list[int]:
    """Host pids of every process in the container's cgroup, in rising order; none of a stopped container.

    Raises:
        RingfenceError: ``container does not exist``, or it lives without a cgroup, so nobody can tell.
    """
    record = load_record(runtime, container_id)
    found = Cgroup(record.cgroups).processes()
    if not found and is_alive(record):
        raise RingfenceError(
            "container has no cgroup to find its processes by", hint="a rootless container needs a delegated cgroup"
        )
    return found
