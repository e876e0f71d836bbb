"""From ``linux.cgroupsPath`` to a unit and its place in the cgroup tree (LNX-SYSD-01 to 03)."""

from __future__ import annotations

from ringfence.cgroups.paths import POINTER, CgroupDir
from ringfence.errors import RingfenceError
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cgroups.systemd.facts import Systemd
    from ringfence.host.facts import Host

ROOT_SLICE = "-.slice"
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@")
NAME_MAX = 255  # UNIT_NAME_MAX of systemd is 256 with the NUL


class Unit(Record):
    """A scope below a slice, or a slice itself, whose processes are the container's."""

    name: str
    slice: str

    @property
    def is_slice(self) -> bool:
        """Whether the container's cgroup is a slice's own."""
        return self.name.endswith(".slice")


def unit_of(cgroups_path: str | None, container_id: str, systemd: Systemd) -> Unit:
    """The unit that the path names; without one, a scope named by the id.

    Raises:
        RingfenceError: it is not ``slice:prefix:name``, or names no possible unit.
    """
    asked = cgroups_path or f":ringfence:{container_id}"
    parts = asked.split(":")
    if len(parts) != 3:
        raise RingfenceError(
            f'expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "{asked}" instead',
            field=POINTER,
            hint='"system.slice:NAME:ID", or leave the field out',
        )
    parent, prefix, name = parts
    parent = slice_name(parent, systemd)
    if name.endswith(".slice"):
        return Unit(checked(name), parent)
    return Unit(checked(f"{prefix}-{name}.scope" if prefix else f"{name}.scope"), parent)


def slice_name(asked: str, systemd: Systemd) -> str:
    """The slice, by default that for services of the system or of the user."""
    if not asked:
        return "user.slice" if systemd.user else "system.slice"
    if asked in ("-", ROOT_SLICE):
        return ROOT_SLICE
    slice_path(asked)
    return checked(asked)


def checked(name: str) -> str:
    """A unit's name that systemd takes (systemd.unit(5)).

    Raises:
        RingfenceError: it has other characters, or is too long.
    """
    if not set(name) <= PLAIN or len(name) > NAME_MAX:
        raise RingfenceError(f'invalid unit name "{name}" in cgroupsPath', field=POINTER)
    return name


def slice_path(name: str) -> str:
    """The cgroup of a slice below the manager's: dashes nest, ``a-b.slice`` is in ``a.slice`` (systemd.slice(5)).

    Raises:
        RingfenceError: it is no slice's name.
    """
    if name == ROOT_SLICE:
        return ""
    stem = name.removesuffix(".slice")
    if stem == name or "/" in name or "" in stem.split("-"):
        raise RingfenceError(f'invalid slice name "{name}" in cgroupsPath', field=POINTER)
    words = stem.split("-")
    return "".join(f"/{'-'.join(words[: count + 1])}.slice" for count in range(len(words)))


def unit_path(unit: Unit, systemd: Systemd) -> str:
    """The unit's cgroup below a hierarchy's mount."""
    if unit.is_slice:
        return systemd.base + slice_path(unit.name)
    return f"{systemd.base}{slice_path(unit.slice)}/{unit.name}"


def locate_unit(host: Host, unit: Unit, systemd: Systemd) -> tuple[CgroupDir, ...]:
    """The unit's cgroup in every hierarchy; systemd makes it in some, and it is the same place in all."""
    path = unit_path(unit, systemd)
    return tuple(CgroupDir(hierarchy.controllers, hierarchy.mount + path) for hierarchy in host.hierarchies)
