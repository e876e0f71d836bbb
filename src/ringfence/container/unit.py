"""The unit of systemd's that a container's cgroups are, if it has one."""

from __future__ import annotations

import posix

from ringfence import paths
from ringfence.errors import RingfenceError
from ringfence.host.facts import V2

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cgroups.paths import CgroupDir
    from ringfence.cgroups.systemd.perform import Attachment
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.host.facts import Host
    from ringfence.plan.plan import Plan


def is_beyond_reach(host: Host, cgroups: tuple[CgroupDir, ...]) -> bool:
    """Whether this user may not move a process of his own into the cgroup, on v2 (LNX-EXEC-31).

    cgroups(7), "Delegation containment": he must be able to write to the cgroup.procs of the nearest common ancestor.
    """
    if host.cgroup_mode != V2 or not cgroups:
        return False
    held = host.hierarchies[0]
    own = f"{held.mount}{'' if held.own == '/' else held.own}".split("/")
    target = cgroups[0].path.split("/")
    count = 0
    while count < min(len(own), len(target)) and own[count] == target[count]:
        count += 1
    shared = "/".join(own[:count])
    return paths.isdir(shared) and not posix.access(f"{shared}/cgroup.procs", posix.W_OK)


def attachment_for(plan: Plan, record: ContainerRecord) -> Attachment | None:
    """Who has the process of a plan moved into the container's unit, if it cannot enter by itself."""
    if "unit" not in plan.slots:
        return None
    from ringfence.cgroups.systemd.perform import Attachment  # jeepney: 10 ms

    return Attachment(record.unit, record.bus)


def stop_unit(runtime: Runtime, record: ContainerRecord) -> None:
    """Have the container's unit stopped; one whose cgroup has vanished ended with its last process.

    That systemd cannot be asked is no reason to keep a container: its cgroup is removed all the same.
    """
    if not record.unit or not any(paths.isdir(group.path) for group in record.cgroups):
        return
    from ringfence.cgroups.systemd.perform import stop_unit as ask  # jeepney: 10 ms

    try:
        ask(record.unit, record.bus)
    except RingfenceError as error:
        runtime.log.warning(f"cannot stop unit {record.unit}: {error.attempted}")
