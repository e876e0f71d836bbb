"""Watching for OOM kills; v1's eventfd needs the real kernel, see test_privileged.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.cgroups.oom import OomWatch
from ringfence.cgroups.paths import CgroupDir
from tests.unit.cgroups.hosts import fake, only


def test_each_kill_since_the_last_look_is_told_once(tmp_path: Path) -> None:
    """LNX-EVT-04."""
    events = fake(tmp_path, memory__events="oom 9\noom_kill 3\n") / "memory.events"
    watch = OomWatch(only("", tmp_path))
    assert watch.wait(0) == 0
    events.write_text("oom 9\noom_kill 5\n")
    assert [watch.wait(0), watch.wait(0)] == [2, 0]
    watch.close()


@pytest.mark.parametrize("dirs", [(), only("", "/nonexistent"), only("memory", "/nonexistent"), only("pids", "/x")])
def test_without_a_memory_cgroup_nothing_is_seen(dirs: tuple[CgroupDir, ...]) -> None:
    """LNX-STATE-09."""
    watch = OomWatch(dirs)
    assert watch.wait(0) == 0
    watch.close()
