"""Made-up hosts: one of each cgroup version, and the trees that stand for their /sys/fs/cgroup."""

from __future__ import annotations

from pathlib import Path

from ringfence.cgroups.paths import CgroupDir
from ringfence.host.facts import HYBRID, V1, V2, Hierarchy, Host

CONTROLLERS = (
    ("name=systemd",),
    ("cpu", "cpuacct"),
    ("cpuset",),
    ("memory",),
    ("devices",),
    ("freezer",),
    ("blkio",),
    ("pids",),
    ("hugetlb",),
    ("net_cls", "net_prio"),
    ("rdma",),
)


def host(mode: str, hierarchies: tuple[Hierarchy, ...], uid: int = 0) -> Host:
    """A host with these hierarchies."""
    return Host(
        uid=uid,
        gid=uid,
        kernel=(6, 1),
        machine="x86_64",
        cgroup_mode=mode,
        hierarchies=hierarchies,
        huge_pages=("2MB", "1GB"),
    )


def v1_host(root: Path | str = "/sys/fs/cgroup", own: str = "/", uid: int = 0) -> Host:
    """A host with every v1 controller, some mounted together."""
    return host(V1, tuple(legacy(root, names, own) for names in CONTROLLERS), uid)


def legacy(root: Path | str, names: tuple[str, ...], own: str) -> Hierarchy:
    """One v1 hierarchy."""
    return Hierarchy(names, f"{root}/{','.join(names).removeprefix('name=')}", "/", own)


def hybrid_host(root: Path | str = "/sys/fs/cgroup", own: str = "/") -> Host:
    """A v1 host with the v2 hierarchy beside it."""
    hierarchies = tuple(legacy(root, names, own) for names in CONTROLLERS)
    return host(HYBRID, (*hierarchies, Hierarchy(("",), f"{root}/unified", "/", own)))


def v2_host(root: Path | str = "/sys/fs/cgroup", own: str = "/user.slice/session.scope", uid: int = 0) -> Host:
    """A host with cgroup v2 alone."""
    return host(V2, (Hierarchy(("",), str(root), "/", own),), uid)


def fake(directory: Path, **files: str) -> Path:
    """A directory with files, whose names have ``__`` for dots; an empty one takes what is written."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / name.replace("__", ".")).write_text(text)
    return directory


def only(controller: str, path: Path | str) -> tuple[CgroupDir, ...]:
    """The cgroups of a container that has one."""
    return (CgroupDir((controller,), str(path)),)
