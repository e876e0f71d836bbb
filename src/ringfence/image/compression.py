"""Compressed streams: told by their content, read in bounded memory, written without time or name.

zlib and lzma come with Python and hand out no more than is asked for; zstandard is the one binding of libzstd that
distributions package (python3-zstandard), and only images that use zstd need it.
"""

from __future__ import annotations

import lzma
import zlib
from abc import ABC, abstractmethod

from ringfence.errors import RingfenceError
from ringfence.image.limits import DEFAULT, Limits, ratio_guarded
from ringfence.image.media import GZIP, PLAIN, XZ, ZSTD
from ringfence.thirdparty import need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol

    class Compressor(Protocol):
        """What zlib and zstandard have in common."""

        def compress(self, data: bytes, /) -> bytes: ...

        def flush(self) -> bytes: ...


CHUNK = 2**20
ZSTD_WINDOW = 2**27
"""The largest window of a zstd frame that is taken, 128 MiB."""
ZSTD_PIECE = 4096
"""One call may turn so many bytes into at most 128 MiB: a block of 4 bytes can stand for 128 KiB."""
MAGICS = ((b"\x1f\x8b", GZIP), (b"\xfd7zXZ\0", XZ), (b"\x28\xb5\x2f\xfd", ZSTD))
LONGEST_MAGIC = 6


def detect(head: bytes) -> str:
    """How a stream that begins so is compressed."""
    if head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5:  # a skippable frame
        return ZSTD
    return next((name for magic, name in MAGICS if head.startswith(magic)), PLAIN)


def decompressed(chunks: Iterator[bytes], how: str, what: str, limits: Limits = DEFAULT) -> Iterator[bytes]:
    """The content of a compressed stream, in chunks of bounded size; ``what`` is its name in an error.

    Raises:
        RingfenceError: the stream is damaged, ends too early, has something behind it, or is a bomb.
    """
    if how == PLAIN:
        yield from chunks
        return
    read = made = 0
    stream = _Frames(_MAKERS[how](), what)
    for chunk in chunks:
        read += len(chunk)
        for piece in stream.feed(chunk):
            made += len(piece)
            ratio_guarded(read, made, limits, what)
            yield piece
    stream.finish()


class _Frames:
    """One compressed stream after the other, as gzip(1), xz(1) and zstd(1) take them."""

    def __init__(self, make: Callable[[], _Decoder], what: str) -> None:
        self.make = make
        self.what = what
        self.decoder = make()
        self.fresh = True
        self.frames = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What some bytes more give."""
        while data:
            self.fresh = False
            try:
                yield from self.decoder.feed(data)
            except RingfenceError:
                raise
            except Exception as error:  # zlib.error, lzma.LZMAError, zstandard.ZstdError
                words = str(error).splitlines()[0] if str(error) else type(error).__name__
                behind = "something else follows the compressed stream: " if self.frames else ""
                raise RingfenceError(f"{self.what}: {behind}{words}") from None
            if not self.decoder.ended:
                return
            data = self.decoder.rest
            self.decoder, self.fresh, self.frames = self.make(), True, self.frames + 1

    def finish(self) -> None:
        """See that the last stream is complete.

        Raises:
            RingfenceError: it is not, or there was none.
        """
        if not self.fresh or not self.frames:
            raise RingfenceError(f"{self.what}: the compressed stream ends too early")


class _Decoder(ABC):
    """One compressed stream; ``rest`` is what follows its end."""

    ended = False
    rest = b""

    @abstractmethod
    def feed(self, data: bytes) -> Iterator[bytes]:
        """What some bytes more give."""


class _Gzip(_Decoder):
    """One member of a gzip file (RFC 1952)."""

    def __init__(self) -> None:
        self.held = zlib.decompressobj(31)

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data and not self.held.eof:
            made = self.held.decompress(data, CHUNK)
            data = self.held.unconsumed_tail
            if made:
                yield made
        # What zlib still holds back when all input has been taken.
        while not self.held.eof and (made := self.held.decompress(b"", CHUNK)):
            yield made
        self.ended, self.rest = self.held.eof, self.held.unused_data


class _Xz(_Decoder):
    """One stream of an xz file."""

    def __init__(self) -> None:
        self.held = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=2**30)

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            made = self.held.decompress(data, CHUNK)
            data = b""
            if made:
                yield made
            if self.held.eof or self.held.needs_input:
                break
        self.ended, self.rest = self.held.eof, self.held.unused_data


class _Zstd(_Decoder):
    """One frame, also a skippable one."""

    def __init__(self) -> None:
        import zstandard

        self.held = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), ZSTD_PIECE):
            made = self.held.decompress(data[start : start + ZSTD_PIECE])
            if made:
                yield made
            if self.held.eof:
                self.ended = True
                self.rest = self.held.unused_data + data[start + ZSTD_PIECE :]
                return


def need_zstandard() -> None:
    """Make zstandard importable.

    Raises:
        RingfenceError: it is not installed.
    """
    need("zstandard", "the Python module zstandard, which reads and writes zstd", "install python3-zstandard")


def _make_zstd() -> Callable[[], _Decoder]:
    need_zstandard()
    return _Zstd


_MAKERS: dict[str, Callable[[], Callable[[], _Decoder]]] = {
    GZIP: lambda: _Gzip,
    XZ: lambda: _Xz,
    ZSTD: _make_zstd,
}


def compressed(chunks: Iterator[bytes], how: str) -> Iterator[bytes]:
    """The chunks compressed; the bytes depend on nothing but them and the version of the library.

    Raises:
        RingfenceError: the library is not installed.
    """
    if how == PLAIN:
        yield from chunks
        return
    held = _compressor(how)
    for chunk in chunks:
        made = held.compress(chunk)
        if made:
            yield made
    yield held.flush()


def _compressor(how: str) -> Compressor:
    if how == GZIP:
        return zlib.compressobj(6, zlib.DEFLATED, 31)  # its header has neither a time nor a name
    need_zstandard()
    import zstandard

    held: Compressor = zstandard.ZstdCompressor(level=3, write_checksum=True).compressobj()
    return held
