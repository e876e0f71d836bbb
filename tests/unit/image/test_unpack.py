"""Entries become files: in order, over what is there, with the attributes that the archive tells."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ringfence.errors import RingfenceError
from ringfence.image.attributes import mapped_capability
from ringfence.image.policy import Policy
from tests.unit.image.archives import (
    FIFO,
    TIME,
    archive,
    entry,
    folder,
    hard_link,
    header,
    names,
    pax,
    record,
    resum,
    symlink,
    unpacked,
)

CALLER = Policy(owners=False, devices="skip")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def fails(root: Path, *layers: bytes) -> str:
    with pytest.raises(RingfenceError) as caught:
        unpacked(root, *layers)
    return str(caught.value)


def test_modes_and_times_are_those_of_the_archive(root: Path) -> None:
    """IMG-BUNDLE-10: whatever the umask; bits that a change of owner would clear included."""
    before = os.umask(0o077)
    try:
        data = archive(
            folder(".", mode=0o750), folder("d", mode=0o1777), entry("d/f", b"x", mode=0o6755), entry("d/g", mode=0o000)
        )
        unpacked(root, data)
        assert os.umask(0o077) == 0o077
    finally:
        os.umask(before)
    assert [mode(path) for path in (root, root / "d", root / "d/f", root / "d/g")] == [0o750, 0o1777, 0o6755, 0]
    assert {path.lstat().st_mtime for path in (root, root / "d", root / "d/f")} == {TIME}


def test_read_only_folders_do_not_block_their_children(root: Path) -> None:
    """IMG-BUNDLE-10: nor those of later layers; modes and times of folders are set at the end."""
    unpacked(root, archive(folder("d", mode=0o500), folder("d/e", mode=0o555), entry("d/e/f")), archive(entry("d/e/g")))
    assert names(root) == ["d", "d/e", "d/e/f", "d/e/g"]
    assert [mode(root / "d"), mode(root / "d/e")] == [0o500, 0o555]
    assert [(root / "d").stat().st_mtime, (root / "d/e").stat().st_mtime] == [TIME, TIME]


def test_a_folder_without_an_entry_of_its_own_is_usual(root: Path) -> None:
    before = os.umask(0o077)
    unpacked(root, archive(entry("a/b/c")))
    os.umask(before)
    assert [mode(root / "a"), mode(root / "a/b")] == [0o755, 0o755]


def test_a_folder_over_a_folder_replaces_its_attributes(root: Path) -> None:
    """IMG-BUNDLE-08: its children stay."""
    unpacked(root, archive(folder("d", mode=0o700), entry("d/f")), archive(folder("d", mode=0o711, mtime=5)))
    assert names(root) == ["d", "d/f"]
    assert (mode(root / "d"), (root / "d").stat().st_mtime) == (0o711, 5)


KINDS = {
    "file": entry("x", b"new"),
    "folder": folder("x"),
    "link": symlink("x", "other"),
    "hard link": hard_link("x", "other"),
}


def kind_of(path: Path) -> str:
    status = path.lstat()
    if stat.S_ISREG(status.st_mode):
        return "hard link" if status.st_nlink > 1 else "file"
    return "folder" if stat.S_ISDIR(status.st_mode) else "link"


@pytest.mark.parametrize("old", KINDS)
@pytest.mark.parametrize("new", KINDS)
def test_an_entry_takes_the_place_of_what_is_there(root: Path, old: str, new: str) -> None:
    """IMG-BUNDLE-08: a folder with all in it, a link never through it."""
    target = folder("other") if "link" in (old, new) and "hard link" not in (old, new) else entry("other", b"o")
    below = entry("x/inner") if old == "folder" else b""
    unpacked(root, archive(target, KINDS[old], below), archive(KINDS[new]))
    assert kind_of(root / "x") == new
    assert (root / "other").exists()
    assert not (root / "other/inner").exists()
    if new == "file":
        assert (root / "x").read_bytes() == b"new"


def test_the_same_path_twice_gives_the_later_and_a_warning(root: Path) -> None:
    """IMG-BUNDLE-08."""
    assert unpacked(root, archive(entry("a", b"1"), entry("b"), entry("a", b"2"), entry("a", b"3"))) == [
        "layer 0: a is there twice, the later counts"
    ]
    assert (root / "a").read_bytes() == b"3"


def test_a_file_where_a_folder_is_needed_is_refused(root: Path) -> None:
    assert "a is not a folder" in fails(root, archive(entry("a"), entry("a/b")))


def test_the_root_has_to_be_a_folder(root: Path) -> None:
    assert "root has to be a folder" in fails(root, archive(entry("./", kind=b"2", linkname="/")))


def test_hard_links(root: Path) -> None:
    """IMG-BUNDLE-09: to files of this layer and of those below; of a link they make another link."""
    unpacked(
        root,
        archive(entry("a", b"x"), hard_link("b", "/a"), symlink("l", "nowhere")),
        archive(hard_link("c", "./a"), hard_link("m", "l")),
    )
    assert {(root / name).stat().st_ino for name in "abc"} == {(root / "a").stat().st_ino}
    assert os.readlink(root / "m") == "nowhere"


@pytest.mark.parametrize("target", ["missing", "no/such/folder", "d", "/", "../a"])
def test_hard_links_that_lead_nowhere_are_refused(root: Path, target: str) -> None:
    """IMG-BUNDLE-09."""
    assert target in fails(root, archive(folder("d"), entry("a"), hard_link("b", target)))


def test_a_hard_link_to_itself_changes_nothing(root: Path) -> None:
    """IMG-BUNDLE-09."""
    unpacked(root, archive(entry("a", b"x")), archive(hard_link("a", "a")))
    assert (root / "a").read_bytes() == b"x"


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../up", "dangling", "a b", "x" * 3000])
def test_what_a_link_leads_to_is_stored_as_it_is(root: Path, target: str) -> None:
    """IMG-BUNDLE-09."""
    unpacked(root, archive(symlink("l", target)))
    assert os.readlink(root / "l") == target
    assert (root / "l").lstat().st_mtime == TIME


def test_a_link_with_nul_in_its_target_is_refused(root: Path) -> None:
    """IMG-BUNDLE-03."""
    assert "NUL" in fails(root, archive(pax(record("linkpath", b"a\0b")), symlink("l", "x")))


def test_names_that_are_no_text_are_kept(root: Path) -> None:
    unpacked(root, archive(entry("caf\udce9/\udcff")))
    assert os.listdir(os.fsencode(root / "caf\udce9")) == [b"\xff"]


def test_without_root_files_are_the_callers(root: Path) -> None:
    """IMG-BUNDLE-13: which is said once."""
    warnings = unpacked(root, archive(entry("a", uid=12345), entry("b", gid=54321)), policy=CALLER)
    assert warnings == ["without root and without --uid-map all files are the caller's"]
    assert {(root / name).stat().st_uid for name in "ab"} == {os.geteuid()}


def test_an_owner_that_no_map_has_is_refused(root: Path) -> None:
    """IMG-BUNDLE-13."""
    here = Policy(uid_map=((0, os.geteuid(), 1),), gid_map=((0, os.getegid(), 1),), owners=False)
    unpacked(root, archive(entry("a", uid=0, gid=0)), policy=here)
    assert ((root / "a").stat().st_uid, (root / "a").stat().st_gid) == (os.geteuid(), os.getegid())
    with pytest.raises(RingfenceError, match="b: the id 7 is in no range"):
        unpacked(root, archive(entry("b", uid=7, gid=0)), policy=here)


def test_set_user_id_bits_can_be_stripped(root: Path) -> None:
    """IMG-BUNDLE-11."""
    unpacked(
        root,
        archive(entry("a", mode=0o6755), folder("d", mode=0o3777), entry("s", mode=0o1755)),
        policy=Policy(setuid="strip", owners=False),
    )
    assert [mode(root / name) for name in "ads"] == [0o755, 0o3777, 0o1755]


SECOND = bytes.fromhex("0100000202040000000000000000000000000000")
THIRD = bytes.fromhex("0100000302040000000000000000000000000000")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (SECOND, THIRD + (1000).to_bytes(4, "little")),
        (THIRD + bytes(4), THIRD + (1000).to_bytes(4, "little")),
        (THIRD + (9).to_bytes(4, "little"), THIRD + (1009).to_bytes(4, "little")),
        (THIRD, THIRD),
        (SECOND + bytes(4), SECOND + bytes(4)),
        (b"", b""),
        (b"\1\0\0\1" + bytes(8), b"\1\0\0\1" + bytes(8)),
    ],
)
def test_capabilities_of_a_mapped_root_are_not_the_hosts(before: bytes, after: bytes) -> None:
    """IMG-BUNDLE-11, IMG-BUNDLE-13: in the host's own form they would hold for everybody here who runs the file."""
    assert mapped_capability(before, ((0, 1000, 10),), "x") == after
    with pytest.raises(RingfenceError, match="x: the id 10 is in no range"):
        mapped_capability(THIRD + (10).to_bytes(4, "little"), ((0, 1000, 10),), "x")


def test_devices_and_fifos_can_be_left_out_or_refused(root: Path) -> None:
    """IMG-BUNDLE-11."""
    data = archive(entry("p", kind=FIFO), entry("c", kind=b"3", devmajor=1, devminor=3), entry("f"))
    assert unpacked(root, data, policy=CALLER) == ["layer 0: p and other devices and FIFOs are left out"]
    assert names(root) == ["f"]
    with pytest.raises(RingfenceError, match="p: devices and FIFOs are refused"):
        unpacked(root, data, policy=Policy(owners=False, devices="refuse"))


def test_a_fifo_is_made(root: Path) -> None:
    """IMG-BUNDLE-11."""
    unpacked(root, archive(entry("p", kind=FIFO, mode=0o622)), policy=Policy(owners=False))
    assert stat.S_ISFIFO((root / "p").lstat().st_mode)
    assert (mode(root / "p"), (root / "p").lstat().st_mtime) == (0o622, TIME)


def test_user_attributes_are_kept_and_those_of_overlay_are_not(root: Path) -> None:
    """IMG-BUNDLE-11."""
    records = record("SCHILY.xattr.user.kept", b"\0\xff") + record("SCHILY.xattr.user.overlay.opaque", "y")
    records += record("SCHILY.xattr.trusted.overlay.opaque", "y") + record("SCHILY.xattr.security.selinux", "x")
    warnings = unpacked(root, archive(pax(records), entry("a"), pax(records), folder("d")))
    if warnings:
        pytest.skip(warnings[0])
    for name in "ad":
        assert "user.kept" in os.listxattr(root / name)
        assert not [attr for attr in os.listxattr(root / name) if "overlay" in attr]
        assert os.getxattr(root / name, "user.kept") == b"\0\xff"


def test_a_file_system_without_attributes_gives_one_warning(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMG-BUNDLE-11."""

    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", refuse)
    held = pax(record("SCHILY.xattr.user.a", "1"))
    assert unpacked(root, archive(held, entry("a"), held, entry("b"))) == [
        "the file system has no extended attributes, they are left out"
    ]


def test_an_entry_whose_content_does_not_come_is_refused(root: Path) -> None:
    """IMG-BUNDLE-03."""
    block = header(size=0)
    block[124:136] = b"00000001000\0"
    assert "ends too early" in fails(root, resum(block) + b"abc")
