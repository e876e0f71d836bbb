"""Freezing on made-up kernels; the real ones are in test_privileged.py."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from ringfence.cgroups import freezer as module
from ringfence.cgroups.freezer import Freezer
from ringfence.errors import RingfenceError
from tests.unit.cgroups.hosts import fake, only


class SlowKernel:
    """A v1 freezer that stays at FREEZING until the Nth question, or for ever."""

    def __init__(self, questions: int):
        self.questions = questions
        self.written: list[str] = []

    def write(self, path: str, value: str) -> None:
        self.written.append(value)

    def read(self, path: str) -> str:
        self.questions -= 1
        return "FROZEN\n" if self.questions <= 0 else "FREEZING\n"


def install(monkeypatch: pytest.MonkeyPatch, kernel: SlowKernel) -> Freezer:
    monkeypatch.setattr(module, "write", kernel.write)
    monkeypatch.setattr(module, "read", kernel.read)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return Freezer(only("freezer", "/cg/web"))


def test_v1_is_asked_again_while_it_is_freezing(monkeypatch: pytest.MonkeyPatch) -> None:
    """LNX-PPR-08."""
    kernel = SlowKernel(3)
    install(monkeypatch, kernel).freeze()
    assert kernel.written == ["FROZEN"] * 3


def test_v1_is_thawed_now_and_then_to_get_past_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    """LNX-PPR-08."""
    kernel = SlowKernel(module.ATTEMPTS_BEFORE_THAW + 1)
    install(monkeypatch, kernel).freeze()
    assert kernel.written == ["FROZEN"] * module.ATTEMPTS_BEFORE_THAW + ["THAWED", "FROZEN"]


def test_v1_that_never_freezes_is_left_thawed(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = SlowKernel(10**9)
    with pytest.raises(RingfenceError, match="unable to freeze") as caught:
        install(monkeypatch, kernel).freeze()
    assert caught.value.errno == errno.EBUSY
    assert kernel.written[-1] == "THAWED"


def test_v2_waits_until_the_kernel_says_frozen(tmp_path: Path) -> None:
    """LNX-PPR-08."""
    fake(tmp_path, cgroup__freeze="", cgroup__events="populated 1\nfrozen 1\n")
    freezer = Freezer(only("", tmp_path))
    freezer.freeze()
    assert (tmp_path / "cgroup.freeze").read_text() == "1"
    assert freezer.is_frozen()


def test_v2_that_never_freezes_is_left_thawed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, cgroup__freeze="", cgroup__events="populated 1\nfrozen 0\n")
    monkeypatch.setattr(module, "V2_SECONDS", 0.0)
    freezer = Freezer(only("", tmp_path))
    with pytest.raises(RingfenceError, match="unable to freeze"):
        freezer.freeze()
    assert not freezer.is_frozen()


@pytest.mark.parametrize("state", ["FROZEN\n", "FREEZING\n"])
def test_v1_counts_as_frozen_while_it_is_freezing(tmp_path: Path, state: str) -> None:
    fake(tmp_path, freezer__state=state)
    assert Freezer(only("freezer", tmp_path)).is_frozen()


def test_v1_thaws(tmp_path: Path) -> None:
    """LNX-PPR-07."""
    fake(tmp_path, freezer__state="")
    Freezer(only("freezer", tmp_path)).thaw()
    assert (tmp_path / "freezer.state").read_text() == "THAWED"


@pytest.mark.parametrize("controller", ["freezer", ""])
def test_a_cgroup_that_has_vanished_is_not_frozen_and_needs_no_thaw(tmp_path: Path, controller: str) -> None:
    """LNX-STATE-09."""
    freezer = Freezer(only(controller, tmp_path / "gone"))
    assert not freezer.is_frozen()
    freezer.thaw()
    assert not freezer.try_freeze()


@pytest.mark.parametrize("action", ["freeze", "thaw"])
def test_a_container_without_a_freezer_says_so(action: str) -> None:
    with pytest.raises(RingfenceError, match="no cgroup with a freezer"):
        getattr(Freezer(only("pids", "/cg/web")), action)()


def test_thaw_tree_reaches_what_the_container_froze_below(tmp_path: Path) -> None:
    fake(tmp_path, freezer__state="")
    fake(tmp_path / "inner", freezer__state="")
    Freezer(only("freezer", tmp_path)).thaw_tree()
    assert (tmp_path / "inner" / "freezer.state").read_text() == "THAWED"
    assert (tmp_path / "freezer.state").read_text() == "THAWED"
