"""``linux.cgroupsPath`` and ``linux.resources`` as steps for systemd's manager. Pure."""

from __future__ import annotations

from ringfence.cgroups.compile import is_rootless, limit_steps, shown_name
from ringfence.cgroups.paths import POINTER, mount_of
from ringfence.cgroups.steps import EnableControllers, MakeCgroup
from ringfence.cgroups.systemd.properties import property_steps
from ringfence.cgroups.systemd.units import StartUnit
from ringfence.cgroups.systemd.variant import annotated
from ringfence.host.facts import V2
from ringfence.spec.problems import escape
from ringfence.spec.types import Resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cgroups.paths import CgroupDir
    from ringfence.cgroups.systemd.facts import Systemd
    from ringfence.cgroups.systemd.names import Unit
    from ringfence.cgroups.systemd.units import Property
    from ringfence.host.facts import Host
    from ringfence.plan.step import HostStep

ANNOTATION = "org.systemd.property."
ACCOUNTING = ("CPUAccounting", "MemoryAccounting", "TasksAccounting")


def compile_unit(
    host: Host,
    dirs: tuple[CgroupDir, ...],
    unit: Unit,
    systemd: Systemd,
    resources: Resources | None,
    annotations: dict[str, str],
) -> tuple[HostStep, ...]:
    """Start the unit, set its properties, then the files for what has none (LNX-SYSD-04 to 12).

    Raises:
        RingfenceError: an annotation is no property, or a limit has no meaning to this host.
    """
    limits = resources or Resources()
    devices = not is_rootless(host)
    steps: list[HostStep] = [start_step(host, unit, systemd, annotations)]
    steps.extend(property_steps(host, unit, systemd, limits, devices=devices))
    if host.cgroup_mode == V2:
        steps.append(EnableControllers(POINTER, mount_of(host, dirs[0]) + systemd.base, dirs[0].path))
    else:
        steps.append(made_elsewhere(host, dirs))
    steps.extend(limit_steps(host, dirs, limits, devices=devices))
    return tuple(steps)


def start_step(host: Host, unit: Unit, systemd: Systemd, annotations: dict[str, str]) -> StartUnit:
    """The unit with what is always set, and what annotations add or put in its place."""
    held: dict[str, Property] = {}
    for entry in (*always(host, unit), *from_annotations(annotations)):
        held[entry[0]] = entry
    return StartUnit(POINTER, unit.name, unit.slice, systemd.bus, tuple(held.values()))


def always(host: Host, unit: Unit) -> list[Property]:
    """What every unit gets (LNX-SYSD-04, LNX-SYSD-05). A failed one is forgotten, so that its name is free again."""
    accounting = (*ACCOUNTING, "IOAccounting" if host.cgroup_mode == V2 else "BlockIOAccounting")
    held: list[Property] = [("DefaultDependencies", "b", False), *((name, "b", True) for name in accounting)]
    if unit.is_slice:
        return [*held, ("Wants", "as", [unit.slice])]
    return [("Slice", "s", unit.slice), ("Delegate", "b", True), ("CollectMode", "s", "inactive-or-failed"), *held]


def from_annotations(annotations: dict[str, str]) -> list[Property]:
    """The properties that ``org.systemd.property.NAME`` annotations ask for."""
    return [
        annotated(name.removeprefix(ANNOTATION), text, f"/annotations/{escape(name)}")
        for name, text in annotations.items()
        if name.startswith(ANNOTATION)
    ]


def made_elsewhere(host: Host, dirs: tuple[CgroupDir, ...]) -> MakeCgroup:
    """v1: the same place in the hierarchies that systemd does not manage."""
    cpuset = next((mount_of(host, held) for held in dirs if "cpuset" in held.controllers), "")
    return MakeCgroup(POINTER, shown_name(host, dirs), dirs, cpuset, is_rootless(host), shared=True)
