"""The unit of systemd's that a container's cgroups are, if it has one."""

from __future__ import annotations

from ringfence import paths
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime


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
