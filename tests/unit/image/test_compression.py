"""Compressed streams: every form that tools write, and none that is damaged or a bomb."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import sys
from collections.abc import Callable, Iterator

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.errors import RingfenceError
from ringfence.image import limits
from ringfence.image.compression import compressed, decompressed, detect
from ringfence.image.limits import LimitError, Limits
from ringfence.image.media import GZIP, PLAIN, XZ, ZSTD

PACK: dict[str, Callable[[bytes], bytes]] = {
    GZIP: lambda data: gzip.compress(data, mtime=0),
    XZ: lzma.compress,
    ZSTD: lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data),
}
DATA = b"".join(b"line %d\n" % number for number in range(50_000))


def chunks(data: bytes, size: int = 1000) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def unpack(data: bytes, how: str, size: int = 1000) -> bytes:
    return b"".join(decompressed(chunks(data, size), how, "test"))


@pytest.mark.parametrize("how", PACK)
@pytest.mark.parametrize("size", [1, 4095, 10**6])
def test_a_stream_is_told_by_its_content_and_read(how: str, size: int) -> None:
    """IMG-BUILD-05."""
    data = DATA if size > 1 else DATA[:5000]
    assert detect(PACK[how](data)[:6]) == how
    assert unpack(PACK[how](data), how, size) == data


def test_what_is_not_compressed_is_passed_on() -> None:
    assert detect(b"etc/pa") == detect(b"") == PLAIN
    assert unpack(DATA, PLAIN) == DATA


@pytest.mark.parametrize("how", PACK)
def test_streams_one_behind_the_other(how: str) -> None:
    """IMG-BUNDLE-15: members of gzip, frames of zstd."""
    assert unpack(PACK[how](b"one ") + PACK[how](b"") + PACK[how](b"two"), how) == b"one two"


def test_skippable_frames_are_skipped() -> None:
    """IMG-BUNDLE-15: zstd:chunked has its table of contents in one."""
    skip = struct.pack("<II", 0x184D2A50, 5) + b"hello"
    assert detect(skip) == ZSTD
    assert unpack(skip + PACK[ZSTD](b"one") + skip + PACK[ZSTD](b"two") + skip, ZSTD) == b"onetwo"


@pytest.mark.parametrize("how", PACK)
@pytest.mark.parametrize("lost", [1, 4, 100])
def test_a_stream_that_was_cut_off_is_refused(how: str, lost: int) -> None:
    """IMG-BUNDLE-03."""
    with pytest.raises(RingfenceError, match="test: the compressed stream ends too early"):
        unpack(PACK[how](DATA)[:-lost], how)


@pytest.mark.parametrize("how", PACK)
@pytest.mark.parametrize("rest", [b"garbage behind it", b"\0" * 20, b"x"])
def test_a_stream_with_something_behind_it_is_refused(how: str, rest: bytes) -> None:
    """IMG-BUNDLE-03."""
    with pytest.raises(RingfenceError, match="test: "):
        unpack(PACK[how](DATA) + rest, how)


@pytest.mark.parametrize("how", PACK)
def test_a_damaged_stream_is_refused(how: str) -> None:
    """IMG-BUNDLE-03."""
    data = bytearray(PACK[how](DATA))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(RingfenceError, match="test: "):
        unpack(bytes(data), how)


@pytest.mark.parametrize("how", PACK)
def test_an_empty_stream_is_refused(how: str) -> None:
    """IMG-BUNDLE-03."""
    with pytest.raises(RingfenceError, match="too early"):
        unpack(b"", how)


def test_a_window_that_takes_too_much_memory_is_refused() -> None:
    """IMG-BUNDLE-15."""
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=28, write_content_size=False)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(RingfenceError, match="test: "):
        unpack(packer.compress(b"data") + packer.flush(), ZSTD)


@pytest.mark.parametrize("how", PACK)
def test_a_bomb_is_stopped(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMG-BUNDLE-14: by the ratio, once it is beyond what any layer may have."""
    monkeypatch.setattr(limits, "RATIO_FREE", 2**20)
    bomb, made = PACK[how](bytes(64 * 2**20)), 0
    with pytest.raises(LimitError, match="ratio=50"):
        for piece in decompressed(iter([bomb]), how, "test", Limits(ratio=50)):
            made += len(piece)
    assert made < 16 * 2**20


@pytest.mark.parametrize("how", PACK)
def test_chunks_are_of_bounded_size(how: str) -> None:
    """IMG-BUNDLE-16: memory does not grow with the layer."""
    pieces = [len(piece) for piece in decompressed(iter([PACK[how](bytes(2**24))]), how, "test", Limits(ratio=10**6))]
    assert max(pieces) <= (2**20 if how != ZSTD else 2**24)
    assert sum(pieces) == 2**24


@pytest.mark.parametrize("how", [PLAIN, GZIP, ZSTD])
@given(data=st.lists(st.binary(max_size=300), max_size=5))
@settings(max_examples=30)
def test_what_is_written_is_read(how: str, data: list[bytes]) -> None:
    """IMG-BUILD-03."""
    made = b"".join(compressed(iter(data), how))
    assert (unpack(made, how) if made else b"") == b"".join(data)


def test_a_gzip_header_has_neither_time_nor_name() -> None:
    """IMG-BUILD-02."""
    made = b"".join(compressed(iter([b"x"]), GZIP))
    assert made[3:8] == bytes(5)


@given(st.binary(max_size=400), st.sampled_from([GZIP, XZ, ZSTD]), st.booleans())
@settings(max_examples=200)
def test_any_bytes_give_content_or_an_error(data: bytes, how: str, begins_well: bool) -> None:
    """IMG-BUNDLE-03."""
    try:
        unpack(PACK[how](b"")[:6] + data if begins_well else data, how, 50)
    except RingfenceError:
        pass


def test_without_zstandard_the_error_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAIL-PORT-02: it is needed by images that use it, and by nothing else."""
    monkeypatch.setitem(sys.modules, "zstandard", None)
    uses: list[Callable[[], bytes]] = [lambda: unpack(b"x", ZSTD), lambda: b"".join(compressed(iter([b"x"]), ZSTD))]
    for use in uses:
        with pytest.raises(RingfenceError, match="module zstandard") as caught:
            use()
        assert caught.value.hint == "install python3-zstandard"
    assert unpack(PACK[GZIP](b"x"), GZIP) == b"x"


def test_other_forms_are_no_archives() -> None:
    assert detect(bz2.compress(b"x")) == PLAIN
