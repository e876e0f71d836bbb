"""Where the blobs of an image lie: a folder, or a tar archive. Only regular files are blobs."""

from __future__ import annotations

import os
import posixpath
import stat
import tempfile
from abc import ABC, abstractmethod

from ringfence.errors import RingfenceError, from_os_error
from ringfence.image.compression import CHUNK, LONGEST_MAGIC, decompressed, detect
from ringfence.image.entry import FILE, LINK, SYMLINK, shown
from ringfence.image.inside import NO_FOLDER
from ringfence.image.limits import Budget, Limits, exceeded
from ringfence.image.media import PLAIN
from ringfence.image.tar_reader import Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_LINKS = 8


class Blob:
    """A stretch of an open file; ``what`` names it in errors."""

    def __init__(self, descriptor: int, offset: int, size: int, what: str, owned: bool = False) -> None:
        self.descriptor = descriptor
        self.offset = offset
        self.size = size
        self.what = what
        self.owned = owned

    def __enter__(self) -> Blob:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file if it is the blob's own."""
        if self.owned:
            os.close(self.descriptor)

    def chunks(self) -> Iterator[bytes]:
        """The content, in chunks of bounded size.

        Raises:
            RingfenceError: it cannot be read, or has become shorter.
        """
        at, end = self.offset, self.offset + self.size
        while at < end:
            chunk = pread(self.descriptor, min(CHUNK, end - at), at, self.what)
            if not chunk:
                raise RingfenceError(f"{self.what}: ends too early")
            at += len(chunk)
            yield chunk

    def head(self, size: int) -> bytes:
        """The first bytes.

        Raises:
            RingfenceError: it cannot be read.
        """
        return pread(self.descriptor, min(size, self.size), self.offset, self.what)


def pread(descriptor: int, size: int, offset: int, what: str) -> bytes:
    """Bytes of a file.

    Raises:
        RingfenceError: it cannot be read.
    """
    try:
        return os.pread(descriptor, size, offset)
    except OSError as error:
        raise from_os_error(f"read {what}", error) from None


class Store(ABC):
    """Named files of an image. A context manager."""

    what = ""

    def __enter__(self) -> Store:
        return self

    @abstractmethod
    def __exit__(self, *_: object) -> None: ...

    @abstractmethod
    def open(self, name: str) -> Blob:
        """The file of that name; no link is followed.

        Raises:
            FileNotFoundError: it is missing.
            RingfenceError: it is no regular file.
        """

    def resolved(self, name: str) -> str:
        """The name that a link of the archive leads to, in the archive; of what is no link its own."""
        return name

    def has(self, name: str) -> bool:
        """Whether there is a regular file of that name."""
        try:
            with self.open(name):
                return True
        except (FileNotFoundError, RingfenceError):
            return False


class FolderStore(Store):
    """A folder."""

    def __init__(self, descriptor: int, what: str) -> None:
        self.descriptor = descriptor
        self.what = what

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def open(self, name: str) -> Blob:
        where = f"{self.what}/{name}"
        held = os.dup(self.descriptor)
        try:
            for part in name.split("/"):
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                below, held = held, -1
                try:
                    held = os.open(part, flags, dir_fd=below)
                finally:
                    os.close(below)
        except FileNotFoundError:
            raise
        except OSError as error:
            if error.errno in NO_FOLDER:
                raise RingfenceError(f"{where}: a link, which is not followed") from None
            raise from_os_error(f"open {where}", error) from None
        status = os.fstat(held)
        if not stat.S_ISREG(status.st_mode):
            os.close(held)
            raise RingfenceError(f"{where}: not a regular file")
        return Blob(held, 0, status.st_size, where, owned=True)


class SeekableFile:
    """A file that a tar archive is read from (tar_reader.Source); content is passed over without reading it."""

    def __init__(self, descriptor: int, size: int, what: str) -> None:
        self.descriptor = descriptor
        self.size = size
        self.what = what
        self.position = 0

    def read(self, size: int) -> bytes:
        """The next bytes; fewer at the end only.

        Raises:
            RingfenceError: the file cannot be read.
        """
        data = pread(self.descriptor, size, self.position, self.what)
        self.position += len(data)
        return data

    def skip(self, size: int) -> None:
        """Pass over bytes.

        Raises:
            RingfenceError: the file ends before.
        """
        self.position += size
        if self.position > self.size:
            raise RingfenceError(f"{self.what}: ends too early, at byte {self.size}")


class TarStore(Store):
    """A tar archive, which has been read once to know where its files lie."""

    def __init__(self, descriptor: int, what: str, limits: Limits, warn: Callable[[str], None]) -> None:
        self.descriptor = descriptor
        self.what = what
        self.files: dict[str, tuple[int, int]] = {}
        self.links: dict[str, str] = {}
        source = SeekableFile(descriptor, os.fstat(descriptor).st_size, what)
        budget = Budget(limits)
        for entry in Reader(source, limits, warn):
            name = posixpath.normpath(shown(entry.name)).lstrip("/")
            budget.entry(entry.name)
            self.files.pop(name, None)
            self.links.pop(name, None)
            if entry.kind == FILE and entry.pieces is None:
                self.files[name] = (source.position, entry.size)
            elif entry.kind in (SYMLINK, LINK):
                base = posixpath.dirname(name) if entry.kind == SYMLINK else ""
                self.links[name] = posixpath.normpath(posixpath.join(base, shown(entry.link)))

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def open(self, name: str) -> Blob:
        where = f"{self.what}:{name}"
        if name in self.links:
            raise RingfenceError(f"{where}: a link, which is not followed")
        if name not in self.files:
            raise FileNotFoundError(where)
        offset, size = self.files[name]
        return Blob(self.descriptor, offset, size, where)

    def resolved(self, name: str) -> str:
        for _ in range(MOST_LINKS):
            name = self.links.get(name, name)
        return name


def open_store(path: str, limits: Limits, spool: str, warn: Callable[[str], None]) -> Store:
    """An image's files.

    Args:
        path: a folder, or a tar archive that may be compressed.
        limits: what it may cost.
        spool: the folder in which a compressed archive is unpacked to a file without a name.
        warn: told what is odd about the archive.

    Raises:
        RingfenceError: it cannot be read, or is no archive.
    """
    try:
        held = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise from_os_error(f"open {path}", error) from None
    try:
        status = os.fstat(held)
        if stat.S_ISDIR(status.st_mode):
            return FolderStore(held, path)
        held = seekable(held, status, path, limits, spool)
        return TarStore(held, path, limits, warn)
    except BaseException:
        os.close(held)
        raise


def seekable(descriptor: int, status: os.stat_result, what: str, limits: Limits, spool: str) -> int:
    """The same file, or a file without a name that has the decompressed content; then the first is closed.

    Raises:
        RingfenceError: it is damaged or too large.
    """
    if stat.S_ISREG(status.st_mode):
        how = detect(pread(descriptor, LONGEST_MAGIC, 0, what))
        if how == PLAIN:
            return descriptor
        chunks = Blob(descriptor, 0, status.st_size, what).chunks()
    else:
        first = os.read(descriptor, CHUNK)
        how = detect(first)
        chunks = piped(descriptor, first)
    made = spooled(decompressed(chunks, how, what, limits), spool, limits, what)
    os.close(descriptor)
    return made


def piped(descriptor: int, first: bytes) -> Iterator[bytes]:
    """What a pipe gives, its beginning having been read already."""
    chunk = first
    while chunk:
        yield chunk
        chunk = os.read(descriptor, CHUNK)


def spooled(chunks: Iterator[bytes], folder: str, limits: Limits, what: str) -> int:
    """A file without a name that holds all chunks.

    Raises:
        RingfenceError: it becomes too large, or cannot be written.
    """
    total = 0
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            for chunk in chunks:
                total += len(chunk)
                if total > limits.bytes:
                    raise exceeded("bytes", limits.bytes, what)
                file.write(chunk)
            file.flush()
            return os.dup(file.fileno())
    except OSError as error:
        raise from_os_error(f"write a temporary file in {folder}", error) from None
