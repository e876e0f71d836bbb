"""A tar archive as the entries of a layer: read once to know what is in it, then written in the one order."""

from __future__ import annotations

import os

from ringfence.errors import RingfenceError
from ringfence.image.entry import FILE, FOLDER, LINK, Entry, shown
from ringfence.image.inside import limited_parts
from ringfence.image.limits import Budget, Limits
from ringfence.image.store import Blob, SeekableFile, pread, seekable
from ringfence.image.tar_reader import Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ringfence.image.tar_writer import Item

Parts = tuple[bytes, ...]


class Node:
    """What one or more paths lead to: an entry, and where its content begins."""

    __slots__ = ("entry", "offset", "written")

    def __init__(self, entry: Entry, offset: int) -> None:
        self.entry = entry
        self.offset = offset
        self.written = b""


class Archive:
    """The entries of an archive. A context manager, which closes it.

    Args:
        descriptor: the open archive, which may be compressed.
        what: its name in errors.
        limits: what it may cost.
        spool: the folder in which a compressed one is unpacked to a file without a name.
        warn: told what is odd about it.
    """

    def __init__(self, descriptor: int, what: str, limits: Limits, spool: str, warn: Callable[[str], None]) -> None:
        self.what = what
        self.descriptor = descriptor
        self.budget = Budget(limits)
        self.nodes: dict[Parts, Node] = {}
        try:
            self.descriptor = seekable(descriptor, os.fstat(descriptor), what, limits, spool)
            source = SeekableFile(self.descriptor, os.fstat(self.descriptor).st_size, what)
            for entry in Reader(source, limits, warn):
                self._take(entry, source.position)
        except BaseException:
            os.close(self.descriptor)
            raise

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def _take(self, entry: Entry, offset: int) -> None:
        """Remember an entry; of the same path the later counts, and a hard link is what its target is now."""
        self.budget.entry(entry.name)
        path = tuple(limited_parts(entry.name, self.budget.limits))
        if not path and entry.kind != FOLDER:
            raise RingfenceError(f"{self.what}: the root has to be a folder")
        if entry.kind == FILE:
            self.budget.content(entry.name, entry.size)
        if entry.kind != LINK:
            self.nodes[path] = Node(entry, offset)
            return
        target = self.nodes.get(tuple(limited_parts(entry.link, self.budget.limits)))
        if target is None or target.entry.kind == FOLDER:
            raise RingfenceError(f"{self.what}: {shown(entry.name)}: the target of the hard link is not there")
        self.nodes[path] = target

    def head(self, path: str, size: int) -> bytes:
        """The first bytes of a file, b"" when there is none."""
        node = self.nodes.get(tuple(path.encode().split(b"/")))
        if node is None or node.entry.kind != FILE or node.entry.pieces is not None:
            return b""
        return pread(self.descriptor, min(size, node.entry.size), node.offset, self.what)

    def items(self) -> Iterator[Item]:
        """Every entry, a folder before what is in it, names sorted by their bytes.

        Raises:
            RingfenceError: the archive cannot be read.
        """
        for path in sorted(self.nodes):
            node = self.nodes[path]
            name = b"/".join(path) or b"."
            if node.written and node.entry.kind != FOLDER:
                yield linked(node, name), ()
            else:
                node.written = name
                yield renamed(node.entry, name), self._content(node)

    def _content(self, node: Node) -> Iterable[bytes]:
        entry = node.entry
        if entry.kind != FILE:
            return ()
        if entry.pieces is None:
            return Blob(self.descriptor, node.offset, entry.size, self.what).chunks()
        return self._filled(entry.pieces, node.offset, entry.size)

    def _filled(self, pieces: list[tuple[int, int]], offset: int, size: int) -> Iterator[bytes]:
        """The content of a sparse file with its holes as zeros."""
        at = 0
        for start, length in pieces:
            yield from zeros(start - at)
            yield from Blob(self.descriptor, offset, length, self.what).chunks()
            offset += length
            at = start + length
        yield from zeros(size - at)


def zeros(count: int) -> Iterator[bytes]:
    """So many zero bytes."""
    while count:
        chunk = bytes(min(count, 2**20))
        count -= len(chunk)
        yield chunk


def renamed(entry: Entry, name: bytes) -> Entry:
    """The same entry under its normal name."""
    made = Entry(name, entry.kind)
    for field in ("mode", "uid", "gid", "mtime", "size", "link", "device", "xattrs"):
        setattr(made, field, getattr(entry, field))
    return made


def linked(node: Node, name: bytes) -> Entry:
    """A further name of a node."""
    made = renamed(node.entry, name)
    made.kind, made.link, made.size, made.device, made.xattrs = LINK, node.written, 0, (0, 0), {}
    return made
