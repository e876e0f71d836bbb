"""Pausing and resuming by the state a container is in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.container.freeze import pause, resume
from ringfence.container.processes import processes
from ringfence.container.record import FIFO
from ringfence.container.status import status
from ringfence.errors import RingfenceError
from tests.unit.cgroups.hosts import fake, v2_host
from tests.unit.container.living import NAME, Living


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Living]:
    living = Living(tmp_path, v2_host(tmp_path))
    fake(
        tmp_path / "web",
        cgroup__freeze="",
        cgroup__events="populated 1\nfrozen 1\n",
        cgroup__procs=f"{living.process.pid}\n",
    )
    yield living
    living.stop()


def test_pause_and_resume(container: Living) -> None:
    """LNX-PPR-05, LNX-PPR-07."""
    pause(container.runtime, NAME)
    assert status(container.record) == "paused"
    resume(container.runtime, NAME)
    assert status(container.record) == "running"


def test_a_created_container_can_be_paused_and_is_created_again(container: Living) -> None:
    """LNX-PPR-07, LNX-STATE-08."""
    (container.directory / FIFO).touch()
    pause(container.runtime, NAME)
    assert status(container.record) == "paused"
    resume(container.runtime, NAME)
    assert status(container.record) == "created"


def test_a_paused_container_cannot_be_paused(container: Living) -> None:
    """LNX-PPR-06."""
    pause(container.runtime, NAME)
    with pytest.raises(RingfenceError, match=r"^container not running$"):
        pause(container.runtime, NAME)


def test_a_stopped_container_cannot_be_paused_or_resumed(container: Living) -> None:
    """LNX-PPR-06, LNX-PPR-07."""
    container.stop()
    with pytest.raises(RingfenceError, match=r"^container not running$"):
        pause(container.runtime, NAME)
    with pytest.raises(RingfenceError, match=r"^container not paused$"):
        resume(container.runtime, NAME)


def test_a_running_container_cannot_be_resumed(container: Living) -> None:
    """LNX-PPR-07."""
    with pytest.raises(RingfenceError, match=r"^container not paused$"):
        resume(container.runtime, NAME)


@pytest.mark.parametrize("action", [pause, resume, processes])
def test_an_unknown_container(container: Living, action: object) -> None:
    """LNX-CLI-26."""
    assert callable(action)
    with pytest.raises(RingfenceError, match="container does not exist"):
        action(container.runtime, "nobody")


def test_processes_are_those_of_the_cgroup(container: Living) -> None:
    """LNX-PPR-03."""
    assert processes(container.runtime, NAME) == [container.process.pid]


def test_a_stopped_container_has_no_processes(container: Living, tmp_path: Path) -> None:
    """LNX-PPR-04: with its cgroup empty, or gone."""
    container.stop()
    (tmp_path / "web" / "cgroup.procs").write_text("")
    assert processes(container.runtime, NAME) == []
    (tmp_path / "web").rename(tmp_path / "gone")
    assert processes(container.runtime, NAME) == []


def test_without_a_cgroup_nobody_can_tell_the_processes(container: Living, tmp_path: Path) -> None:
    """LNX-PPR-01: rootless needs a cgroup."""
    (tmp_path / "web").rename(tmp_path / "gone")
    with pytest.raises(RingfenceError, match="no cgroup"):
        processes(container.runtime, NAME)
