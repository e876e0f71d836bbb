"""Sparse files of every form, made by the tar of the system and by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ringfence.errors import RingfenceError
from ringfence.image.limits import LimitError, Limits
from tests.unit.image.archives import archive, entry, header, pax, record, resum, unpacked

SIZE = 20 * 2**20
PIECES = ((0, b"begin"), (5 * 2**20, b"x" * 5000), (11 * 2**20 + 7, b"y" * 70_000), (19 * 2**20, b"end"))


@pytest.fixture
def sparse(tmp_path: Path) -> Path:
    path = tmp_path / "in"
    path.mkdir()
    with open(path / "sparse", "wb") as file:
        for offset, data in PIECES:
            file.seek(offset)
            file.write(data)
        file.truncate(SIZE)
    return path / "sparse"


@pytest.mark.parametrize(
    "options",
    [["--format=gnu"], *(["--format=pax", f"--sparse-version={version}"] for version in ("0.0", "0.1", "1.0"))],
    ids=["gnu", "0.0", "0.1", "1.0"],
)
def test_what_gnu_tar_writes(tmp_path: Path, sparse: Path, options: list[str]) -> None:
    """IMG-BUNDLE-12: content, length and holes."""
    program = shutil.which("tar") or "tar"
    made = subprocess.run(
        [program, "-c", "--sparse", *options, "-C", sparse.parent, "sparse"], check=True, capture_output=True
    )
    assert len(made.stdout) < SIZE / 10
    unpacked(tmp_path / "root", made.stdout)
    assert (tmp_path / "root/sparse").read_bytes() == sparse.read_bytes()
    assert (tmp_path / "root/sparse").stat().st_blocks * 512 < SIZE / 10


def test_many_pieces(tmp_path: Path, sparse: Path) -> None:
    """IMG-BUNDLE-12: GNU's map goes on in further blocks."""
    with open(sparse, "r+b") as file:
        for number in range(100):
            file.seek(number * 2**17 + 2**16)
            file.write(b"piece")
    for form in ("gnu", "pax"):
        words = ["tar", "-c", "--sparse", f"--format={form}", "-C", str(sparse.parent), "sparse"]
        unpacked(tmp_path / form, subprocess.run(words, check=True, capture_output=True).stdout)
        assert (tmp_path / form / "sparse").read_bytes() == sparse.read_bytes()


def with_map(numbers: str, size: str, content: bytes) -> bytes:
    records = record("GNU.sparse.map", numbers) + record("GNU.sparse.size", size) + record("GNU.sparse.name", "s")
    return archive(pax(records), entry("GNUSparseFile.0/s", content))


@pytest.mark.parametrize(
    ("numbers", "size", "content"),
    [
        ("10,5,0,5", "20", b"x" * 10),
        ("0,5,4,5", "20", b"x" * 10),
        ("0,5,18,5", "20", b"x" * 10),
        ("0,5", "20", b"x" * 10),
        ("0,50", "100", b"x" * 10),
        ("0,5,10", "20", b"x" * 5),
        ("-1,5", "20", b"x" * 5),
        ("0,5", "-20", b"x" * 5),
        ("a,5", "20", b"x" * 5),
        ("9223372036854775807,9223372036854775807", "20", b""),
    ],
)
def test_a_map_that_makes_no_sense_is_refused(tmp_path: Path, numbers: str, size: str, content: bytes) -> None:
    """IMG-BUNDLE-12: out of order, overlapping, beyond the end, or not the length of the content."""
    with pytest.raises(RingfenceError, match="sparse"):
        unpacked(tmp_path / "root", with_map(numbers, size, content))


def test_a_map_in_front_of_the_content_is_bounded(tmp_path: Path) -> None:
    """IMG-BUNDLE-12."""
    records = record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0") + record("GNU.sparse.realsize", "9")
    for text, words in ((b"3\n0\n", "longer than the entry"), (b"99999999\n", "more than"), (b"x\n", "not a number")):
        with pytest.raises(RingfenceError, match=words):
            unpacked(tmp_path / "root", archive(pax(records), entry("s", text.ljust(512, b"\0"))))


def test_the_length_with_holes_counts(tmp_path: Path) -> None:
    """IMG-BUNDLE-12, IMG-BUNDLE-14."""
    with pytest.raises(LimitError, match="file=1000"):
        unpacked(tmp_path / "root", with_map("0,5", "100000", b"x" * 5), limits=Limits(file=1000))
    with pytest.raises(LimitError, match="bytes=1000"):
        unpacked(tmp_path / "root", with_map("0,5", "100000", b"x" * 5), limits=Limits(bytes=1000))


def test_a_file_of_nothing_but_a_hole(tmp_path: Path) -> None:
    """IMG-BUNDLE-12."""
    unpacked(tmp_path / "root", with_map("", "4096", b""), with_map("4096,0", "4096", b""))
    assert (tmp_path / "root/s").read_bytes() == bytes(4096)


def test_a_damaged_map_of_gnu_is_refused(tmp_path: Path) -> None:
    """IMG-BUNDLE-12."""
    block = header()
    block[156:157] = b"S"
    block[257:265] = b"ustar  \0"
    block[386:410] = b"zzzzzzzzzzz\0" + b"00000000001\0"
    block[483:495] = b"00000000100\0"
    with pytest.raises(RingfenceError, match="sparse"):
        unpacked(tmp_path / "root", archive(resum(block)))
    assert os.listdir(tmp_path / "root") == []
