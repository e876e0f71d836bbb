"""Looking at cgroup hierarchies: where they are mounted and what is in them."""

from __future__ import annotations

import contextlib
import functools
import os
import time

from tests.support.process import read_text

LINKS_OF_A_LEAF = 2


@functools.cache
def hierarchies() -> dict[str, str]:
    """Mount point of every hierarchy by controller; v1 names such as ``cpu`` and ``name=systemd``, "" for v2."""
    found: dict[str, str] = {}
    for line in read_text("/proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        mount = before.split(" ")[4]
        if kind == "cgroup2":
            found[""] = mount
        elif kind == "cgroup":
            found.update(dict.fromkeys(_controllers(options), mount))
    return found


def _controllers(options: str) -> list[str]:
    known = {line.split()[0] for line in read_text("/proc/cgroups").splitlines()[1:]}
    return [word for word in options.split(",") if word in known or word.startswith("name=")]


def is_v2() -> bool:
    """Whether v2 is the only kind of cgroup here."""
    return set(hierarchies()) == {""}


def of_process(pid: int) -> dict[str, str]:
    """Folder of the process' cgroup by controller ("" for v2)."""
    found: dict[str, str] = {}
    for line in read_text(f"/proc/{pid}/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        for name in controllers.split(","):
            if name in hierarchies():
                found[name] = os.path.normpath(hierarchies()[name] + path)
    return found


def of_controller(pid: int, controller: str) -> str:
    """The process' cgroup that has a controller's files."""
    found = of_process(pid)
    return found[""] if is_v2() else found[controller]


def seen_inside(controller: str) -> str:
    """Where a container with a cgroup namespace of its own on v2, or any on v1, sees a controller's files."""
    return "/sys/fs/cgroup" if is_v2() else f"/sys/fs/cgroup/{controller}"


def has_controller(controller: str) -> bool:
    """Whether a hierarchy here has the controller."""
    if is_v2():
        return controller in read(hierarchies()[""], "cgroup.controllers").split()
    return controller in hierarchies()


def folders_named(token: str) -> list[str]:
    """Every cgroup on this machine whose own name holds ``token``, the deepest first."""
    found = [path for mount in sorted(set(hierarchies().values())) for path in folders_below(mount)]
    return sorted((path for path in found if token in path.rpartition("/")[2]), key=len, reverse=True)


def folders_below(folder: str) -> list[str]:
    """Every cgroup below another. Every test asks, and most cgroups have none: their link count says so (kernfs)."""
    try:
        if os.lstat(folder).st_nlink <= LINKS_OF_A_LEAF:
            return []
        with os.scandir(folder) as entries:
            below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []
    return [path for one in below for path in (one, *folders_below(one))]


def members(folder: str) -> list[int]:
    """The processes in the cgroup itself."""
    return [int(word) for word in read_text(os.path.join(folder, "cgroup.procs")).split()]


def read(folder: str, name: str) -> str:
    """A control file's content without the last newline.

    Raises:
        OSError: when it cannot be read.
    """
    with open(os.path.join(folder, name), encoding="ascii") as file:
        return file.read().rstrip("\n")


def write(folder: str, name: str, value: str) -> None:
    """Write a control file.

    Raises:
        OSError: when the kernel refuses.
    """
    with open(os.path.join(folder, name), "w", encoding="ascii") as file:
        file.write(value)


def thaw(folder: str) -> None:
    """Let the processes of a cgroup and of those below it go on, if they were frozen there."""
    for below in (folder, *folders_below(folder)):
        for name, value in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
            with contextlib.suppress(OSError):
                if os.path.exists(os.path.join(below, name)):
                    write(below, name, value)


def make(controller: str, path: str) -> str:
    """Make the cgroup ``path`` below the hierarchy's mount point and return its folder."""
    folder = os.path.join(hierarchies()[controller], path.lstrip("/"))
    os.makedirs(folder, exist_ok=True)
    return folder


def remove(folder: str) -> None:
    """Remove a cgroup tree without processes; the kernel may need a moment after the last one ended."""
    for below, _, _ in os.walk(folder, topdown=False):
        for _ in range(200):
            try:
                os.rmdir(below)
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.01)
