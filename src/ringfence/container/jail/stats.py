"""What a jail uses, as racct counts it (JAIL-STAT-01, JAIL-STAT-02)."""

from __future__ import annotations

from ringfence.container.jail.wall import load_made, own_jail, tools_of
from ringfence.container.resources import stored_resources
from ringfence.container.saved import saved_config
from ringfence.drivers.jail import output
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.spec.types import Resources

SECOND = 10**9


def data_of(record: ContainerRecord) -> dict[str, object]:
    """The ``data`` of a stats event. rctl answers zeros for a jail that it does not know, so that is asked before.

    Raises:
        RingfenceError: the jail has gone, or the kernel does not count.
    """
    tools = tools_of()
    made = load_made(record)
    if own_jail(tools, made) is None:
        raise RingfenceError(f"container with id {record.id} is not running")
    said = tools.must("cannot read what the jail uses", "rctl", "-u", f"jail:{made.name}")
    return numbers(output.usage(said.output), stored_resources(record, saved_config(record)))


def numbers(counted: dict[str, int], limits: Resources) -> dict[str, object]:
    """The counters in the places where runc has them, and all of them as they are under ``raw``."""
    memory = (limits.memory.limit if limits.memory else None) or 0
    processes = (limits.pids.limit if limits.pids else None) or 0
    used = {
        "usage": {"usage": counted.get("memoryuse", 0), "max": 0, "failcnt": 0, "limit": max(memory, 0)},
        "swap": {"usage": counted.get("swapuse", 0), "max": 0, "failcnt": 0, "limit": 0},
    }
    return {
        "cpu": {"usage": {"total": counted.get("cputime", 0) * SECOND, "percpu": [], "kernel": 0, "user": 0}},
        "memory": used,
        "pids": {"current": counted.get("maxproc", 0), "limit": max(processes, 0)},
        "blkio": {},
        "hugetlb": {},
        "intel_rdt": {},
        "network_interfaces": None,
        "raw": counted,
    }
