"""Events of a container on a made-up cgroup."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from ringfence.container.events import stats, watch
from ringfence.errors import RingfenceError
from tests.unit.cgroups.hosts import fake, v2_host
from tests.unit.container.living import NAME, Living


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Living]:
    living = Living(tmp_path, v2_host(tmp_path))
    fake(tmp_path / "web", pids__current="3\n", memory__events="oom_kill 1\n")
    yield living
    living.stop()


def test_stats_have_every_section_in_order(container: Living) -> None:
    """LNX-EVT-02, LNX-EVT-14."""
    data = stats(container.runtime, NAME)
    assert list(data) == [
        "cpu",
        "cpuset",
        "memory",
        "pids",
        "blkio",
        "hugetlb",
        "intel_rdt",
        "network_interfaces",
    ]
    assert (data["pids"], data["intel_rdt"], data["network_interfaces"]) == ({"current": 3}, {}, None)


def test_a_stopped_container_has_no_events(container: Living) -> None:
    """LNX-EVT-03."""
    container.stop()
    with pytest.raises(RingfenceError, match=r"^container with id web is not running$"):
        stats(container.runtime, NAME)
    with pytest.raises(RingfenceError, match=r"^container with id web is not running$"):
        next(watch(container.runtime, NAME, 1.0))


def test_stats_come_again_and_again(container: Living) -> None:
    """LNX-EVT-01, LNX-EVT-04."""
    events = list(islice(watch(container.runtime, NAME, 0.01), 3))
    assert [list(event) for event in events] == [["type", "id", "data"]] * 3
    assert {(event["type"], event["id"]) for event in events} == {("stats", NAME)}


def test_an_oom_kill_is_told(container: Living, tmp_path: Path) -> None:
    """LNX-EVT-04: kills before the watch are not."""
    events = watch(container.runtime, NAME, 0.01)
    assert next(events)["type"] == "stats"
    fake(tmp_path / "web", memory__events="oom_kill 2\n")
    assert next(event for event in events if event["type"] != "stats") == {"type": "oom", "id": NAME}
    events.close()  # type: ignore[attr-defined]


def test_the_loop_ends_when_the_container_is_deleted(container: Living) -> None:
    """LNX-EVT-05."""
    events = watch(container.runtime, NAME, 0.01)
    next(events)
    shutil.rmtree(container.directory)
    assert list(islice(events, 2)) == []


def test_a_new_container_of_the_same_name_is_another_one(container: Living) -> None:
    """LNX-EVT-05."""
    events = watch(container.runtime, NAME, 0.01)
    next(events)
    container.directory.rename(container.directory.with_name("old"))
    container.directory.mkdir()
    assert list(islice(events, 2)) == []
