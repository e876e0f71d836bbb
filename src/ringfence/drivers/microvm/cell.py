"""The root that QEMU's process has: its program and libraries, read-only, four devices, itself in /proc (MVM-QEMU-09).

What breaks out of a guest finds nothing of the host there: no other process, no container's files, nothing to write to.
"""

from __future__ import annotations

from ringfence.plan import guest, mounts
from ringfence.spec.options import (
    MOUNT_ATTR_NODEV,
    MOUNT_ATTR_NOEXEC,
    MOUNT_ATTR_NOSUID,
    MOUNT_ATTR_RDONLY,
    MS_NOEXEC,
    MS_NOSUID,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.microvm.machine import Machine
    from ringfence.plan.step import InitStep

FOLDER = "qemu"
DEVICES = (("null", 1, 3), ("random", 1, 8), ("urandom", 1, 9))
KVM = ("kvm", 10, 232)
S_IFCHR = 0o020000
PROGRAMS = "/usr"
LINKS = ("/lib", "/lib64", "/bin")
"""Where a dynamic linker may be; links into /usr on a merged system, folders of their own elsewhere."""
LINKER_CACHE = "/etc/ld.so.cache"
READ_ONLY = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV
PROC = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC
SIZE = "mode=0755,size=64k,nr_inodes=64"


def bound(source: str, flags: int) -> InitStep:
    """A place of the host, at the same path."""
    return mounts.BindMount("", source, 0, source, True, flags, 0, 0, False, flags, 0, False, False, False)


def cell_steps(machine: Machine, state: str, tree: str) -> list[InitStep]:
    """From the host's root to QEMU's own; ``tree`` is served by QEMU itself where there is no daemon for it."""
    place = f"{state}/{FOLDER}"
    steps: list[InitStep] = [
        guest.MountAt("", "tmpfs", "tmpfs", place, MS_NOSUID | MS_NOEXEC, SIZE),
        mounts.OpenRoot("", place, False),
        bound(PROGRAMS, READ_ONLY),
    ]
    for path, target in machine.layout:
        steps.append(mounts.MakeSymlink("", path, target, False) if target else bound(path, READ_ONLY))
    for name, major, minor in (*DEVICES, KVM) if machine.kvm else DEVICES:
        steps.append(mounts.MakeDevice("", f"/dev/{name}", S_IFCHR, major, minor, 0o666, 0, 0, False))
    steps.append(mounts.MountFilesystem("", "proc", "proc", "/proc", PROC, (), False, False, False, False))
    if not machine.virtiofsd and machine.shares:
        steps.append(bound(tree, 0))
    return [*steps, mounts.PivotRoot(""), mounts.SetRootAttributes("", MOUNT_ATTR_RDONLY)]
