"""Archives are read strictly: a damaged one ends in an error, never in a crash or in half a tree."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.errors import RingfenceError
from ringfence.image.entry import Entry
from ringfence.image.limits import LimitError, Limits
from ringfence.image.stream import Stream
from ringfence.image.tar_reader import Reader
from tests.unit.image.archives import archive, entry, folder, header, names, pax, record, resum, symlink, unpacked


def read(data: bytes, chunk: int = 4096, limits: Limits | None = None) -> list[Entry]:
    pieces = (data[at : at + chunk] for at in range(0, len(data), chunk))
    return list(Reader(Stream(iter(pieces), "test"), limits or Limits()))


def refused(data: bytes) -> str:
    with pytest.raises(RingfenceError) as caught:
        read(data)
    return str(caught.value)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("chunk", [1, 511, 512, 10_000])
def test_every_dialect_is_read(form: Any, chunk: int) -> None:
    """IMG-BUNDLE-03."""
    made = tarfile.TarInfo("a" * 80 + "/" + "b" * 80)
    made.size, made.uid, made.mtime = 3, 1000, 77
    data = made.tobuf(form) + b"abc" + bytes(509) + bytes(1024)
    (found,) = read(data, chunk)
    assert found.name == b"a" * 80 + b"/" + b"b" * 80
    assert (found.size, found.uid, found.mtime) == (3, 1000, 77 * 10**9)


def test_long_names_of_gnu_tar() -> None:
    made = tarfile.TarInfo("n" * 300)
    made.type, made.linkname = tarfile.SYMTYPE, "t" * 300
    (found,) = read(made.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    assert (found.name, found.link) == (b"n" * 300, b"t" * 300)


def test_times_where_ustar_has_a_prefix() -> None:
    """GNU tar's incremental archives have the time of access there."""
    block = header()
    block[257:265] = b"ustar  \0"
    block[345:357] = b"14371573013\0"
    (found,) = read(archive(resum(block)))
    assert found.name == b"file"


def test_global_records_hold_until_an_entry_has_its_own() -> None:
    held = pax(record("mtime", "5") + record("SCHILY.xattr.user.a", "x"), tarfile.XGLTYPE)
    first, second, third = read(
        archive(held, entry("a"), pax(record("mtime", "7.25")), entry("b"), pax(record("mtime", "")), entry("c"))
    )
    assert (first.mtime, second.mtime, third.mtime) == (5 * 10**9, 7_250_000_000, 1_600_000_000 * 10**9)
    assert second.xattrs == {b"user.a": b"x"}


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[:-1024], id="no end"),
        pytest.param(lambda data: data[:700], id="in the content"),
        pytest.param(lambda data: data[:300], id="in a header"),
        pytest.param(lambda data: b"", id="nothing at all"),
        pytest.param(lambda data: data[:10] + b"x" + data[11:], id="header sum"),
        pytest.param(lambda data: data + b"garbage", id="behind the end"),
        pytest.param(lambda data: data + bytes(10_000) + b"x", id="far behind the end"),
        pytest.param(lambda data: data[:-1024] + bytes(512) + b"x" * 512, id="between the last blocks"),
    ],
)
def test_damaged_archives_are_refused(damage: object) -> None:
    """IMG-BUNDLE-03."""
    assert callable(damage)
    assert refused(damage(archive(entry("a", b"content"))))


def test_a_missing_last_block_is_a_warning(tmp_path: Path) -> None:
    """IMG-BUNDLE-03."""
    assert unpacked(tmp_path / "root", archive(entry("a"))[:-512]) == [
        "layer 0: the last block of the archive is missing"
    ]
    assert names(tmp_path / "root") == ["a"]


@pytest.mark.parametrize(
    ("place", "field", "text"),
    [
        (108, b"\xff" * 8, "user"),
        (116, b"\xff" * 8, "group"),
        (124, b"\xff" * 12, "size"),
        (136, b"\xff" * 12, "time"),
        (124, b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "size"),
        (108, b"\x80\0\0\0\xff\xff\xff\xff", "user"),
        (136, b"\x80" + b"\xff" * 11, "time"),
        (124, b"12345678z12\0", "damaged header"),
    ],
)
def test_numbers_out_of_range_are_refused(place: int, field: bytes, text: str) -> None:
    """IMG-BUNDLE-03."""
    block = header()
    block[place : place + len(field)] = field
    assert text in refused(archive(resum(block)))


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2Jb", "a\x7f", "\x01"])
def test_control_characters_in_names_are_refused(name: str) -> None:
    """IMG-BUNDLE-03."""
    assert "control characters" in refused(archive(entry(name)))


def test_nul_in_a_pax_name_is_refused() -> None:
    """IMG-BUNDLE-03."""
    assert "control characters" in refused(archive(pax(record("path", b"a\0b")), entry("c")))


def test_an_empty_name_is_refused() -> None:
    """IMG-BUNDLE-03."""
    assert "without a name" in refused(archive(resum(bytes(100) + header()[100:])))


@pytest.mark.parametrize("devices", [(5000, 1), (1, 2**20)])
def test_device_numbers_out_of_range_are_refused(devices: tuple[int, int]) -> None:
    """IMG-BUNDLE-03."""
    data = archive(entry("dev", kind=tarfile.CHRTYPE, devmajor=devices[0], devminor=devices[1]))
    assert "number" in refused(data)


@pytest.mark.parametrize("size", ["4", "0", "513", "9999999999999"])
def test_two_sizes_that_disagree_are_refused(size: str) -> None:
    """IMG-BUNDLE-03: readers that take the one or the other would see other entries behind it."""
    assert "two sizes" in refused(archive(pax(record("size", size)), entry("a", b"abc")))


def test_a_size_beyond_the_header_is_taken_from_the_record() -> None:
    made = tarfile.TarInfo("large")
    made.size = 2**40
    reader = Reader(Stream(iter([made.tobuf(tarfile.PAX_FORMAT)]), "test"), Limits())
    assert next(iter(reader)).size == 2**40


@pytest.mark.parametrize(
    "data",
    [
        b"12 path=ab\n",
        b"99 path=a\n",
        b"x path=a\n",
        b"9 path=a\nrest",
        b"8 patha\n\n",
        b"10 path=a",
        b"5 =a\n",
        b"-9 path=a\n",
    ],
)
def test_records_whose_lengths_are_wrong_are_refused(data: bytes) -> None:
    """IMG-BUNDLE-03."""
    assert "pax record" in refused(archive(pax(data), entry("c")))


@pytest.mark.parametrize("key", ["uid", "gid", "size", "mtime"])
@pytest.mark.parametrize("value", ["-5", "x", "1" * 30, "9223372036854775808", "4294967295.5.5"])
def test_records_that_hold_no_number_are_refused(key: str, value: str) -> None:
    """IMG-BUNDLE-03."""
    if (key, value) == ("mtime", "-5"):
        assert read(archive(pax(record(key, value)), entry("c")))[0].mtime == -5 * 10**9
    else:
        refused(archive(pax(record(key, value)), entry("c")))


def test_unknown_types_are_refused() -> None:
    """IMG-BUNDLE-03."""
    for kind in (b"M", b"V", b"D", b"Z"):
        assert "unknown type" in refused(archive(entry("a", kind=kind)))


def test_headers_may_not_be_longer_than_the_limit() -> None:
    """IMG-BUNDLE-14: they are read into memory."""
    long = pax(record("comment", "x" * 2000))
    with pytest.raises(LimitError, match="headers=1000"):
        read(archive(long, entry("a")), limits=Limits(headers=1000))
    claimed = bytearray(pax(b"")[:512])
    claimed[124:136] = b"77777777777\0"
    with pytest.raises(LimitError, match="headers"):
        read(archive(resum(claimed)))


def test_headers_that_belong_to_nothing_are_refused() -> None:
    """IMG-BUNDLE-03."""
    assert "belongs to nothing" in refused(archive(pax(record("path", "x"))))
    assert "too many headers" in refused(archive(*[pax(record("path", "x"))] * 40, entry("a")))


@given(st.binary(max_size=3000))
@settings(max_examples=200)
def test_any_bytes_give_entries_or_an_error(data: bytes) -> None:
    """IMG-BUNDLE-03: no other exception comes out."""
    try:
        read(data)
    except RingfenceError:
        pass


WHOLE = archive(
    folder("etc"),
    entry("etc/passwd", b"root"),
    symlink("l", "etc"),
    pax(record("SCHILY.xattr.user.x", "1")),
    entry("e"),
)


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=6), st.booleans())
@settings(max_examples=400)
def test_an_archive_with_changed_bytes_gives_entries_or_an_error(changes: list[tuple[int, int]], fix: bool) -> None:
    """IMG-BUNDLE-03: also when the checksums of its headers are right again."""
    data = bytearray(WHOLE)
    for place, value in changes:
        data[place] = value
        if fix:
            start = place // 512 * 512
            data[start : start + 512] = resum(data[start : start + 512])
    try:
        read(bytes(data), chunk=100)
    except RingfenceError:
        pass
