"""One entry of a tar archive, checked, and the header block it comes from (POSIX, pax; GNU tar manual).

tarfile writes archives (tar_writer.py), and its constants are used here. Its reader is not: it takes a damaged header
for the end of the archive, reads pax records of any size into memory, knows names only as text, and takes 30
microseconds for a header, half of what a small file takes to unpack.
"""

from __future__ import annotations

import struct
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

FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s6s2x64x8s8s155s12x")
USTAR = b"ustar\0"
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


class Header:
    """The fields of a header block as they stand there.

    Raises:
        RingfenceError: the checksum is wrong, or a number is none.
    """

    __slots__ = ("gid", "kind", "link", "major", "minor", "mode", "mtime", "name", "size", "uid")

    def __init__(self, block: bytes, what: str) -> None:
        name, mode, uid, gid, size, mtime, check, self.kind, link, magic, major, minor, prefix = FIELDS.unpack(block)
        try:
            check_sum(block, check)
            self.mode, self.uid, self.gid = octal(mode), octal(uid), octal(gid)
            self.size, self.mtime = octal(size), octal(mtime)
            devices = self.kind in (CHAR, DEVICE)
            self.major, self.minor = (octal(major), octal(minor)) if devices else (0, 0)
        except ValueError as error:
            raise RingfenceError(f"{what}: damaged header: {error}") from None
        self.name, self.link = cut(name), cut(link)
        if magic == USTAR and prefix[0]:  # GNU's own form has times there
            self.name = cut(prefix) + b"/" + self.name
        if self.kind == tarfile.AREGTYPE:  # V7 knew folders by their slash
            self.kind = FOLDER if self.name.endswith(b"/") else FILE


def cut(field: bytes) -> bytes:
    """The text in a field."""
    return field.partition(b"\0")[0]


def check_sum(block: bytes, check: bytes) -> None:
    """See that a header's sum, in which its own field counts as blanks, is right.

    Raises:
        ValueError: it is not, not even if bytes are taken as signed, as some old programs did.
    """
    total, told = sum(block) - sum(check) + 8 * 32, octal(check)
    if total != told and total - 256 * (high_bytes(block) - high_bytes(check)) != told:
        raise ValueError("the checksum is wrong")


def high_bytes(data: bytes) -> int:
    """How many bytes are negative when they are signed."""
    return sum(byte > 127 for byte in data)


def octal(field: bytes) -> int:
    """The number in a field: digits, or what GNU tar writes when they do not suffice, a mark and big-endian bytes.

    Raises:
        ValueError: it is neither.
    """
    text = field.strip(b" \0")
    if text.isdigit():
        return int(text, 8)
    if field[0] in (0x80, 0xFF):
        value = int.from_bytes(field[1:], "big")
        return value if field[0] == 0x80 else value - 256 ** (len(field) - 1)
    if text:
        raise ValueError(f"{text[:20]!r} is no number")
    return 0


def shown(name: bytes) -> str:
    """A path in an error's text."""
    return name.decode("utf-8", "surrogateescape")


def make_entry(header: Header, records: Mapping[bytes, bytes], what: str) -> Entry:
    """An entry from its header and the pax records that hold for it.

    Raises:
        RingfenceError: something in it is out of range, or contradicts itself.
    """
    name = records.get(b"path") or header.name
    kind = SAME.get(header.kind, header.kind)
    if kind not in KINDS and kind != SPARSE:
        raise RingfenceError(f"{what}: {shown(name)}: entry of an unknown type {kind!r}")
    made = Entry(name, kind)
    made.mode = header.mode & 0o7777
    made.uid = number(records.get(b"uid"), header.uid, ID_LIMIT, name, "user")
    made.gid = number(records.get(b"gid"), header.gid, ID_LIMIT, name, "group")
    made.mtime = _time(records.get(b"mtime"), header.mtime, name)
    if kind in WITH_CONTENT:
        made.size = made.stored = _size(records.get(b"size"), header.size, name)
    elif kind in (LINK, SYMLINK):
        made.link = _link(records.get(b"linkpath") or header.link, name)
    elif kind in (CHAR, DEVICE):
        major = number(None, header.major, MAJOR_LIMIT, name, "major number")
        made.device = (major, number(None, header.minor, MINOR_LIMIT, name, "minor number"))
    if records:
        made.xattrs = {key[len(XATTR) :]: value for key, value in records.items() if key.startswith(XATTR)}
        made.flags = records.get(b"SCHILY.fflags", b"")
    return made


def number(text: bytes | None, value: int, limit: int, name: bytes, what: str) -> int:
    """A number from a pax record, or else the header's; ``name`` and ``what`` are for errors.

    Raises:
        RingfenceError: it is none, negative, or not below the limit.
    """
    if text is not None:
        if not text.isdigit() or len(text) > 20:
            raise RingfenceError(f"{shown(name)}: {what}: not a number: {text[:40]!r}")
        value = int(text)
    if not 0 <= value < limit:
        raise RingfenceError(f"{shown(name)}: {what}: {value} is out of range")
    return value


def _size(text: bytes | None, value: int, name: bytes) -> int:
    """The size, once: an archive whose readers disagree about it holds other files for each of them."""
    found = number(text, value, 2**63, name, "size")
    beyond = found >= OCTAL_LIMIT and value in (0, OCTAL_LIMIT - 1)
    if text is not None and found != value and not beyond:
        raise RingfenceError(f"{shown(name)}: two sizes, {value} in the header and {found} in the pax record")
    return found


def _time(text: bytes | None, value: int, name: bytes) -> int:
    """Nanoseconds."""
    if text is None:
        return number(None, value, TIME_LIMIT, name, "time") * 10**9
    whole, _, part = text.removeprefix(b"-").partition(b".")
    if not whole.isdigit() or len(whole) > 20 or not (part.isdigit() or not part) or int(whole) >= TIME_LIMIT:
        raise RingfenceError(f"{shown(name)}: not a time: {text[:40]!r}")
    found = int(whole) * 10**9 + int(part[:9].ljust(9, b"0"))
    return -found if text.startswith(b"-") else found


def _link(target: bytes, name: bytes) -> bytes:
    if not target:
        raise RingfenceError(f"{shown(name)}: a link without a target")
    if b"\0" in target:
        raise RingfenceError(f"{shown(name)}: a link with a NUL byte in its target")
    return target
