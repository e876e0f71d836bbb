"""Our functions on paths agree with posixpath's."""

from __future__ import annotations

import posixpath
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ringfence import paths

parts = st.sampled_from(["", ".", "..", "a", "bc", "d.e", "/", "//"])
some_paths = st.lists(parts, max_size=8).map("/".join)


@given(some_paths)
def test_normpath(path: str) -> None:
    # POSIX leaves the meaning of exactly two leading slashes open; Linux gives them none.
    assert paths.normpath(path) == posixpath.normpath(path).replace("//", "/")


@given(some_paths, some_paths)
def test_join(base: str, path: str) -> None:
    assert paths.join(base, path) == posixpath.join(base, path)


@given(some_paths)
def test_dirname_and_basename(path: str) -> None:
    assert paths.basename(path) == posixpath.basename(path)
    head = posixpath.dirname(path)
    assert paths.dirname(path) == (head if head.strip("/") else head[:1])


def test_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("", "file", "link", "missing"):
        path = f"{tmp_path}/{name}"
        assert paths.exists(path) == posixpath.exists(path)
        assert paths.isdir(path) == posixpath.isdir(path)
        assert paths.islink(path) == posixpath.islink(path)


def test_makedirs(tmp_path: Path) -> None:
    paths.makedirs(f"{tmp_path}/a/b/c", 0o700)
    paths.makedirs(f"{tmp_path}/a/b/c", 0o700)
    assert (tmp_path / "a/b/c").stat().st_mode & 0o777 == 0o700
