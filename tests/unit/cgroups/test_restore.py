"""What a failed update puts back."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.cgroups import restore as module
from ringfence.cgroups.restore import remember, restore, values_of
from ringfence.cgroups.steps import (
    LimitDevicesV1,
    WriteCgroupFile,
    WriteCpuShares,
    WriteFirstPresent,
    WriteTogether,
)
from tests.unit.cgroups.hosts import fake
from tests.unit.cgroups.test_perform import Kernel


def test_every_file_a_step_may_write_is_remembered_once(tmp_path: Path) -> None:
    """LNX-UPD-18."""
    fake(tmp_path, a="1\n", b="2\n", c="3\n", d="4\n", e="5\n")
    steps = (
        WriteCgroupFile("", f"{tmp_path}/a", "9", ""),
        WriteCgroupFile("", f"{tmp_path}/a", "8", ""),
        WriteCpuShares("", f"{tmp_path}/b", 9),
        WriteTogether("", ((f"{tmp_path}/c", "9"), (f"{tmp_path}/d", "9")), ""),
        WriteFirstPresent("", ((f"{tmp_path}/none", "9"), (f"{tmp_path}/e", "9")), ""),
        LimitDevicesV1("", str(tmp_path), allow_all=True, rules=()),
    )
    expected = [(f"{tmp_path}/{name}", value) for name, value in zip("abcde", "12345")]
    assert remember(steps) == expected


def test_a_file_of_several_devices_is_put_back_line_by_line() -> None:
    assert values_of("io.max", "8:0 rbps=1\n8:16 rbps=2\n") == ["8:0 rbps=1", "8:16 rbps=2"]


def test_the_oom_switch_is_put_back_as_it_is_written() -> None:
    assert values_of("/x/memory.oom_control", "oom_kill_disable 1\nunder_oom 0\n") == ["1"]


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_file_needs_nothing(text: str) -> None:
    assert values_of("/x/cpuset.cpus", text) == []


def test_values_come_back_in_whatever_order_the_kernel_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """LNX-UPD-18."""
    kernel = Kernel(limit=5, memsw=6)
    monkeypatch.setattr(module, "write", kernel.write)
    restore([("limit", "100"), ("memsw", "200")])
    assert kernel.values == {"limit": 100, "memsw": 200}


def test_what_is_refused_does_not_keep_the_rest_from_coming_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """LNX-UPD-18: as far as possible."""
    kernel = Kernel(limit=5, memsw=6)
    monkeypatch.setattr(module, "write", kernel.write)
    restore([("limit", "100"), ("memsw", "50")])
    assert kernel.values == {"limit": 5, "memsw": 50}
