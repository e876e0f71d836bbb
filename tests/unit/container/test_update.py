"""Updates of a container on a made-up cgroup."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringfence.cgroups import perform
from ringfence.container import update as module
from ringfence.container.resources import STORED
from ringfence.container.update import update
from ringfence.errors import RingfenceError
from ringfence.resctrl.place import Group
from ringfence.spec.load import load_resources
from ringfence.spec.types import CPUResources, DeviceRule, MemoryResources, PidsResources, Resources
from tests.unit.cgroups.hosts import fake, v1_host, v2_host
from tests.unit.container.living import NAME, Living

LIMITS = {
    "devices": [{"allow": False, "access": "rwm"}],
    "cpu": {"quota": 5000, "period": 20000},
    "memory": {"limit": 1000, "swap": 3000},
}


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Living]:
    """On cgroup v2; every write replaces what a file holds, as the kernel does it."""
    monkeypatch.setattr(perform, "write", replace)
    monkeypatch.setattr("ringfence.cgroups.restore.write", replace)
    living = on(v2_host(tmp_path), tmp_path, monkeypatch)
    fake(
        tmp_path / "web",
        cpu__max="5000 20000\n",
        memory__max="1000\n",
        memory__swap__max="2000\n",
        memory__current="500\n",
        pids__max="max\n",
    )
    yield living
    living.stop()


def on(host: Any, root: Path, monkeypatch: pytest.MonkeyPatch, resctrl: Group | None = None, **linux: Any) -> Living:
    monkeypatch.setattr(module, "probe", lambda: host)
    return Living(root, host, {"resources": LIMITS, **linux}, resctrl)


def replace(path: str, value: str) -> None:
    if not Path(path).exists():
        raise FileNotFoundError(2, "No such file or directory")
    Path(path).write_text(f"{value}\n")


def held(container: Living, file: str) -> str:
    return Path(container.record.cgroups[0].path, file).read_text().strip()


def stored(container: Living) -> Resources:
    return load_resources((container.directory / STORED).read_text())


def test_what_is_named_is_written_and_stored_with_the_rest(container: Living) -> None:
    """LNX-UPD-04, LNX-UPD-18."""
    update(container.runtime, NAME, Resources(pids=PidsResources(limit=7)), "", "")
    assert (held(container, "pids.max"), held(container, "memory.max")) == ("7", "1000")
    assert stored(container) == Resources(
        devices=(DeviceRule(False, access="rwm"),),
        cpu=CPUResources(quota=5000, period=20000),
        memory=MemoryResources(limit=1000, swap=3000),
        pids=PidsResources(limit=7),
    )


@pytest.mark.parametrize(
    ("cpu", "expected"),
    [
        (CPUResources(quota=3000), "3000 20000"),
        (CPUResources(period=10000), "5000 10000"),
        (CPUResources(quota=-1), "max 20000"),
        (CPUResources(quota=3000, period=10000), "3000 10000"),
    ],
)
def test_the_one_of_quota_and_period_that_is_not_named_keeps_its_value(
    container: Living, cpu: CPUResources, expected: str
) -> None:
    """LNX-UPD-06."""
    update(container.runtime, NAME, Resources(cpu=cpu), "", "")
    assert held(container, "cpu.max") == expected


def test_an_update_starts_from_the_one_before(container: Living) -> None:
    """LNX-UPD-18."""
    update(container.runtime, NAME, Resources(cpu=CPUResources(quota=3000)), "", "")
    update(container.runtime, NAME, Resources(cpu=CPUResources(period=9000)), "", "")
    assert held(container, "cpu.max") == "3000 9000"


def test_an_update_of_something_else_writes_no_cpu_limit(container: Living) -> None:
    """LNX-UPD-12."""
    (Path(container.record.cgroups[0].path) / "cpu.max").unlink()
    update(container.runtime, NAME, Resources(memory=MemoryResources(limit=2000)), "", "")
    assert held(container, "memory.max") == "2000"


def test_memory_alone_leaves_swap_as_it_is(container: Living) -> None:
    """LNX-UPD-04, LNX-UPD-08."""
    update(container.runtime, NAME, Resources(memory=MemoryResources(limit=2000)), "", "")
    assert held(container, "memory.swap.max") == "2000"


def test_lifting_memory_lifts_and_stores_swap(container: Living) -> None:
    """LNX-UPD-08."""
    update(container.runtime, NAME, Resources(memory=MemoryResources(limit=-1)), "", "")
    assert (held(container, "memory.max"), held(container, "memory.swap.max")) == ("max", "max")
    assert stored(container).memory == MemoryResources(limit=-1, swap=-1)


def test_swap_needs_memory_in_the_same_call(container: Living) -> None:
    """LNX-UPD-08."""
    with pytest.raises(RingfenceError, match="swap limit without memory limit") as caught:
        update(container.runtime, NAME, Resources(memory=MemoryResources(swap=5000)), "", "")
    assert caught.value.field == ""


def test_a_failed_update_puts_everything_back_and_stores_nothing(container: Living) -> None:
    """LNX-UPD-18."""
    bad = Resources(cpu=CPUResources(quota=1), memory=MemoryResources(limit=9), unified={"io.what": "1"})
    with pytest.raises(RingfenceError, match=r"no io\.what") as caught:
        update(container.runtime, NAME, bad, "", "")
    assert caught.value.field == ""
    assert (held(container, "cpu.max"), held(container, "memory.max")) == ("5000 20000", "1000")
    assert not (container.directory / STORED).exists()


def test_limits_below_the_usage_are_rejected_if_that_is_to_be_checked(container: Living) -> None:
    """LNX-UPD-16."""
    low = MemoryResources(limit=499, check_before_update=True)
    with pytest.raises(RingfenceError, match="rejecting memory limit"):
        update(container.runtime, NAME, Resources(memory=low), "", "")
    assert held(container, "memory.max") == "1000"


def test_a_paused_container_stays_paused(container: Living) -> None:
    """LNX-UPD-05."""
    fake(Path(container.record.cgroups[0].path), cgroup__freeze="1\n")
    update(container.runtime, NAME, Resources(pids=PidsResources(limit=7)), "", "")
    assert (held(container, "pids.max"), held(container, "cgroup.freeze")) == ("7", "1")


def test_a_stopped_container_cannot_be_updated(container: Living) -> None:
    """LNX-UPD-04."""
    container.stop()
    with pytest.raises(RingfenceError, match=r"^container not running$"):
        update(container.runtime, NAME, Resources(), "", "")


def test_schemata_need_intel_rdt_in_the_configuration(container: Living) -> None:
    """LNX-UPD-17: and nothing else is changed either."""
    with pytest.raises(RingfenceError, match=r"without linux\.intelRdt"):
        update(container.runtime, NAME, Resources(pids=PidsResources(limit=7)), "L3:0=f", "")
    assert held(container, "pids.max") == "max"


def test_schemata_are_rewritten_in_the_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LNX-UPD-17."""
    mount = f"{tmp_path}/resctrl"
    living = on(v2_host(tmp_path), tmp_path, monkeypatch, resctrl=Group(mount, f"{mount}/gold"), intelRdt={})
    fake(tmp_path / "web")
    schemata = fake(tmp_path / "resctrl" / "gold", schemata="") / "schemata"
    try:
        update(living.runtime, NAME, Resources(), "L3:0=f", "MB:0=50")
    finally:
        living.stop()
    assert schemata.read_text() == "L3:0=f\nMB:0=50\n"


def test_v1_leaves_the_other_of_quota_and_period_to_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LNX-UPD-06: its files are two, so the one that is not named is not written."""
    living = on(v1_host(tmp_path), tmp_path, monkeypatch)
    quota = fake(tmp_path / "cpu,cpuacct" / "web", cpu__cfs_quota_us="") / "cpu.cfs_quota_us"
    try:
        update(living.runtime, NAME, Resources(cpu=CPUResources(quota=3000)), "", "")
    finally:
        living.stop()
    assert quota.read_text() == "3000"
