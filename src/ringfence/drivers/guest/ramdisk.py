"""The ramdisk of a guest: cpio archives in the kernel's "newc" form, one behind the other (initramfs buffer format).

Nothing in it depends on when or where it was made.
"""

from __future__ import annotations

from _stat import S_IFDIR, S_IFREG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MAGIC = b"070701"
TRAILER = "TRAILER!!!"
FIRST_PROCESS = "init"
KNOWN = (MAGIC, b"\x1f\x8b", b"\x02\x21\x4c\x18")
"""What a ramdisk begins with that our kernel unpacks: plain, by gzip, by lz4 (lib/decompress.c)."""


def padded(data: bytes) -> bytes:
    """Filled up to a multiple of four."""
    return data + b"\0" * (-len(data) % 4)


def member(
    number: int, name: str, mode: int, uid: int, gid: int, data: bytes = b"", device: tuple[int, int] = (0, 0)
) -> bytes:
    """One file of an archive; ``device`` are the numbers of a device node."""
    raw = name.encode("utf-8", "surrogateescape") + b"\0"
    links = 2 if mode & S_IFDIR == S_IFDIR else 1
    fields = (number, mode, uid, gid, links, 0, len(data), 0, 0, *device, len(raw), 0)
    head = MAGIC + b"".join(b"%08X" % field for field in fields)
    return padded(head + raw) + padded(data)


def entry(number: int, name: str, mode: int, data: bytes = b"") -> bytes:
    """One file of root's."""
    return member(number, name, mode, 0, 0, data)


def folders_and_files(folders: Iterable[str], files: Iterable[tuple[str, int, bytes]]) -> bytes:
    """Folders, then files by their names without a leading slash, permission bits and content."""
    made = [(name, S_IFDIR | 0o755, b"") for name in folders]
    made += [(name, S_IFREG | mode, data) for name, mode, data in files]
    entries = [entry(number, *one) for number, one in enumerate(made, start=1)]
    return b"".join(entries) + entry(0, TRAILER, 0)


def archive(files: Iterable[tuple[str, int, bytes]]) -> bytes:
    """Files at the top."""
    return folders_and_files((), files)


def base(init: bytes) -> bytes:
    """What every guest has: the init, and nothing else; it makes the folders it mounts on."""
    return archive([(FIRST_PROCESS, 0o755, init)])


def with_plan(init: bytes, plan: bytes, digest: bytes, *, terminal: bool) -> bytes:
    """The ramdisk of one container: behind the base its plan, what names that, and whether it opens a terminal."""
    kind = [("terminal", 0o600, b"")] if terminal else []
    return base(init) + archive([("plan", 0o600, plan), ("digest", 0o600, digest), *kind])
