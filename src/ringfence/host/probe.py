"""Asking this machine for the facts of ``facts.py``, in about twenty small reads."""

from __future__ import annotations

import posix

from ringfence.host.facts import HYBRID, V1, V2, Hierarchy, Host

CGROUP_ROOT = "/sys/fs/cgroup"
WHOLE_MAP = ["0", "0", "4294967295"]
LAST_CAPABILITY = 40
HUGE_PAGES = "/sys/kernel/mm/hugepages"
APPARMOR = "/sys/module/apparmor/parameters/enabled"
SELINUX = "/sys/fs/selinux/enforce"


class MountLine:
    """One line of mountinfo; ``options`` are those of the file system, not of the mount."""

    __slots__ = ("kind", "options", "path", "root")

    def __init__(self, root: str, path: str, kind: str, options: frozenset[str]):
        self.root = root
        self.path = path
        self.kind = kind
        self.options = options


def probe() -> Host:
    """The facts about the machine this runs on, as its user sees them.

    Raises:
        OSError: /proc is not mounted.
    """
    system = posix.uname()
    mode, hierarchies = parse_cgroups(read("/proc/self/cgroup"), read("/proc/self/mountinfo"))
    return Host(
        uid=posix.geteuid(),
        gid=posix.getegid(),
        kernel=parse_release(system.release),
        machine=system.machine,
        cgroup_mode=mode,
        hierarchies=hierarchies,
        user_namespace=read_or("/proc/self/uid_map", b"0 0 4294967295").decode().split() != WHOLE_MAP,
        apparmor=read_or(APPARMOR, b"").startswith(b"Y"),
        selinux=posix.access(SELINUX, posix.F_OK),
        last_capability=int(read_or("/proc/sys/kernel/cap_last_cap", b"%d" % LAST_CAPABILITY)),
        huge_pages=parse_huge_pages(names(HUGE_PAGES)),
        bounding=parse_bounding(read_or("/proc/self/status", b"")),
        kcore=posix.access("/proc/kcore", posix.F_OK),
        delegated=is_delegated(mode, hierarchies),
        set_groups=not read_or("/proc/self/setgroups", b"allow").startswith(b"deny"),
    )


def is_delegated(mode: str, hierarchies: tuple[Hierarchy, ...]) -> bool:
    """Whether the runtime's own cgroup is the root, or one that systemd has marked as delegated (v2 only)."""
    if mode != V2 or not hierarchies:
        return False
    held = hierarchies[0]
    path = held.mount + ("" if held.own == "/" else held.own)
    for name in ("trusted.delegate", "user.delegate"):
        try:
            if posix.getxattr(path, name) == b"1":
                return True
        except OSError:
            continue
    return held.own == "/"


def read(path: str) -> bytes:
    """A file of /proc or /sys, to its end."""
    descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        raw = b""
        while chunk := posix.read(descriptor, 1 << 16):
            raw += chunk
    finally:
        posix.close(descriptor)
    return raw


def read_or(path: str, otherwise: bytes) -> bytes:
    """The file, or something else where this kernel or this user does not have it."""
    try:
        return read(path)
    except OSError:
        return otherwise


def names(path: str) -> list[str]:
    """The names in a directory, none without it."""
    try:
        return posix.listdir(path)
    except OSError:
        return []


def parse_bounding(status: bytes) -> int:
    """The capability bounding set in a text of /proc/PID/status, every capability without one (proc_pid_status(5))."""
    words = status.partition(b"\nCapBnd:")[2].split(None, 1)
    return int(words[0], 16) if words else Host.bounding


def parse_release(release: str) -> tuple[int, int]:
    """``(6, 18)`` for ``6.18.44-fc``; (0, 0) for what is no Linux release."""
    parts = release.replace("-", ".").split(".")
    if len(parts) < 2 or not parts[0].isdecimal() or not parts[1].isdecimal():
        return 0, 0
    return int(parts[0]), int(parts[1])


def parse_huge_pages(directories: list[str]) -> tuple[str, ...]:
    """Sizes as the files of the hugetlb controller name them (``64KB``, ``2MB``, ``1GB``), the smallest first."""
    sizes = sorted(
        int(name.removeprefix("hugepages-").removesuffix("kB"))
        for name in directories
        if name.startswith("hugepages-") and name.endswith("kB")
    )
    return tuple(page_words(size) for size in sizes)


def page_words(kibibytes: int) -> str:
    """A size as mm/hugetlb_cgroup.c words it: the largest unit that divides it."""
    for shift, unit in ((20, "GB"), (10, "MB")):
        if kibibytes >= 1 << shift:
            return f"{kibibytes >> shift}{unit}"
    return f"{kibibytes}KB"


def parse_cgroups(own: bytes, mountinfo: bytes) -> tuple[str, tuple[Hierarchy, ...]]:
    """The host's cgroup version and its mounted hierarchies, from /proc/self/cgroup and /proc/self/mountinfo.

    The version is told by what is mounted on /sys/fs/cgroup (LNX-CG-10). A pure v2 host has one hierarchy.
    """
    mounts = parse_mounts_of(mountinfo, "cgroup", "cgroup2")
    mode = mode_of(mounts)
    found = []
    for number, controllers, path in parse_own(own):
        if (number == 0) != (mode == V2) and not (number == 0 and mode == HYBRID):
            continue
        mount = mount_for(mounts, number, controllers)
        if mount is not None:
            found.append(Hierarchy(controllers, mount.path, mount.root, path))
    return mode, tuple(found)


def parse_own(text: bytes) -> list[tuple[int, tuple[str, ...], str]]:
    """/proc/self/cgroup: number of the hierarchy (0 is v2), its controllers, own cgroup (cgroups(7))."""
    rows = []
    for row in text.decode("utf-8", "surrogateescape").split("\n")[:-1]:
        number, controllers, path = row.split(":", 2)
        rows.append((int(number), tuple(controllers.split(",")), path))
    return rows


def parse_mounts_of(mountinfo: bytes, *kinds: str) -> list[MountLine]:
    """The mounts of some kinds (proc_pid_mountinfo(5)); of several on one place the last, which hides the others.

    A machine may have thousands of mounts, so only lines that speak of the first kind are taken apart; the names of
    the others begin with it.
    """
    mark = b" - " + kinds[0].encode()
    found: dict[str, MountLine] = {}
    start = mountinfo.find(mark)
    while start >= 0:
        row = mountinfo[mountinfo.rfind(b"\n", 0, start) + 1 : mountinfo.find(b"\n", start)]
        mount = parse_mount(row.decode("utf-8", "surrogateescape"))
        if mount.kind in kinds:
            found[mount.path] = mount
        start = mountinfo.find(mark, start + 1)
    return list(found.values())


def parse_mount(row: str) -> MountLine:
    """One line of mountinfo."""
    before, _dash, after = row.partition(" - ")
    fields = before.split(" ")
    kind, _source, options = after.split(" ")[:3]
    return MountLine(unescape(fields[3]), unescape(fields[4]), kind, frozenset(options.split(",")))


def unescape(text: str) -> str:
    r"""A path with the kernel's ``\040`` and the like resolved."""
    if "\\" not in text:
        return text
    head, *rest = text.split("\\")
    raw = head.encode("utf-8", "surrogateescape")
    for part in rest:
        raw += bytes([int(part[:3], 8)]) + part[3:].encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "surrogateescape")


def mode_of(mounts: list[MountLine]) -> str:
    """The cgroup version of a host with these mounts."""
    unified = {mount.path for mount in mounts if mount.kind == "cgroup2"}
    if CGROUP_ROOT in unified:
        return V2
    return HYBRID if f"{CGROUP_ROOT}/unified" in unified else V1


def mount_for(mounts: list[MountLine], number: int, controllers: tuple[str, ...]) -> MountLine | None:
    """Where a hierarchy is mounted, preferably below /sys/fs/cgroup; None when it is not."""
    if number == 0:
        fitting = [mount for mount in mounts if mount.kind == "cgroup2"]
    else:
        fitting = [mount for mount in mounts if mount.kind == "cgroup" and mount.options.issuperset(controllers)]
    fitting.sort(key=lambda mount: not mount.path.startswith(CGROUP_ROOT))
    return fitting[0] if fitting else None
