"""The table of containers and what list says of a state folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ringfence.cli import world
from ringfence.cli.list import COLUMNS, table
from ringfence.cli.main import command

HEADER = "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n"


def ls(root: Path, *words: str) -> int:
    return command("ringfence", ["--root", str(root), "list", *words])


def test_the_table() -> None:
    """LNX-STATE-10."""
    state = {"id": "c1", "pid": 0, "status": "stopped", "bundle": "/b", "created": "2026-01-01T00:00:00.1Z"}
    assert table([{**state, "owner": "root"}], COLUMNS).splitlines() == [
        "ID          PID         STATUS      BUNDLE      CREATED                  OWNER",
        "c1          0           stopped     /b          2026-01-01T00:00:00.1Z   root",
    ]


def test_an_empty_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """LNX-STATE-10, LNX-STATE-11, LNX-STATE-12."""
    assert ls(tmp_path) == 0
    assert capfd.readouterr() == (HEADER, "")
    assert ls(tmp_path, "-f", "json") == 0
    assert json.loads(capfd.readouterr().out) == []
    assert ls(tmp_path, "-q") == 0
    assert capfd.readouterr() == ("", "")


def test_other_formats(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """LNX-STATE-12."""
    assert ls(tmp_path, "--format", "xml") == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert "invalid format option" in err


def test_a_folder_that_is_not_there(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """LNX-STATE-13."""
    assert ls(tmp_path / "none") == 1
    assert f"open {tmp_path}/none: no such file or directory" in capfd.readouterr().err
    assert not (tmp_path / "none").exists()


def test_the_default_folder_need_not_be_there(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """LNX-STATE-13."""
    monkeypatch.setattr(world, "is_mapped_root", lambda _: True)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert command("ringfence", ["list"]) == 0
    assert capfd.readouterr() == (HEADER, "")
    assert list(tmp_path.iterdir()) == []


def test_broken_entries_are_named_and_files_are_passed_over(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """LNX-STATE-14."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "file").write_text("")
    assert ls(tmp_path) == 0
    out, err = capfd.readouterr()
    assert out == HEADER
    assert err.startswith("load container broken: ")
    assert len(err.splitlines()) == 1
