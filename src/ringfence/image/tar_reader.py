"""Tar archives of all dialects that image tools write (ustar, pax, GNU), read from front to back and strictly."""

from __future__ import annotations

import re
import tarfile

from ringfence.errors import RingfenceError
from ringfence.image.entry import BLOCK, SPARSE, Entry, Header, make_entry, shown
from ringfence.image.limits import DEFAULT, Limits, exceeded
from ringfence.image.sparse import pax_map, read_gnu_map

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol

    class Source(Protocol):
        """What an archive is read from."""

        what: str
        position: int

        def read(self, size: int) -> bytes: ...

        def skip(self, size: int) -> None: ...


ZEROS = bytes(BLOCK)
CONTROL = re.compile(rb"[\0-\x1f\x7f]")
LONG = {tarfile.GNUTYPE_LONGNAME: b"path", tarfile.GNUTYPE_LONGLINK: b"linkpath"}
PAX = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
GLOBAL = tarfile.XGLTYPE
FEATURES = 32
"""Headers of one entry at most: a chain of headers without an entry is no archive."""

MOST_GLOBAL = 256
"""Records that hold for all entries: each entry costs as much as there are of them."""

Records = dict[bytes, bytes]


class Reader:
    """The entries of an archive; between one and the next its content may be read from the source, or not."""

    def __init__(self, source: Source, limits: Limits = DEFAULT, warn: Callable[[str], None] = lambda _: None) -> None:
        self.source = source
        self.limits = limits
        self.warn = warn
        self.everywhere: Records = {}
        self.next = 0

    def __iter__(self) -> Iterator[Entry]:
        """Every entry, and at the end the certainty that the archive ends as it should.

        Raises:
            RingfenceError: the archive is damaged.
        """
        while (entry := self._entry()) is not None:
            self.next = self.source.position + padded(entry.stored)
            yield entry
            self.source.skip(self.next - self.source.position)
        self._end()

    def _entry(self) -> Entry | None:
        """The next entry with all headers before it, None at the end."""
        records: Records = {}
        spent = 0
        for count in range(FEATURES):
            block = self._block()
            if block == ZEROS:
                if count:
                    raise self._error("ends with a header that belongs to nothing")
                return None
            header = Header(block, self.source.what)
            if header.kind not in LONG and header.kind not in PAX and header.kind != GLOBAL:
                return self._complete(header, block, records)
            spent += header.size
            self._take(header, records, spent)
        raise self._error("too many headers for one entry")

    def _take(self, header: Header, records: Records, spent: int) -> None:
        """Read what a header of the dialect's own holds."""
        if header.size < 0:
            raise self._error("a header of negative size")
        if spent > self.limits.headers:
            raise exceeded("headers", self.limits.headers, f"{self.source.what}: headers of one entry")
        data = self._exactly(header.size)
        self.source.skip(padded(header.size) - header.size)
        if header.kind in LONG:
            records[LONG[header.kind]] = data.partition(b"\0")[0]
        elif header.kind == GLOBAL:
            self.everywhere.update(self._records(data))
            if len(self.everywhere) > MOST_GLOBAL:
                raise self._error(f"more than {MOST_GLOBAL} global records")
            if sum(len(key) + len(value) for key, value in self.everywhere.items()) > self.limits.headers:
                raise exceeded("headers", self.limits.headers, f"{self.source.what}: global headers")
        else:
            records.update(self._records(data))

    def _records(self, data: bytes) -> Records:
        try:
            return pax_records(data)
        except ValueError:
            raise self._error("damaged pax record") from None

    def _complete(self, header: Header, block: bytes, own: Records) -> Entry:
        # An empty value takes back what stands in a global header (POSIX, pax).
        records = own or self.everywhere
        if records:
            records = {key: value for key, value in {**self.everywhere, **own}.items() if value}
        entry = make_entry(header, records, self.source.what)
        if header.kind == SPARSE:
            read_gnu_map(entry, block, self._exactly)
        elif records:
            pax_map(entry, records, self._exactly)
        check_name(entry.name, self.source.what)
        return entry

    def _block(self) -> bytes:
        block = self.source.read(BLOCK)
        if len(block) < BLOCK:
            raise self._error("ends too early, without the blocks that mark the end")
        return block

    def _exactly(self, size: int) -> bytes:
        data = self.source.read(size)
        if len(data) < size:
            raise self._error("ends too early")
        return data

    def _end(self) -> None:
        """One block of zeros has been read; there should be another, and nothing but zeros behind it."""
        block = self.source.read(BLOCK)
        if not block:
            self.warn(f"{self.source.what}: the last block of the archive is missing")
            return
        while block:
            if block.strip(b"\0"):
                raise self._error("something follows the end of the archive")
            block = self.source.read(BLOCK * 128)

    def _error(self, words: str) -> RingfenceError:
        return RingfenceError(f"{self.source.what}: {words}, at byte {self.source.position}")


def padded(size: int) -> int:
    """The space that content takes."""
    return -(-size // BLOCK) * BLOCK


def pax_records(data: bytes) -> Records:
    """The records of an extended header: each is ``LENGTH KEY=VALUE`` and a newline (POSIX, pax).

    Raises:
        ValueError: a length does not fit.
    """
    found: dict[bytes, list[bytes]] = {}
    at = 0
    while at < len(data) and data[at]:
        digits, blank, _ = data[at : at + 20].partition(b" ")
        if not blank or not digits.isdigit():
            raise ValueError(at)
        end = at + int(digits)
        key, equals, value = data[at + len(digits) + 1 : end - 1].partition(b"=")
        if end > len(data) or data[end - 1 : end] != b"\n" or not equals or not key:
            raise ValueError(at)
        if key.startswith(b"GNU.sparse.") and key in found:
            found[key].append(value)  # form 0.0 repeats its records
        else:
            found[key] = [value]
        at = end
    if data[at:].strip(b"\0"):
        raise ValueError(at)
    return {key: b",".join(values) for key, values in found.items()}


def check_name(name: bytes, what: str) -> None:
    """See that a path can be one.

    Raises:
        RingfenceError: it is empty, or holds bytes that no terminal should see.
    """
    if not name:
        raise RingfenceError(f"{what}: an entry without a name")
    if CONTROL.search(name):
        raise RingfenceError(f"{what}: control characters in the name {shown(name)!r}")
