"""A folder as the entries of a layer: walked by descriptors, no link followed, in one order."""

from __future__ import annotations

import os
import stat

from ringfence.errors import RingfenceError, from_os_error
from ringfence.image.compression import CHUNK
from ringfence.image.entry import CHAR, DEVICE, FIFO, FILE, FOLDER, LINK, SYMLINK, Entry, shown
from ringfence.image.inside import OPEN, open_file
from ringfence.image.limits import DEFAULT, Limits, exceeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ringfence.image.tar_writer import Item

FILE_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
KINDS = {
    stat.S_IFREG: FILE, stat.S_IFDIR: FOLDER, stat.S_IFLNK: SYMLINK,
    stat.S_IFCHR: CHAR, stat.S_IFBLK: DEVICE, stat.S_IFIFO: FIFO,
}  # fmt: skip
WANTED_XATTRS = ("user.", "security.capability", "system.posix_acl_")
DROPPED_XATTRS = "user.overlay."


class Tree:
    """The entries of a folder. A context manager, which closes it.

    Args:
        descriptor: the open folder.
        warn: told of what no archive can hold.
        limits: how deep folders may lie.
    """

    def __init__(self, descriptor: int, warn: Callable[[str], None], limits: Limits = DEFAULT) -> None:
        self.descriptor = descriptor
        self.warn = warn
        self.depth = limits.depth
        self.first: dict[tuple[int, int], bytes] = {}

    def __enter__(self) -> Tree:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def head(self, path: str, size: int) -> bytes:
        """The first bytes of a file, links followed inside the folder; b"" when there is none."""
        try:
            held = open_file(self.descriptor, path)
        except (FileNotFoundError, RingfenceError):
            return b""
        try:
            return os.read(held, size)
        finally:
            os.close(held)

    def items(self) -> Iterator[Item]:
        """Every entry, a folder before what is in it, names sorted by their bytes.

        Raises:
            RingfenceError: something cannot be read, or changes meanwhile.
        """
        root = entry_of(b".", os.fstat(self.descriptor))
        root.xattrs = xattrs(self.descriptor)
        yield root, ()
        yield from self._inside(self.descriptor, b"")

    def _inside(self, folder: int, path: bytes) -> Iterator[Item]:
        for name in sorted(map(os.fsencode, os.listdir(folder))):
            where = path + name
            try:
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                yield from self._item(folder, name, where, status)
            except OSError as error:
                raise from_os_error(f"cannot read {shown(where)}", error) from None

    def _item(self, folder: int, name: bytes, path: bytes, status: os.stat_result) -> Iterator[Item]:
        kind = KINDS.get(stat.S_IFMT(status.st_mode))
        key = (status.st_dev, status.st_ino)
        if kind is None:
            self.warn(f"{shown(path)}: a socket, which no layer can hold, is left out")
        elif kind == FOLDER:
            yield from self._folder(folder, name, path)
        elif key in self.first:
            yield link_to(self.first[key], path, status), ()
        else:
            if status.st_nlink > 1:
                self.first[key] = path
            if kind == FILE:
                yield from self._file(folder, name, path, status)
            else:
                entry = entry_of(path, status)
                if kind == SYMLINK:
                    entry.link = os.readlink(name, dir_fd=folder)
                yield entry, ()

    def _folder(self, folder: int, name: bytes, path: bytes) -> Iterator[Item]:
        if path.count(b"/") >= self.depth:
            raise exceeded("depth", self.depth, f"{shown(path[:100])}…")
        held = os.open(name, OPEN, dir_fd=folder)
        try:
            entry = entry_of(path, os.fstat(held))
            entry.xattrs = xattrs(held)
            yield entry, ()
            yield from self._inside(held, path + b"/")
        finally:
            os.close(held)

    def _file(self, folder: int, name: bytes, path: bytes, seen: os.stat_result) -> Iterator[Item]:
        held = os.open(name, FILE_OPEN, dir_fd=folder)
        try:
            status = os.fstat(held)
            if (status.st_dev, status.st_ino) != (seen.st_dev, seen.st_ino):
                raise RingfenceError(f"{shown(path)}: replaced while it was read")
            entry = entry_of(path, status)
            entry.xattrs = xattrs(held)
            yield entry, chunks_of(held)
        finally:
            os.close(held)


def entry_of(path: bytes, status: os.stat_result) -> Entry:
    """An entry with everything that stat(2) tells."""
    made = Entry(path, KINDS[stat.S_IFMT(status.st_mode)])
    made.mode = stat.S_IMODE(status.st_mode) if made.kind != SYMLINK else 0o777
    made.uid, made.gid, made.mtime = status.st_uid, status.st_gid, status.st_mtime_ns
    made.size = made.stored = status.st_size if made.kind == FILE else 0
    if made.kind in (CHAR, DEVICE):
        made.device = (os.major(status.st_rdev), os.minor(status.st_rdev))
    return made


def link_to(first: bytes, path: bytes, status: os.stat_result) -> Entry:
    """A further name of what has had an entry already."""
    made = entry_of(path, status)
    made.kind, made.link, made.size, made.device = LINK, first, 0, (0, 0)
    return made


def chunks_of(descriptor: int) -> Iterator[bytes]:
    """The content of an open file."""
    while chunk := os.read(descriptor, CHUNK):
        yield chunk


def xattrs(descriptor: int) -> dict[bytes, bytes]:
    """The extended attributes that belong to an image, none where there are none.

    Raises:
        OSError: as the kernel gave it.
    """
    if not hasattr(os, "listxattr"):
        return {}
    try:
        names = os.listxattr(descriptor)
    except OSError:  # the file system has none
        return {}
    wanted = [name for name in names if name.startswith(WANTED_XATTRS) and not name.startswith(DROPPED_XATTRS)]
    return {os.fsencode(name): os.getxattr(descriptor, name) for name in wanted}
