"""From ``linux.intelRdt`` to a resctrl group: pure, the file system's state comes in as ``Facts``."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.plan.step import HostStep
from ringfence.record import Record
from ringfence.resctrl.place import Group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.types import IntelRdt

FIELD = "/linux/intelRdt"


class Facts(Record):
    """What there is before the container.

    ``mount`` is "" where resctrl is not mounted; ``schemata`` is the group's file of that name, None without a group.
    """

    mount: str = ""
    schemata: str | None = None


class MakeResctrlGroup(HostStep):
    """mkdir(2) in the resctrl file system: the kernel fills the new group with its files."""

    path: str

    def describe(self) -> tuple[str, str]:
        return "make", f"resctrl group {self.path}"


class WriteSchemata(HostStep):
    """Write one line to a group's ``schemata``; the kernel takes lines one by one."""

    path: str
    line: str

    def describe(self) -> tuple[str, str]:
        return "limit", f"{self.line} in {self.path}"


def group_name(rdt: IntelRdt, container_id: str) -> str:
    """The name of the group below the mount point, "" for the root group (LNX-RDT-02)."""
    return "" if rdt.clos_id == "/" else rdt.clos_id or container_id


def wanted_lines(rdt: IntelRdt) -> list[tuple[str, str]]:
    """The lines for ``schemata`` in their order, each with the field that asks for it (LNX-RDT-04)."""
    lines = [(f"{FIELD}/l3CacheSchema", rdt.l3_cache_schema or ""), (f"{FIELD}/memBwSchema", rdt.mem_bw_schema or "")]
    lines += [(f"{FIELD}/schemata/{index}", line) for index, line in enumerate(rdt.schemata)]
    return [(field, line) for field, line in lines if line]


def compile_group(rdt: IntelRdt, container_id: str, facts: Facts) -> tuple[Group, tuple[HostStep, ...]]:
    """The container's groups and the steps that make them.

    Raises:
        RingfenceError: resctrl is not mounted, a group that should be there is not, one that is there has other
            schemata (config-linux.md, IntelRdt), or one of the container's name is somebody else's.
    """
    if not facts.mount:
        raise wrong("resctrl is not mounted", FIELD, "mount -t resctrl resctrl /sys/fs/resctrl")
    name = group_name(rdt, container_id)
    path = f"{facts.mount}/{name}" if name else facts.mount
    lines = wanted_lines(rdt)
    made = facts.schemata is None
    steps: list[HostStep] = []
    if made:
        check_may_make(rdt, lines, path)
        steps.append(MakeResctrlGroup(f"{FIELD}/closID" if rdt.clos_id else FIELD, path))
    elif rdt.clos_id and name:
        check_schemata(lines, facts.schemata or "", path)
    elif name:
        raise wrong(f"the group {path} exists", FIELD, "another container's? remove it, or name it as closID")
    if made or not name:
        steps += [WriteSchemata(field, f"{path}/schemata", line) for field, line in lines]
    monitoring = f"{path}/mon_groups/{container_id}" if rdt.enable_monitoring else ""
    if monitoring:
        steps.append(MakeResctrlGroup(f"{FIELD}/enableMonitoring", monitoring))
    return Group(facts.mount, path, monitoring, made), tuple(steps)


def check_may_make(rdt: IntelRdt, lines: list[tuple[str, str]], path: str) -> None:
    """A class of service that is only named must have been made before (LNX-RDT-03)."""
    if rdt.clos_id and not lines:
        raise wrong(f"the group {path} does not exist", f"{FIELD}/closID", "make it, or give its schemata")


def check_schemata(lines: list[tuple[str, str]], present: str, path: str) -> None:
    """Every value that is asked for must be the one that is there (LNX-RDT-03)."""
    there = dict(entry for line in present.splitlines() for entry in values_of(line))
    for field, line in lines:
        for key, value in values_of(line):
            if there.get(key) != value:
                raise wrong(f"{line!r} is not what {path}/schemata says", field, "change the group, or use another")


def values_of(line: str) -> list[tuple[tuple[str, str], str]]:
    """A line of schemata as ((resource, domain), value), without the padding the kernel prints."""
    resource, _, domains = line.partition(":")
    entries = (entry.partition("=") for entry in domains.split(";") if entry.strip())
    return [((resource.strip(), domain.strip()), plain(value)) for domain, _, value in entries]


def plain(value: str) -> str:
    """A bit mask or number without leading zeros, in lower case."""
    return value.strip().lower().removeprefix("0x").lstrip("0") or "0"


def wrong(words: str, field: str, hint: str) -> RingfenceError:
    """An error of this section."""
    return RingfenceError(f"Intel RDT: {words}", field=field, hint=hint)
