"""One entry of a tar archive, checked, and the header block it comes from.

tarfile decodes and checks the block (``TarInfo.frombuf``). Its TarFile is not used: it takes a damaged header for the
end of the archive, reads pax records of any size into memory, and knows names only as text.
"""

from __future__ import annotations

import tarfile

from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCK = 512
FILE, LINK, SYMLINK = tarfile.REGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE
CHAR, DEVICE, FOLDER, FIFO = tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE
SPARSE = tarfile.GNUTYPE_SPARSE
KINDS = frozenset((FILE, LINK, SYMLINK, CHAR, DEVICE, FOLDER, FIFO))
WITH_CONTENT = frozenset((FILE, SPARSE))
SAME = {tarfile.AREGTYPE: FILE, tarfile.CONTTYPE: FILE}

OCTAL_LIMIT = 8**11
"""The first size that the header of ustar cannot hold."""
ID_LIMIT = 2**32 - 1
"""The first number that is no user or group: -1 means "leave it" to chown(2)."""
TIME_LIMIT = 2**33
"""Seconds before or after 1970 that every interface can still count in nanoseconds."""
MAJOR_LIMIT, MINOR_LIMIT = 2**12, 2**20
XATTR = b"SCHILY.xattr."


class Entry:
    """What the archive says of one path.

    Attributes:
        name: the path as it stands there.
        kind: one of the types above.
        mode, uid, gid: as chmod(2) and chown(2) take them.
        mtime: nanoseconds since 1970.
        size: bytes of content, holes included.
        stored: bytes of content in the archive.
        link: what a link leads to, "" for what is none.
        device: major and minor number.
        xattrs: extended attributes by name.
        pieces: offset and length of each piece of a sparse file, None if the file is not sparse.
        flags: file flags as bsdtar writes them, such as ``schg,uarch``.
    """

    __slots__ = (
        "device", "flags", "gid", "kind", "link", "mode", "mtime", "name", "pieces", "size", "stored", "uid", "xattrs",
    )  # fmt: skip

    def __init__(self, name: bytes, kind: bytes) -> None:
        self.name = name
        self.kind = kind
        self.mode = self.uid = self.gid = self.mtime = self.size = self.stored = 0
        self.link = b""
        self.device = (0, 0)
        self.xattrs: dict[bytes, bytes] = {}
        self.pieces: list[tuple[int, int]] | None = None
        self.flags = b""


def decode_header(block: bytes, what: str) -> tarfile.TarInfo:
    """The fields of a header block as they stand there.

    Raises:
        RingfenceError: the checksum is wrong, or a number is none.
    """
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError, OverflowError) as error:
        raise RingfenceError(f"{what}: damaged header: {error}") from None
    if block[257:265] == b"ustar  \0" and block[345]:
        # GNU's own form has times where ustar has the beginning of the path, which tarfile does not ask about.
        header.name = block[:100].partition(b"\0")[0].decode("utf-8", "surrogateescape")
        header.name = header.name.rstrip("/") if header.isdir() else header.name
    return header


def raw(text: str) -> bytes:
    """The bytes that tarfile made a text of."""
    return text.encode("utf-8", "surrogateescape")


def shown(name: bytes) -> str:
    """A path in an error's text."""
    return name.decode("utf-8", "surrogateescape")


def make_entry(header: tarfile.TarInfo, records: Mapping[bytes, bytes], what: str) -> Entry:
    """An entry from its header and the pax records that hold for it.

    Raises:
        RingfenceError: something in it is out of range, or contradicts itself.
    """
    name = records.get(b"path") or raw(header.name)
    where = f"{what}: {shown(name)}"
    kind = SAME.get(header.type, header.type)
    if kind not in KINDS and kind != SPARSE:
        raise RingfenceError(f"{where}: entry of an unknown type {kind!r}")
    made = Entry(name, kind)
    made.mode = header.mode & 0o7777
    made.uid = number(records.get(b"uid"), header.uid, ID_LIMIT, f"{where}: user")
    made.gid = number(records.get(b"gid"), header.gid, ID_LIMIT, f"{where}: group")
    made.mtime = _time(records.get(b"mtime"), header.mtime, where)
    if kind in WITH_CONTENT:
        made.size = made.stored = _size(records.get(b"size"), header.size, where)
    if kind in (LINK, SYMLINK):
        made.link = _link(records.get(b"linkpath") or raw(header.linkname), where)
    if kind in (CHAR, DEVICE):
        made.device = (
            number(None, header.devmajor, MAJOR_LIMIT, f"{where}: major number"),
            number(None, header.devminor, MINOR_LIMIT, f"{where}: minor number"),
        )
    made.xattrs = {key[len(XATTR) :]: value for key, value in records.items() if key.startswith(XATTR)}
    made.flags = records.get(b"SCHILY.fflags", b"")
    return made


def number(text: bytes | None, value: int, limit: int, what: str) -> int:
    """A number from a pax record, or else the header's.

    Raises:
        RingfenceError: it is none, negative, or not below the limit.
    """
    if text is not None:
        if not text.isdigit() or len(text) > 20:
            raise RingfenceError(f"{what}: not a number: {text[:40]!r}")
        value = int(text)
    if not 0 <= value < limit:
        raise RingfenceError(f"{what}: {value} is out of range")
    return value


def _size(text: bytes | None, value: int, where: str) -> int:
    """The size, once: an archive whose readers disagree about it holds other files for each of them."""
    found = number(text, value, 2**63, f"{where}: size")
    beyond = found >= OCTAL_LIMIT and value in (0, OCTAL_LIMIT - 1)
    if text is not None and found != value and not beyond:
        raise RingfenceError(f"{where}: two sizes, {value} in the header and {found} in the pax record")
    return found


def _time(text: bytes | None, value: float, where: str) -> int:
    """Nanoseconds."""
    if text is None:
        return number(None, int(value), TIME_LIMIT, f"{where}: time") * 10**9
    whole, _, part = text.removeprefix(b"-").partition(b".")
    if not whole.isdigit() or len(whole) > 20 or not (part.isdigit() or not part) or int(whole) >= TIME_LIMIT:
        raise RingfenceError(f"{where}: not a time: {text[:40]!r}")
    found = int(whole) * 10**9 + int(part[:9].ljust(9, b"0"))
    return -found if text.startswith(b"-") else found


def _link(target: bytes, where: str) -> bytes:
    if not target:
        raise RingfenceError(f"{where}: a link without a target")
    if b"\0" in target:
        raise RingfenceError(f"{where}: a link with a NUL byte in its target")
    return target
