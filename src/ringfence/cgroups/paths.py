"""Where a container's cgroups are: one directory in every hierarchy of the host.

Nothing here touches the kernel; the same host facts, path and id always give the same places.
"""

from __future__ import annotations

from ringfence import paths
from ringfence.errors import RingfenceError
from ringfence.host.facts import V2
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.host.facts import Hierarchy, Host

UNIFIED = ("",)
POINTER = "/linux/cgroupsPath"


class CgroupDir(Record):
    """The container's cgroup in one hierarchy.

    ``controllers`` are those of the hierarchy, ``("",)`` for cgroup v2; ``path`` is absolute on the host.
    """

    controllers: tuple[str, ...]
    path: str


def locate(
    host: Host, cgroups_path: str | None, container_id: str, *, below_caller: bool = False
) -> tuple[CgroupDir, ...]:
    """The container's cgroup in every hierarchy, also in those that limit nothing (LNX-CG-04).

    An absolute path counts from the hierarchy's mount root. A relative one, or none, counts from the runtime's own
    cgroup (v1, and the v2 hierarchy of a hybrid host) or from the parent of it (v2, where a cgroup with processes
    cannot have controllers below it: cgroups(7), "no internal processes"). ``below_caller``: from the runtime's own in
    any case, so that what limits the caller limits the container too (OLD-SYSTEMD-03).

    Raises:
        RingfenceError: the path leads to the cgroup it counts from, which is not the container's to limit or remove.
    """
    asked = cgroups_path or container_id
    inner = clean(asked)
    if inner == "/":
        raise RingfenceError(f"invalid cgroup path {asked!r}: it names no cgroup of its own", field=POINTER)
    absolute = asked.startswith("/")
    return tuple(
        CgroupDir(
            hierarchy.controllers, hierarchy.mount + ("" if absolute else base(host, hierarchy, below_caller)) + inner
        )
        for hierarchy in host.hierarchies
    )


def clean(path: str) -> str:
    """The path with a slash before it and ``.``, ``..`` and double slashes resolved; it never climbs above ``/``."""
    return paths.normpath("/" + path.lstrip("/"))


def base(host: Host, hierarchy: Hierarchy, below_caller: bool = False) -> str:
    """Where relative paths count from, below the mount: ``""`` or a path with a slash before it."""
    own = below(clean(hierarchy.own), clean(hierarchy.root))
    if host.cgroup_mode == V2 and not below_caller:
        own = paths.dirname(own)
    return own.rstrip("/")


def below(path: str, root: str) -> str:
    """The part of ``path`` that ``root`` does not have; ``/`` when it lies elsewhere, as another namespace shows it."""
    if root == "/":
        return path
    if path.startswith(root + "/"):
        return path[len(root) :]
    return "/"


def mount_of(host: Host, directory: CgroupDir) -> str:
    """Where the hierarchy of a cgroup is mounted."""
    for hierarchy in host.hierarchies:
        if hierarchy.controllers == directory.controllers:
            return hierarchy.mount
    raise RingfenceError(f"the cgroup hierarchy of {directory.path} is not mounted")


def find(dirs: tuple[CgroupDir, ...], controller: str) -> str:
    """The directory of one controller, "" when no hierarchy has it; ``""`` asks for cgroup v2."""
    for directory in dirs:
        if controller in directory.controllers:
            return directory.path
    return ""
