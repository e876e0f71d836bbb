"""Sparse files: GNU's old header, and the pax forms 0.0, 0.1 and 1.0 (GNU tar manual, "Sparse Formats")."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.image.entry import BLOCK, FILE, Entry, number, octal, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_PIECES = 2**20
PREFIX = b"GNU.sparse."
MAP = "map of a sparse file"


def read_gnu_map(entry: Entry, block: bytes, read: Callable[[int], bytes]) -> None:
    """Take the map from GNU's header block, and from those that follow it.

    Raises:
        RingfenceError: the map makes no sense.
    """
    where = entry.name
    pairs = _pairs(block[386:482], where)
    size = _number(block[483:495], where)
    more = block[482]
    while more:
        block = read(BLOCK)
        pairs += _pairs(block[:504], where)
        more = block[504]
        _check_count(len(pairs), where)
    entry.kind = FILE
    _apply(entry, pairs, size, entry.stored)


def _pairs(area: bytes, where: bytes) -> list[tuple[int, int]]:
    fields = [area[at : at + 12] for at in range(0, len(area), 12)]
    used = [pair for pair in zip(fields[::2], fields[1::2]) if pair[0].strip(b"\0 ")]
    return [(_number(start, where), _number(length, where)) for start, length in used]


def _number(field: bytes, where: bytes) -> int:
    try:
        return number(None, octal(field), 2**63, where, MAP)
    except ValueError as error:
        raise RingfenceError(f"{shown(where)}: {MAP}: {error}") from None


def pax_map(entry: Entry, records: Mapping[bytes, bytes], read: Callable[[int], bytes]) -> None:
    """Take the map, the size and the name of a sparse file from its pax records, if it is one.

    Raises:
        RingfenceError: the map makes no sense.
    """
    if not any(key.startswith(PREFIX) for key in records):
        return
    if entry.kind != FILE:
        raise RingfenceError(f"{shown(entry.name)}: a sparse file that is none")
    entry.name = records.get(b"GNU.sparse.name", entry.name)
    where = entry.name
    size_text = records.get(b"GNU.sparse.realsize", records.get(b"GNU.sparse.size"))
    size = number(size_text, -1, 2**63, where, "size of a sparse file")
    if records.get(b"GNU.sparse.major") == b"1":
        numbers, taken = _front_map(read, entry.stored, where)
    else:
        numbers, taken = _record_map(records, where), 0
    if len(numbers) % 2:
        raise RingfenceError(f"{shown(where)}: {MAP}: an odd number of numbers")
    entry.stored -= taken
    _apply(entry, list(zip(numbers[::2], numbers[1::2])), size, entry.stored)


def _record_map(records: Mapping[bytes, bytes], where: bytes) -> list[int]:
    """The numbers of the forms 0.1, one record, and 0.0, a record for each."""
    if b"GNU.sparse.map" in records:
        words = records[b"GNU.sparse.map"].split(b",")
    else:
        starts = records.get(b"GNU.sparse.offset", b"").split(b",")
        lengths = records.get(b"GNU.sparse.numbytes", b"").split(b",")
        if len(starts) != len(lengths):
            raise RingfenceError(f"{shown(where)}: {MAP}: as many offsets as lengths are needed")
        words = [word for pair in zip(starts, lengths) for word in pair]
    _check_count(len(words) // 2, where)
    return [number(word, -1, 2**63, where, MAP) for word in words if word or len(words) > 2]


def _front_map(read: Callable[[int], bytes], stored: int, where: bytes) -> tuple[list[int], int]:
    """The numbers of form 1.0, which stand in blocks before the content, and how many bytes these take."""
    text, taken, lines, needed = bytearray(), 0, 0, 1
    while lines < needed:
        if taken + BLOCK > stored:
            raise RingfenceError(f"{shown(where)}: {MAP}: longer than the entry")
        block = read(BLOCK)
        text += block
        taken += BLOCK
        lines += block.count(b"\n")
        if needed == 1 and lines:
            count = number(bytes(text.partition(b"\n")[0]), -1, 2**63, where, MAP)
            _check_count(count, where)
            needed += 2 * count
    words = bytes(text).split(b"\n")[1:needed]
    return [number(word, -1, 2**63, where, MAP) for word in words], taken


def _check_count(count: int, where: bytes) -> None:
    if count > MOST_PIECES:
        raise RingfenceError(f"{shown(where)}: {MAP}: more than {MOST_PIECES} pieces")


def _apply(entry: Entry, pairs: list[tuple[int, int]], size: int, stored: int) -> None:
    """Check the map against the sizes.

    Raises:
        RingfenceError: pieces overlap, are out of order, or go beyond the end of the file.
    """
    end = 0
    for start, length in pairs:
        if start < end or start + length > size:
            raise RingfenceError(f"{shown(entry.name)}: {MAP}: out of order or beyond the end")
        end = start + length
    if sum(length for _, length in pairs) != stored:
        raise RingfenceError(f"{shown(entry.name)}: {MAP}: not the length of the content")
    entry.size, entry.pieces = size, [pair for pair in pairs if pair[1]]
