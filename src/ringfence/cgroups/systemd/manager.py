"""Which unit of which systemd a container gets, and the steps to have it."""

from __future__ import annotations

from ringfence.cgroups.systemd.compile import compile_unit
from ringfence.cgroups.systemd.facts import Systemd, read_devices, systemd_of
from ringfence.cgroups.systemd.names import Unit, locate_unit, unit_of
from ringfence.cgroups.systemd.properties import cautions, property_steps
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cgroups.paths import CgroupDir
    from ringfence.host.facts import Host
    from ringfence.plan.step import HostStep
    from ringfence.spec.types import Resources


class Manager(Record):
    """A unit, who makes it, and where its cgroups are."""

    unit: Unit
    systemd: Systemd
    dirs: tuple[CgroupDir, ...]

    def compile(self, host: Host, resources: Resources | None, annotations: dict[str, str]) -> tuple[HostStep, ...]:
        """Every step of a new container's cgroup.

        Raises:
            RingfenceError: as ``compile_unit``.
        """
        return compile_unit(host, self.dirs, self.unit, self.systemd, resources, annotations)

    def cautions(self, resources: Resources | None) -> list[str]:
        """What it cannot do of what was asked, in words."""
        return cautions(resources)


def manager_for(
    host: Host, environment: dict[str, str], cgroups_path: str | None, container_id: str, version: int
) -> Manager:
    """The manager for a new container, of a version or 0 where it has not been asked.

    Raises:
        RingfenceError: the path names no unit (LNX-SYSD-01).
    """
    systemd = systemd_of(host, environment, read_devices(), version)
    unit = unit_of(cgroups_path, container_id, systemd)
    return Manager(unit, systemd, locate_unit(host, unit, systemd))


def update_steps(
    host: Host, unit: str, bus: tuple[str, ...], resources: Resources, version: int
) -> tuple[HostStep, ...]:
    """The properties of a unit in use, its device rules left as they are (LNX-UPD-15)."""
    systemd = Systemd(False, "", version, (), bus)
    return tuple(property_steps(host, Unit(unit, ""), systemd, resources, devices=False))
