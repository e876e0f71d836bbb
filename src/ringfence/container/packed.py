"""A small root packed into the ramdisk (XEN-ROOTFS-05): modes, owners, links and device numbers stay as they are."""

from __future__ import annotations

import posix
from _stat import S_ISDIR, S_ISLNK, S_ISREG

from ringfence.drivers.guest.ramdisk import TRAILER, member
from ringfence.errors import RingfenceError
from ringfence.initfile import bytes_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
FOLDER = "packed"


def walked(root: str, inside: str = "") -> Iterator[tuple[str, posix.stat_result]]:
    """Every file below a folder by its path there, folders before what is in them; links are not followed."""
    for name in sorted(posix.listdir(f"{root}{inside}" or "/")):
        path = f"{inside}/{name}"
        found = posix.lstat(f"{root}{path}")
        yield path, found
        if S_ISDIR(found.st_mode):
            yield from walked(root, path)


def check_packed(root: str, limit: int) -> None:
    """Whether a root is small enough; ``limit`` is in MiB.

    Raises:
        RingfenceError: it is not, with both sizes.
    """
    size = sum(found.st_size for _, found in walked(root) if S_ISREG(found.st_mode))
    if size > limit * MIB:
        text = f"the root has {-(-size // MIB)} MiB, more than the {limit} MiB that are packed into a ramdisk"
        raise RingfenceError(text, field="/root/path", hint="xen.root = share, or a larger xen.packed-limit")


def packed(root: str) -> bytes:
    """The root as an archive of the form newc, below a folder of its own.

    Raises:
        OSError: it cannot be read.
    """
    top = posix.lstat(root)
    parts = [member(1, FOLDER, top.st_mode, top.st_uid, top.st_gid)]
    for number, (path, found) in enumerate(walked(root), start=2):
        data, device = b"", (0, 0)
        if S_ISREG(found.st_mode):
            data = bytes_of(f"{root}{path}")
        elif S_ISLNK(found.st_mode):
            data = posix.readlink(f"{root}{path}").encode("utf-8", "surrogateescape")
        else:
            device = posix.major(found.st_rdev), posix.minor(found.st_rdev)
        parts.append(member(number, f"{FOLDER}{path}", found.st_mode, found.st_uid, found.st_gid, data, device))
    return b"".join(parts) + member(0, TRAILER, 0, 0, 0)
