"""Writing tar archives in one normal form: pax, numbers only for owners, whole seconds, nothing of the machine."""

from __future__ import annotations

import tarfile

from ringfence.errors import RingfenceError
from ringfence.image.compression import CHUNK
from ringfence.image.entry import BLOCK, CHAR, DEVICE, FILE, FOLDER, XATTR, Entry, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Item = tuple[Entry, Iterable[bytes]]
    """An entry and its content, which only a file has."""

END = bytes(2 * BLOCK)
SECOND = 10**9


def header(entry: Entry) -> bytes:
    """The blocks before an entry's content; what ustar cannot hold becomes a pax record."""
    made = tarfile.TarInfo(shown(entry.name))
    made.type = entry.kind
    made.mode, made.uid, made.gid = entry.mode, entry.uid, entry.gid
    made.size = entry.size if entry.kind == FILE else 0
    made.mtime = entry.mtime // SECOND
    made.linkname = shown(entry.link)
    if entry.kind in (CHAR, DEVICE):
        made.devmajor, made.devminor = entry.device
    made.pax_headers = {shown(XATTR + name): shown(value) for name, value in sorted(entry.xattrs.items())}
    return made.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def tar_chunks(items: Iterable[Item]) -> Iterator[bytes]:
    """An archive of these entries, in chunks of about one MiB.

    Raises:
        RingfenceError: the content of a file is not as long as its entry says.
    """
    return gathered(_pieces(items))


def _pieces(items: Iterable[Item]) -> Iterator[bytes]:
    for entry, content in items:
        yield header(entry)
        if entry.kind != FILE:
            continue
        left = entry.size
        for piece in content:
            left -= len(piece)
            if left < 0:
                break
            yield piece
        if left:
            raise RingfenceError(f"{shown(entry.name)}: its size has changed while it was read")
        yield bytes(-entry.size % BLOCK)
    yield END


def gathered(pieces: Iterable[bytes], size: int = CHUNK) -> Iterator[bytes]:
    """The same bytes in chunks that are at least so long, but for the last."""
    held: list[bytes] = []
    length = 0
    for piece in pieces:
        held.append(piece)
        length += len(piece)
        if length >= size:
            yield b"".join(held)
            held, length = [], 0
    if held:
        yield b"".join(held)


def plain_file(name: str, size: int) -> Entry:
    """An entry of an archive that is made of documents and blobs, not of a root."""
    made = Entry(name.encode(), FILE)
    made.mode, made.size = 0o644, size
    return made


def plain_folder(name: str) -> Entry:
    """The same for a folder."""
    made = Entry(name.encode(), FOLDER)
    made.mode = 0o755
    return made
