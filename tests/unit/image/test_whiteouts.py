"""Whiteouts take away what lower layers have, and nothing else."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.errors import RingfenceError
from ringfence.image.whiteout import ALL, IGNORED, NONE, PLAIN, whiteout
from tests.unit.image.archives import archive, entry, folder, hard_link, names, symlink, unpacked

LOWER = archive(folder("d"), entry("d/a"), entry("d/b"), folder("d/c"), entry("d/c/x"), entry("f"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.mark.parametrize("gone", ["f", "d/a", "d/c", "d"])
def test_a_whiteout_deletes_what_lies_below(root: Path, gone: str) -> None:
    """IMG-BUNDLE-06: a folder with all in it; the whiteout itself is not made."""
    head, _, tail = gone.rpartition("/")
    unpacked(root, LOWER, archive(entry(f"{head}/.wh.{tail}" if head else f".wh.{tail}")))
    every = ["d", "d/a", "d/b", "d/c", "d/c/x", "f"]
    assert names(root) == [name for name in every if not f"{name}/".startswith(f"{gone}/")]


@pytest.mark.parametrize("name", [".wh.nothing", "no/such/.wh.folder", "no/.wh..wh..opq"])
def test_a_whiteout_of_nothing_is_fine(root: Path, name: str) -> None:
    """IMG-BUNDLE-06: and makes nothing."""
    unpacked(root, LOWER, archive(entry(name)))
    assert names(root) == ["d", "d/a", "d/b", "d/c", "d/c/x", "f"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_what_the_same_layer_has_stays_whatever_the_order(root: Path, order: tuple[int, ...]) -> None:
    """IMG-BUNDLE-06: of a folder that the layer has too, what it has not goes."""
    parts = [entry("d/c/new"), entry("d/.wh.c"), entry("d/a", b"new")]
    unpacked(root, LOWER, archive(*(parts[place] for place in order)))
    assert names(root) == ["d", "d/a", "d/b", "d/c", "d/c/new", "f"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_an_opaque_whiteout_hides_all_lower_children(root: Path, order: tuple[int, ...]) -> None:
    """IMG-BUNDLE-07: wherever it stands; what the layer has stays, and so does the folder."""
    parts = [entry("d/.wh..wh..opq"), entry("d/new"), entry("d/c/deep/new"), folder("d")]
    unpacked(root, LOWER, archive(*(parts[place] for place in order)))
    assert names(root) == ["d", "d/c", "d/c/deep", "d/c/deep/new", "d/new", "f"]


def test_an_opaque_root(root: Path) -> None:
    """IMG-BUNDLE-07."""
    unpacked(root, LOWER, archive(entry("only"), entry(".wh..wh..opq")))
    assert names(root) == ["only"]


def test_an_opaque_folder_with_nothing_else_stays(root: Path) -> None:
    """IMG-BUNDLE-07."""
    unpacked(root, LOWER, archive(entry("d/.wh..wh..opq")))
    assert names(root) == ["d", "f"]


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh...", "d/.wh.", "d/.wh...", ".wh.d/x"])
def test_whiteouts_that_name_nothing_are_refused(root: Path, name: str) -> None:
    """IMG-BUNDLE-07."""
    with pytest.raises(RingfenceError, match="whiteout"):
        unpacked(root, LOWER, archive(entry(name)))


@pytest.mark.parametrize("name", [".wh..wh.aufs", ".wh..wh.orph/x", "d/.wh..wh.plnk/y"])
def test_bookkeeping_of_old_storage_is_ignored(root: Path, name: str) -> None:
    """IMG-BUNDLE-07."""
    unpacked(root, LOWER, archive(entry(name)))
    assert names(root) == ["d", "d/a", "d/b", "d/c", "d/c/x", "f"]


def test_a_whiteout_below_a_link_deletes_inside_the_root_only(root: Path, tmp_path: Path) -> None:
    """IMG-BUNDLE-07."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").touch()
    unpacked(root, archive(folder("d"), entry("d/a"), symlink("in", "d"), symlink("out", str(outside))))
    unpacked(root, archive(entry("in/.wh.a"), entry("out/.wh.a"), entry("out/.wh..wh..opq")))
    assert (outside / "a").exists()
    assert names(root) == ["d", "in", "out"]


def test_a_whiteout_of_a_link_removes_the_link(root: Path) -> None:
    """IMG-BUNDLE-06."""
    unpacked(root, archive(folder("d"), entry("d/a"), symlink("l", "d")), archive(entry(".wh.l")))
    assert names(root) == ["d", "d/a"]


def test_a_replaced_folder_is_not_remembered(root: Path) -> None:
    """IMG-BUNDLE-08: its inode may be that of another file later, which must not get its attributes."""
    layer = archive(folder("d", mode=0o700), entry(".wh.d"), folder("e", mode=0o711), entry("f", b"x"))
    unpacked(root, archive(folder("d"), entry("d/x")), archive(entry(".wh.d"), entry("d", b"now a file")), layer)
    assert (root / "e").stat().st_mode & 0o7777 == 0o711


def test_the_kinds() -> None:
    """IMG-BUNDLE-06, IMG-BUNDLE-07."""
    assert whiteout([b"a", b".wh.b"]) == (PLAIN, b"b")
    assert whiteout([b".wh..wh..opq"]) == (ALL, b"")
    assert whiteout([b".wh..wh.plnk", b"1.2"]) == (IGNORED, b"")
    assert whiteout([b"a.wh.b", b"x.wh."]) == (NONE, b"")
    assert whiteout([]) == (NONE, b"")


# A model: a layer says for every path what it has, and which names it takes away; the order within it does not matter.

FOLDERS = ("p", "q", "p/r")
FILES = ("p/1", "p/2", "p/r/1", "q/1")


@st.composite
def layers(draw: st.DrawFn) -> tuple[set[str], set[str], set[str], list[bytes]]:
    """Files, whiteouts and opaque folders of a layer, and its entries in any order."""
    files = draw(st.sets(st.sampled_from(FILES)))
    hidden = draw(st.sets(st.sampled_from((*FOLDERS, *FILES))))
    opaque = draw(st.sets(st.sampled_from(FOLDERS)))
    entries = [entry(name, b"x") for name in files]
    entries += [entry("/".join((*name.split("/")[:-1], f".wh.{name.rpartition('/')[2]}"))) for name in hidden]
    entries += [entry(f"{name}/.wh..wh..opq") for name in opaque]
    return files, hidden, opaque, draw(st.permutations(entries))


@given(st.lists(layers(), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_layers_give_what_the_model_gives(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[set[str], set[str], set[str], list[bytes]]]
) -> None:
    """IMG-BUNDLE-06, IMG-BUNDLE-07: files are those of a layer and, of those below, what it does not hide."""
    expected: set[str] = set()
    for files, hidden, opaque, _ in drawn:
        covers = {f"{name}/" for name in hidden | opaque}
        kept = {name for name in expected if name not in hidden and not any(name.startswith(cover) for cover in covers)}
        expected = kept | files
    root = tmp_path_factory.mktemp("model") / "root"
    unpacked(root, *(archive(*entries) for _, _, _, entries in drawn))
    assert {name for name in names(root) if (root / name).is_file()} == expected


def test_a_hard_link_to_what_is_hidden_is_refused(root: Path) -> None:
    """IMG-BUNDLE-09."""
    with pytest.raises(RingfenceError, match="does not exist"):
        unpacked(root, LOWER, archive(entry(".wh.f"), hard_link("g", "f")))
