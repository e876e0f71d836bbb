"""An image that is larger than allowed is stopped at once, and the limit is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.errors import RingfenceError
from ringfence.image.bundle import Wanted, make_bundle
from ringfence.image.limits import DEFAULT, LimitError, Limits, parse_limits
from ringfence.image.platform import Platform
from ringfence.image.policy import usual_policy
from ringfence.image.runtime_config import Choices
from tests.unit.image.archives import Layout, archive, entry, folder, names, symlink, unpacked


@pytest.mark.parametrize(
    ("limits", "data", "name"),
    [
        (Limits(bytes=10), archive(entry("a", b"x" * 6), entry("b", b"x" * 6)), "bytes=10"),
        (Limits(file=10), archive(entry("a", b"x" * 11)), "file=10"),
        (Limits(entries=2), archive(entry("a"), entry("b"), entry(".wh.c")), "entries=2"),
        (Limits(name=10), archive(entry("a/b/c/d/e/f")), "name=10"),
        (DEFAULT, archive(entry("a/" * 2048 + "b")), "name=4096"),
        (DEFAULT, archive(entry("a" * 256)), "component=255"),
        (DEFAULT, archive(entry("a/" * 300 + "b")), "depth=256"),
        (Limits(depth=3), archive(folder("a/b/c/d")), "depth=3"),
    ],
)
def test_a_limit_is_named(tmp_path: Path, limits: Limits, data: bytes, name: str) -> None:
    """IMG-BUNDLE-14."""
    with pytest.raises(LimitError, match=name) as caught:
        unpacked(tmp_path / "root", data, limits=limits)
    assert ("--limit" in caught.value.hint) == (name != "depth=256")


def test_folders_do_not_become_deeper_by_links(tmp_path: Path) -> None:
    """IMG-BUNDLE-14."""
    deep = "/".join("d" * 8)
    with pytest.raises(RingfenceError, match="depth=10"):
        unpacked(
            tmp_path / "root", archive(folder(deep), symlink("l", deep), entry(f"l/{deep}/x")), limits=Limits(depth=10)
        )


def bundle(layout: Layout, target: Path, limits: Limits) -> None:
    choices = Choices(system="linux", cgroup_v2=True, hostname="test")
    wanted = Wanted(
        image=str(layout.path),
        folder=str(target),
        choices=choices,
        policy=usual_policy(False),
        platform=Platform("linux", "amd64"),
        limits=limits,
    )
    make_bundle(wanted, lambda _: None, Silent())


class Silent:
    """Progress that nobody watches."""

    def begin(self, total: int) -> None:
        """Begin."""

    def add(self, count: int) -> None:
        """Go on."""


def test_limits_count_over_all_layers_and_nothing_stays(tmp_path: Path) -> None:
    """IMG-BUNDLE-14: the disk is as free as before."""
    layout = Layout(tmp_path / "layout")
    layout.add(archive(entry("a", b"x" * 600)), archive(entry("b", b"x" * 600)))
    with pytest.raises(LimitError, match="bytes=1000"):
        bundle(layout, tmp_path / "bundle", Limits(bytes=1000))
    assert [name for name in names(tmp_path) if not name.startswith("layout")] == []
    bundle(layout, tmp_path / "bundle", Limits(bytes=1200))
    assert (tmp_path / "bundle/rootfs/b").exists()


def test_too_many_layers(tmp_path: Path) -> None:
    """IMG-BUNDLE-14: 512 are allowed."""
    layout = Layout(tmp_path / "layout")
    layout.add(*[archive(entry("a"))] * 513)
    with pytest.raises(LimitError, match="layers=512"):
        bundle(layout, tmp_path / "bundle", DEFAULT)
    bundle(layout, tmp_path / "bundle", Limits(layers=513))


def test_limits_are_set_by_name() -> None:
    """IMG-BUNDLE-14."""
    assert parse_limits(("bytes=20g", "entries=5", "bytes=3k")) == Limits(bytes=3 * 1024, entries=5)
    assert parse_limits(()) == DEFAULT


@pytest.mark.parametrize(
    "word", ["bytes", "bytes=", "bytes=x", "bytes=-1", "other=1", "=1", "bytes=1t", "bytes=\u0661"]
)
def test_words_that_set_no_limit_are_refused(word: str) -> None:
    """IMG-BUNDLE-14."""
    with pytest.raises(RingfenceError, match="not a limit") as caught:
        parse_limits((word,))
    assert "ratio" in caught.value.hint
