"""Images that try to reach out of their root. Each has been a hole in some tool; each stays here for good."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.errors import RingfenceError
from ringfence.image.bundle import discard
from ringfence.image.inside import Root, open_file
from ringfence.image.policy import Policy
from tests.unit.image.archives import archive, entry, folder, hard_link, names, symlink, unpacked

SECRET = b"the host's"


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A root beside a folder of the host's, which must be the same at the end."""
    outside = tmp_path / "host"
    outside.mkdir()
    (outside / "passwd").write_bytes(SECRET)
    (outside / "d").mkdir()
    before = (names(outside), outside.stat().st_mode, (outside / "passwd").stat())
    yield tmp_path / "root"
    after = (names(outside), outside.stat().st_mode, (outside / "passwd").stat())
    assert (after[0], after[1], after[2].st_mode, after[2].st_nlink) == (before[0], before[1], before[2].st_mode, 1)
    assert (outside / "passwd").read_bytes() == SECRET


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/../x", "..", "a/..", "./../x"])
def test_a_name_with_two_dots_is_refused(root: Path, name: str) -> None:
    """IMG-BUNDLE-05."""
    with pytest.raises(RingfenceError, match=r"'\.\.'"):
        unpacked(root, archive(folder("a"), entry(name)))


def test_an_absolute_name_is_one_below_the_root(root: Path) -> None:
    """IMG-BUNDLE-05."""
    unpacked(root, archive(entry("//etc///passwd", b"x")))
    assert (root / "etc/passwd").read_bytes() == b"x"


@pytest.mark.parametrize("target", ["/tmp", "../../..", "/", "../host", "a/../../../host", "/proc/self/root"])
def test_a_link_on_the_way_leads_inside_the_root(root: Path, target: str) -> None:
    """IMG-BUNDLE-05: an absolute one from the root, dots up to the root only."""
    unpacked(root, archive(folder("a"), symlink("l", target), entry("l/x", b"in")))
    assert len([name for name in names(root) if name.endswith("x")]) == 1


def test_links_through_links(root: Path, tmp_path: Path) -> None:
    """IMG-BUNDLE-05."""
    unpacked(
        root,
        archive(
            symlink("a", "b"), symlink("b", "/c/d"), symlink("c", f"..{tmp_path}/host"), entry("a/passwd", b"mine")
        ),
    )
    assert (root / f"{str(tmp_path).lstrip('/')}/host/d/passwd").read_bytes() == b"mine"


def test_links_in_a_circle_are_refused(root: Path) -> None:
    """IMG-BUNDLE-05."""
    with pytest.raises(RingfenceError, match="too many links"):
        unpacked(root, archive(symlink("a", "b"), symlink("b", "a"), entry("a/x")))


@pytest.mark.parametrize("text", ["../" * 1300, "./" * 2000, "d/../" * 800, "/" * 4000])
def test_links_whose_way_is_endless_are_refused(root: Path, text: str) -> None:
    """IMG-BUNDLE-05, IMG-BUNDLE-14: each is allowed, but not one behind the other."""
    every = archive(folder("d"), symlink("a", f"{text}b"), symlink("b", f"{text}d"), entry("b/x"), entry("a/y"))
    with pytest.raises(RingfenceError, match="too many links"):
        unpacked(root, every)
    assert names(root) == ["a", "b", "d", "d/x"]


@pytest.mark.parametrize("what", ["file", "folder", "hard link"])
def test_the_last_component_is_never_followed(root: Path, tmp_path: Path, what: str) -> None:
    """IMG-BUNDLE-05: the link is replaced, what it leads to is not touched."""
    new = {"file": entry("l", b"new"), "folder": folder("l", mode=0o777), "hard link": hard_link("l", "f")}[what]
    unpacked(root, archive(entry("f", b"x"), symlink("l", str(tmp_path / "host/passwd")), new))
    assert not (root / "l").is_symlink()


def test_a_hard_link_to_a_link_does_not_reach_the_host(root: Path, tmp_path: Path) -> None:
    """IMG-BUNDLE-09: writing to the second name replaces it."""
    unpacked(
        root,
        archive(symlink("l", str(tmp_path / "host/passwd")), hard_link("h", "l")),
        archive(entry("h", b"written")),
    )
    assert (root / "h").read_bytes() == b"written"


@pytest.mark.parametrize("target", ["/host/passwd", "../host/passwd", "l/passwd"])
def test_a_hard_link_does_not_name_a_file_of_the_host(root: Path, tmp_path: Path, target: str) -> None:
    """IMG-BUNDLE-09."""
    with pytest.raises(RingfenceError):
        unpacked(root, archive(symlink("l", str(tmp_path / "host")), hard_link("h", target)))


def test_removing_a_folder_does_not_follow_links_in_it(root: Path, tmp_path: Path) -> None:
    """IMG-BUNDLE-08."""
    unpacked(root, archive(symlink("d/l", str(tmp_path / "host")), entry("d/x")), archive(entry("d", b"a file")))
    assert (root / "d").is_file()


def test_a_folder_that_becomes_a_link_between_layers(root: Path, tmp_path: Path) -> None:
    """IMG-BUNDLE-05: a folder that was open a moment ago is looked for anew."""
    unpacked(
        root,
        archive(entry("d/a"), symlink("d", str(tmp_path / "host")), entry("d/passwd", b"mine")),
        archive(entry("d/passwd", b"mine")),
    )
    assert os.readlink(root / "d") == str(tmp_path / "host")


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.text(alphabet="abcd./", min_size=1, max_size=12)), max_size=8))
@settings(max_examples=150, deadline=None)
def test_no_heap_of_links_leads_out(tmp_path_factory: pytest.TempPathFactory, links: list[tuple[str, str]]) -> None:
    """IMG-BUNDLE-05: whatever links there are, all that is written lies below the root."""
    base = tmp_path_factory.mktemp("links")
    entries = [symlink(name, target) for name, target in links]
    entries += [entry(f"{name}/{other}/evil", b"x") for name in "abcd" for other in "abcd"]
    for data in entries:
        try:
            unpacked(base / "root", archive(*(symlink(name, target) for name, target in links)), archive(data))
        except RingfenceError:
            continue
    assert sorted(os.listdir(base)) == ["root"]


NAMES = st.lists(st.sampled_from(["a", "b", "l", ".wh.a", ".wh.l", ".wh..wh..opq", ".", ".."]), min_size=1, max_size=4)
KINDS = (b"0", b"1", b"2", b"5", b"6", b"3", b"S", b"7")


@given(
    st.lists(
        st.lists(
            st.tuples(NAMES, st.sampled_from(KINDS), NAMES, st.sampled_from([0, 0o755, 0o6777]), st.booleans()),
            max_size=8,
        ),
        min_size=1,
        max_size=3,
    )
)
@settings(max_examples=150, deadline=None)
def test_any_heap_of_entries_gives_a_tree_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, layers: list[list[tuple[list[str], bytes, list[str], int, bool]]]
) -> None:
    """IMG-BUNDLE-05, IMG-BUNDLE-06, IMG-BUNDLE-08, IMG-BUNDLE-09: no other exception, and all lies below the root."""
    base = tmp_path_factory.mktemp("heap")
    data = [
        archive(
            *(
                entry(
                    ("/" if absolute else "") + "/".join(name), b"x" * (kind in b"07"), kind, mode=mode,
                    linkname=("/" if absolute else "") + "/".join(target), devmajor=1, devminor=3,
                )
                for name, kind, target, mode, absolute in entries
            )
        )
        for entries in layers
    ]  # fmt: skip
    before = len(os.listdir("/dev/fd"))
    try:
        unpacked(base / "root", *data, policy=Policy(owners=False, devices="skip"))
    except RingfenceError:
        pass
    assert len(os.listdir("/dev/fd")) == before
    assert os.listdir(base) == ["root"]
    discard(str(base / "root"))
    assert os.listdir(base) == []


def test_a_writer_at_the_same_time_gains_nothing(root: Path, tmp_path: Path) -> None:
    """IMG-BUNDLE-05: a folder is exchanged for a link to the host all the while."""
    unpacked(root, archive(folder("d"), folder("spare")))
    stop = threading.Event()

    def exchange() -> None:
        while not stop.is_set():
            try:
                os.rename(root / "d", root / "kept")
                os.symlink(tmp_path / "host", root / "d")
                os.unlink(root / "d")
                os.rename(root / "kept", root / "d")
            except OSError:
                continue

    thread = threading.Thread(target=exchange)
    thread.start()
    try:
        for number in range(150):
            layer = archive(*(entry(f"d/{name}", b"evil") for name in ("passwd", "d", f"n{number}")), entry("d/.wh.d"))
            try:
                unpacked(root, layer)
            except RingfenceError:
                continue
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    ("links", "path"),
    [
        ({"etc": "../host"}, "etc/passwd"),
        ({"p": "../host/passwd"}, "p"),
        ({"p": "/host/passwd"}, "p"),
        ({"a": "/a"}, "a"),
        ({}, ".."),
        ({}, "../host/passwd"),
    ],
)
def test_a_file_is_opened_inside_the_root_only(root: Path, links: dict[str, str], path: str) -> None:
    """IMG-CONF-04: accounts are read from the root, not from the host."""
    root.mkdir()
    for name, target in links.items():
        (root / name).symlink_to(target)
    descriptor = os.open(root, os.O_RDONLY)
    try:
        with pytest.raises((FileNotFoundError, RingfenceError)):
            open_file(descriptor, path)
    finally:
        os.close(descriptor)


def test_links_to_a_file_of_the_root_are_followed(root: Path) -> None:
    root.mkdir()
    (root / "a").mkdir()
    (root / "a/f").write_text("found")
    (root / "l").symlink_to("/a/../a/m")
    (root / "a/m").symlink_to("f")
    descriptor = os.open(root, os.O_RDONLY)
    held = open_file(descriptor, "l")
    assert os.read(held, 10) == b"found"
    os.close(held)
    os.close(descriptor)


def test_folders_do_not_stay_open(root: Path) -> None:
    """IMG-BUNDLE-14: a wide tree does not use up the descriptors."""
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    unpacked(root, archive(*(entry(f"d{number}/f") for number in range(600))))
    assert len(names(root)) == 1200
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_root_can_be_searched_without_making_anything(root: Path) -> None:
    root.mkdir()
    descriptor = os.open(root, os.O_RDONLY)
    held = Root(descriptor)
    with pytest.raises(FileNotFoundError):
        held.find([b"a", b"b"])
    held.forget()
    os.close(descriptor)
    assert names(root) == []
