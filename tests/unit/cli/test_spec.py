"""Writing a config.json to start from."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ringfence.cli.main import command


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_into_the_current_folder(tmp_path: Path) -> None:
    """LNX-SPEC-01, LNX-SPEC-02."""
    umask = os.umask(0o27)
    try:
        assert command("ringfence", ["spec"]) == 0
    finally:
        os.umask(umask)
    path = tmp_path / "config.json"
    text = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o640
    assert text == json.dumps(json.loads(text), indent="\t")


def test_into_a_bundle(tmp_path: Path) -> None:
    """LNX-SPEC-01."""
    (tmp_path / "b").mkdir()
    assert command("ringfence", ["spec", "-b", "b"]) == 0
    assert os.listdir(tmp_path / "b") == ["config.json"]


def test_never_over_a_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """LNX-SPEC-01."""
    (tmp_path / "config.json").write_text("mine")
    assert command("ringfence", ["spec"]) == 1
    assert "File config.json exists. Remove it first" in capfd.readouterr().err
    assert (tmp_path / "config.json").read_text() == "mine"


def test_a_bundle_that_is_not_there(capfd: pytest.CaptureFixture[str]) -> None:
    """LNX-SPEC-01."""
    assert command("ringfence", ["spec", "--bundle", "none"]) == 1
    assert "none/config.json: no such file or directory" in capfd.readouterr().err


@pytest.mark.parametrize("program", ["runc", "ringfence"])
def test_the_host_name_is_the_programs(tmp_path: Path, program: str) -> None:
    """LNX-SPEC-05."""
    assert command(program, ["spec"]) == 0
    assert json.loads((tmp_path / "config.json").read_text())["hostname"] == program


def test_rootless(tmp_path: Path) -> None:
    """LNX-SPEC-09."""
    assert command("ringfence", ["spec", "--rootless"]) == 0
    linux = json.loads((tmp_path / "config.json").read_text())["linux"]
    assert linux["uidMappings"] == [{"containerID": 0, "hostID": os.geteuid(), "size": 1}]
