"""What a small image may not cost: memory, descriptors, and stacks of the interpreter."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ringfence.cli.main import command
from ringfence.errors import RingfenceError
from ringfence.image import inside
from ringfence.image.archive import Archive
from ringfence.image.limits import DEEPEST, DEFAULT, Budget, LimitError, Limits, parse_limits
from ringfence.image.policy import usual_policy
from ringfence.image.stream import Stream
from ringfence.image.tar_reader import Reader
from ringfence.image.unpack import Unpacker
from tests.unit.image.archives import Layout, archive, entry, folder, names, pax, record, symlink, unpacked
from tests.unit.image.test_build import image
from tests.unit.image.test_commands import SOURCE


def test_records_for_all_entries_are_bounded_together() -> None:
    """IMG-BUNDLE-14: each header is short, but all are remembered."""
    every = [pax(record(f"k{number}", "x" * 500), b"g") + entry(f"f{number}") for number in range(10)]
    with pytest.raises(LimitError, match=r"global headers: beyond the limit headers=2000"):
        list(Reader(Stream(iter([archive(*every)]), "test"), Limits(headers=2000)))
    same = [pax(record("k", "x" * 500), b"g") + entry(f"f{number}") for number in range(10)]
    assert len(list(Reader(Stream(iter([archive(*same)]), "test"), Limits(headers=2000)))) == 10


def test_there_are_few_records_for_all_entries() -> None:
    """IMG-BUNDLE-14: a header of a hundred thousand would make every entry cost that much."""
    many = b"".join(record(f"k{number}", "x") for number in range(257))
    with pytest.raises(RingfenceError, match="more than 256 global records"):
        list(Reader(Stream(iter([archive(pax(many, b"g"), entry("a"))]), "test")))


def test_paths_through_links_are_not_all_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMG-BUNDLE-14: a thousand names for one folder."""
    monkeypatch.setattr(inside, "MOST_KNOWN", 50)
    root = os.open(tmp_path, os.O_RDONLY)
    unpacker = Unpacker(root, usual_policy(False), Budget(), lambda _: None)
    most = 0
    for number in range(300):
        data = archive(symlink(f"l{number}", "."), entry(f"l{number}/f{number}"))
        unpacker.layer(iter([data]), "layer")
        most = max(most, len(unpacker.root.known))
    names_of_one = archive(*(entry(f"l{number}/f") for number in range(300)))
    unpacker.layer(iter([names_of_one]), "layer")
    assert max(most, len(unpacker.root.known)) <= 51
    os.close(root)
    assert len(names(tmp_path)) == 601


def deep(path: Path, depth: int) -> Path:
    """A folder in a folder and so on."""
    path.mkdir()
    held = os.open(path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=held)
        held, above = os.open("d", os.O_RDONLY, dir_fd=held), held
        os.close(above)
    os.close(held)
    return path


def test_folders_as_deep_as_can_be(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-BUNDLE-14, IMG-BUILD-06: what is built can be unpacked, removed, and hidden by a later layer."""
    root = deep(tmp_path / "root", DEEPEST)
    assert command("ringfence", ["image", "build", "--rootfs", str(root), "-o", str(tmp_path / "i.tar")]) == 0
    assert command("ringfence", ["image", "inspect", "--files", str(tmp_path / "i.tar")]) == 0
    assert f"{'d/' * (DEEPEST - 1)}d" in capfd.readouterr().out
    assert command("ringfence", ["bundle", str(tmp_path / "i.tar"), str(tmp_path / "b")]) == 0
    assert len(names(tmp_path / "b/rootfs")) == DEEPEST
    data = archive(folder("d/" * DEEPEST), folder("e/" * DEEPEST))
    unpacked(tmp_path / "hidden", data, archive(entry(".wh.d"), entry("e/.wh..wh..opq")))
    assert names(tmp_path / "hidden") == ["e"]


def test_folders_that_lie_too_deep(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-BUNDLE-14: no option changes that, since trees are walked by recursion."""
    root = deep(tmp_path / "root", DEEPEST + 1)
    assert command("ringfence", ["image", "build", "--rootfs", str(root), "-o", str(tmp_path / "i.tar")]) == 1
    err = capfd.readouterr().err
    assert f"depth={DEEPEST}" in err
    assert "hint" not in err
    with pytest.raises(RingfenceError, match=f"at most {DEEPEST}"):
        parse_limits((f"depth={DEEPEST + 1}",))
    assert names(tmp_path)[0] == "root"


def test_a_failure_leaves_no_deep_folders(tmp_path: Path) -> None:
    """IMG-BUNDLE-01."""
    layout = Layout(tmp_path / "layout")
    layout.add(archive(folder("d/" * DEEPEST, mode=0), entry("../x")))
    before = names(tmp_path)
    assert command("ringfence", ["bundle", "--platform", "linux/amd64", str(layout.path), str(tmp_path / "b")]) == 1
    assert names(tmp_path) == before


HOLE = record("GNU.sparse.map", "0,1") + record("GNU.sparse.size", str(2**40)) + record("GNU.sparse.name", "s")


@pytest.mark.parametrize(
    ("limits", "data", "name"),
    [
        (DEFAULT, archive(pax(HOLE), entry("x", b"a")), "file=34359738368"),
        (Limits(bytes=10), archive(entry("a", b"x" * 6), entry("b", b"x" * 6)), "bytes=10"),
        (Limits(entries=2), archive(entry("a"), entry("a"), entry("a")), "entries=2"),
        (DEFAULT, archive(entry("a/" * 257 + "b")), "depth=256"),
        (DEFAULT, archive(entry("a" * 256)), "component=255"),
        (Limits(headers=10), archive(pax(HOLE), entry("a")), "headers=10"),
    ],
)
def test_limits_hold_for_roots_that_are_archives(tmp_path: Path, limits: Limits, data: bytes, name: str) -> None:
    """IMG-BUNDLE-14, IMG-BUILD-05: a file of a terabyte of zeros is as short as any."""
    (tmp_path / "root.tar").write_bytes(data)
    with pytest.raises(LimitError, match=name):
        image(tmp_path / "image.tar", tmp_path / "root.tar", limits=limits)
    assert names(tmp_path) == ["root.tar"]


@pytest.mark.parametrize("data", [b"", b"x" * 700, gzip.compress(b"x" * 700), gzip.compress(b"x" * 700)[:-5]])
def test_damaged_archives_do_not_stay_open(tmp_path: Path, data: bytes) -> None:
    """IMG-BUNDLE-01: a caller that lives on has its descriptors back."""
    (tmp_path / "root.tar").write_bytes(data)
    before = os.listdir("/dev/fd")
    with pytest.raises(RingfenceError):
        Archive(os.open(tmp_path / "root.tar", os.O_RDONLY), "root", DEFAULT, str(tmp_path), lambda _: None)
    assert command("ringfence", ["image", "inspect", str(tmp_path / "root.tar")]) == 1
    assert os.listdir("/dev/fd") == before


@pytest.fixture(scope="module")
def bomb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A layout with a layer of 300 KiB that stands for a thousand times as much."""
    layout = Layout(tmp_path_factory.mktemp("bomb") / "layout")
    layout.add(archive(entry("zeros", bytes(300 * 2**20))))
    return layout.path


PROGRAM = """\
import sys
sys.path.insert(0, sys.argv[1])
from ringfence.cli.main import command
print(command("ringfence", sys.argv[2:]))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.parametrize("words", [["bundle", "--limit", "bytes=1m"], ["bundle"], ["image", "inspect", "--files"]])
def test_a_bomb_takes_neither_disk_nor_memory(tmp_path: Path, bomb: Path, words: list[str]) -> None:
    """IMG-BUNDLE-14, IMG-BUNDLE-16."""
    last = [str(tmp_path / "b")] if words[0] == "bundle" else []
    program = [sys.executable, "-I", "-c", PROGRAM, SOURCE, *words, "--platform", "linux/amd64", str(bomb), *last]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    status, peak = done.stdout.split()[-2:]
    assert status == "1"
    assert ("bytes=1048576" if "--limit" in words else "ratio=250") in done.stderr
    assert names(tmp_path) == []
    assert int(peak) < 96 * 1024
