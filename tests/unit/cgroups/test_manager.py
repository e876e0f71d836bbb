"""A container's cgroups while it lives, on trees that stand for the kernel's."""

from __future__ import annotations

import errno
import posix
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.cgroups import manager as module
from ringfence.cgroups.manager import Cgroup, counter
from ringfence.cgroups.paths import CgroupDir
from ringfence.cgroups.signals import signal_all
from ringfence.errors import RingfenceError
from tests.unit.cgroups.hosts import fake, only


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that only a signal ends."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


def test_processes_are_those_of_the_whole_tree_once_and_in_order(tmp_path: Path) -> None:
    """LNX-PPR-03."""
    fake(tmp_path, cgroup__procs="30\n4\n")
    fake(tmp_path / "a", cgroup__procs="4\n17\n")
    fake(tmp_path / "a" / "b", cgroup__procs="5\n")
    assert Cgroup(only("freezer", tmp_path)).processes() == [4, 5, 17, 30]


def test_a_process_of_another_pid_namespace_is_never_taken_for_our_own_group(tmp_path: Path) -> None:
    """It reads as 0, which kill(2) takes for the caller's process group."""
    fake(tmp_path, cgroup__procs="0\n0\n7\n")
    assert Cgroup(only("", tmp_path)).processes() == [7]


@pytest.mark.parametrize("dirs", [(), only("freezer", "/nonexistent/web"), only("", "/nonexistent/web")])
def test_a_cgroup_that_has_vanished_answers_everything(dirs: tuple[CgroupDir, ...]) -> None:
    """LNX-STATE-09, LNX-PPR-04."""
    group = Cgroup(dirs)
    assert group.processes() == []
    assert not group.is_frozen()
    assert not group.oom_killed()
    assert group.end_all()
    group.kill_all()
    group.remove(kill=True)


@pytest.mark.parametrize("controller", ["freezer", "pids", ""])
def test_kill_all_reaches_every_process(tmp_path: Path, sleeper: subprocess.Popen[bytes], controller: str) -> None:
    """LNX-KILL-08: with and without a freezer."""
    fake(tmp_path, cgroup__procs=f"{sleeper.pid}\n", freezer__state="")
    Cgroup(only(controller, tmp_path)).kill_all()
    assert sleeper.wait() == -signal.SIGKILL


def test_another_signal_reaches_every_process(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    fake(tmp_path, cgroup__procs=f"{sleeper.pid}\n")
    Cgroup(only("pids", tmp_path)).kill_all(signal.SIGTERM)
    assert sleeper.wait() == -signal.SIGTERM


def test_the_kernels_own_kill_is_asked_first(tmp_path: Path) -> None:
    """LNX-KILL-08."""
    fake(tmp_path, cgroup__procs="", cgroup__kill="", cgroup__freeze="")
    Cgroup(only("", tmp_path)).kill_all()
    assert (tmp_path / "cgroup.kill").read_text() == "1"


def test_killing_thaws_a_paused_container(tmp_path: Path) -> None:
    """LNX-KILL-09."""
    fake(tmp_path, cgroup__procs="", freezer__state="FROZEN")
    Cgroup(only("freezer", tmp_path)).kill_all()
    assert (tmp_path / "freezer.state").read_text() == "THAWED"


def test_a_milder_signal_leaves_a_paused_container_paused(tmp_path: Path) -> None:
    fake(tmp_path, cgroup__procs="", freezer__state="FROZEN")
    Cgroup(only("freezer", tmp_path)).kill_all(signal.SIGTERM)
    assert (tmp_path / "freezer.state").read_text() == "FROZEN"


def test_a_process_that_has_left_the_list_is_not_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    """LNX-KILL-10: between the two readings its pid may have gone to someone else."""
    answers = [[sleeper.pid], []]
    signal_all(lambda: answers.pop(0), signal.SIGKILL)
    assert sleeper.poll() is None


def test_a_signal_the_kernel_refuses_is_an_error(sleeper: subprocess.Popen[bytes]) -> None:
    with pytest.raises(RingfenceError, match="invalid argument"):
        signal_all(lambda: [sleeper.pid], 1000)


def test_end_all_gives_up_after_a_while(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    fake(tmp_path, cgroup__procs=f"{sleeper.pid}\n")
    assert not Cgroup(only("pids", tmp_path)).end_all(0.0)


def test_remove_takes_sub_cgroups_with_it(tmp_path: Path) -> None:
    """LNX-DEL-08: per hierarchy."""
    dirs = tuple(CgroupDir((name,), str(tmp_path / name / "web")) for name in ("cpu", "pids"))
    (tmp_path / "cpu" / "web" / "a" / "b").mkdir(parents=True)
    (tmp_path / "pids" / "web" / "c").mkdir(parents=True)
    rmdir = posix.rmdir

    def kernel(path: str) -> None:
        try:
            rmdir(path)
        except OSError as error:
            raise OSError(errno.EBUSY, "Device or resource busy") if error.errno == errno.ENOTEMPTY else error from None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(posix, "rmdir", kernel)
        Cgroup(dirs).remove()
    assert [list((tmp_path / name).iterdir()) for name in ("cpu", "pids")] == [[], []]


def test_remove_waits_for_a_cgroup_that_is_busy_for_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "web").mkdir()
    rmdir = posix.rmdir
    refusals = [OSError(errno.EBUSY, "Device or resource busy")] * 3

    def kernel(path: str) -> None:
        if refusals:
            raise refusals.pop()
        rmdir(path)

    monkeypatch.setattr(posix, "rmdir", kernel)
    Cgroup(only("pids", tmp_path / "web")).remove()
    assert not (tmp_path / "web").exists()


def busy(path: str) -> None:
    raise OSError(errno.EBUSY, "Device or resource busy")


def test_remove_says_which_cgroup_stays_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path / "web", cgroup__procs="")
    monkeypatch.setattr(posix, "rmdir", busy)
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    with pytest.raises(RingfenceError, match=f"cannot remove cgroup {tmp_path}/web: device or resource busy"):
        Cgroup(only("pids", tmp_path / "web")).remove(kill=True)


def test_remove_kills_nobody_unless_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sleeper: subprocess.Popen[bytes]
) -> None:
    fake(tmp_path / "web", cgroup__procs=f"{sleeper.pid}\n")
    monkeypatch.setattr(posix, "rmdir", busy)
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    with pytest.raises(RingfenceError):
        Cgroup(only("pids", tmp_path / "web")).remove()
    assert sleeper.poll() is None
    with pytest.raises(RingfenceError):
        Cgroup(only("pids", tmp_path / "web")).remove(kill=True)
    assert sleeper.wait() == -signal.SIGKILL


def test_remove_does_not_touch_the_parent(tmp_path: Path) -> None:
    """LNX-DEL-09."""
    (tmp_path / "parent" / "web").mkdir(parents=True)
    Cgroup(only("pids", tmp_path / "parent" / "web")).remove()
    assert list((tmp_path / "parent").iterdir()) == []


@pytest.mark.parametrize(
    ("controller", "file", "text", "expected"),
    [
        ("memory", "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", True),
        ("memory", "memory.oom_control", "oom_kill_disable 0\nunder_oom 1\noom_kill 0\n", False),
        ("", "memory.events", "low 0\noom 1\noom_kill 1\noom_group_kill 0\n", True),
        ("", "memory.events", "low 0\noom 1\noom_kill 0\noom_group_kill 3\n", False),
    ],
)
def test_oom_kills_are_counted(tmp_path: Path, controller: str, file: str, text: str, expected: bool) -> None:
    """LNX-LIFE-26."""
    (tmp_path / file).write_text(text)
    assert Cgroup(only(controller, tmp_path)).oom_killed() is expected


def test_counter_takes_whole_names() -> None:
    assert counter("oom_kill_disable 9\noom_kill 4\n", "oom_kill") == 4
