"""What the lifecycle is given: the state folder and the meaning of global options."""

from __future__ import annotations

import posix
from pathlib import Path

import pytest

from ringfence.cli import world
from ringfence.cli.log import Log
from ringfence.cli.options import GLOBAL_OPTIONS, parse
from ringfence.cli.world import default_root, make_runtime, rootless, state_root
from ringfence.container.runtime import Runtime
from ringfence.errors import RingfenceError


def make(*words: str, verb: str = "state") -> Runtime:
    return make_runtime("ringfence", verb, parse(words, GLOBAL_OPTIONS, anywhere=False), Log())


@pytest.mark.parametrize(("program", "root"), [("runc", "/run/runc"), ("ringfence", "/run/ringfence")])
def test_default_state_folder_of_root(program: str, root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """LNX-CLI-14."""
    monkeypatch.setattr(posix, "geteuid", lambda: 0)
    monkeypatch.setattr(world, "is_mapped_root", lambda _: False)
    assert default_root(program, {"XDG_RUNTIME_DIR": "/run/user/0"}) == root


def test_freebsd_has_its_state_folders_below_var(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAIL-PORT-01, JAIL-COMPAT-01: it has no /run."""
    monkeypatch.setattr(posix, "geteuid", lambda: 0)
    monkeypatch.setattr("sys.platform", "freebsd14")
    assert default_root("ringfence", {}) == "/var/run/ringfence"
    assert default_root("runj", {}) == "/var/lib/runj/jails"


def test_default_state_folder_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """LNX-CLI-14."""
    monkeypatch.setattr(posix, "geteuid", lambda: 1000)
    assert default_root("runc", {"XDG_RUNTIME_DIR": "/run/user/1000"}) == "/run/user/1000/runc"
    assert default_root("runc", {}) == "/run/runc"


def test_an_empty_runtime_dir_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """LNX-CLI-14: podman sets it so."""
    monkeypatch.setattr(posix, "geteuid", lambda: 1000)
    assert default_root("runc", {"XDG_RUNTIME_DIR": ""}) == "/run/runc"


@pytest.mark.parametrize(
    ("user", "root"), [("root", "/run/ringfence"), ("alice", "/run/user/1/ringfence"), (None, "/run/user/1/ringfence")]
)
def test_root_in_a_user_namespace(user: str | None, root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """LNX-CLI-14."""
    monkeypatch.setattr(posix, "geteuid", lambda: 0)
    monkeypatch.setattr(world, "WHOLE_UID_MAP", [])
    environment = {"XDG_RUNTIME_DIR": "/run/user/1"} | ({"USER": user} if user else {})
    assert default_root("ringfence", environment) == root


@pytest.mark.parametrize(
    ("given", "root"), [("/a/../b/", "/b"), ("x", "/cwd/x"), ("./x/.", "/cwd/x"), ("//x", "/x"), ("../../x", "/x")]
)
def test_root_is_made_absolute_and_clean(given: str, root: str) -> None:
    """LNX-CLI-15."""
    assert state_root(given, "/cwd") == root


@pytest.mark.parametrize("given", ["/", "//", "/x/..", "..", "/./"])
def test_root_must_not_be_the_root(given: str) -> None:
    """LNX-CLI-15."""
    with pytest.raises(RingfenceError, match="Option --root argument should not be set to /"):
        state_root(given, "/cwd")


@pytest.mark.parametrize(
    ("word", "meaning"),
    [("true", "true"), ("T", "true"), ("1", "true"), ("False", "false"), ("0", "false"), ("AUTO", "auto")],
)
def test_rootless_words(word: str, meaning: str) -> None:
    """LNX-CLI-19."""
    assert rootless(word) == meaning


@pytest.mark.parametrize("word", ["", "maybe", "yes", "2"])
def test_other_rootless_words(word: str) -> None:
    """LNX-CLI-19."""
    with pytest.raises(RingfenceError):
        make("--rootless", word)


def test_systemd_cgroup_needs_systemd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """LNX-CLI-18."""
    monkeypatch.setattr(world, "SYSTEMD_MARK", str(tmp_path / "none"))
    with pytest.raises(RingfenceError, match="systemd support for managing cgroups is not available"):
        make("--systemd-cgroup")
    assert make("--systemd-cgroup", verb="features").systemd_cgroup
    monkeypatch.setattr(world, "SYSTEMD_MARK", str(tmp_path))
    assert make("--systemd-cgroup").systemd_cgroup


def test_criu_names_the_program_for_checkpoints() -> None:
    """LNX-CLI-20."""
    assert make("--criu", "/opt/criu").criu == "/opt/criu"


def test_trace_is_relative_to_the_caller(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert make("--trace", "t").trace == f"{tmp_path}/t"
    assert make().trace == ""


def test_a_removed_working_directory_does_no_harm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert make("--root", "/x").root == "/x"
    assert make("--root", "/x/../y").root == "/y"
    with pytest.raises(RingfenceError, match="getwd: no such file or directory"):
        make("--root", "x")
