"""exec --cgroup: a cgroup below the container's own."""

from __future__ import annotations

from ringfence import paths
from ringfence.cgroups.paths import CgroupDir
from ringfence.errors import RingfenceError


def inner_path(base: str, path: str) -> str:
    """A path below a cgroup, which ``..`` may not leave.

    Raises:
        RingfenceError: ``bad sub cgroup path``, or there is no such cgroup.
    """
    place = paths.normpath(paths.join(base, path.lstrip("/")))
    if place != base and not place.startswith(base + "/"):
        raise RingfenceError(f"bad sub cgroup path: {path}")
    if not paths.isdir(place):
        raise RingfenceError(f"error adding pid to cgroup {place}: no such file or directory", errno=2)
    return place


def sub_cgroups(groups: tuple[CgroupDir, ...], asked: tuple[str, ...]) -> tuple[CgroupDir, ...]:
    """The cgroups to enter: each ``controller[,controller]:path``, or one path for all (LNX-EXEC-29).

    Raises:
        RingfenceError: ``unknown controller``, a bad path, or one that does not exist.
    """
    places = {group.controllers: group.path for group in groups}
    for word in asked:
        names, colon, path = word.partition(":")
        if not colon:
            return tuple(CgroupDir(group.controllers, inner_path(group.path, word)) for group in groups)
        for name in names.split(","):
            group = next((one for one in groups if name in one.controllers or f"name={name}" in one.controllers), None)
            if group is None or not name:
                raise RingfenceError(f"unknown controller {name} in SUBSYSTEM(s):PATH {word}")
            places[group.controllers] = inner_path(group.path, path)
    return tuple(CgroupDir(controllers, path) for controllers, path in places.items())
