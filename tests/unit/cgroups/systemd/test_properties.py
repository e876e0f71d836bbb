"""linux.resources as properties of a unit."""

from __future__ import annotations

from typing import Any

import pytest

from ringfence.cgroups.systemd.facts import Systemd
from ringfence.cgroups.systemd.manager import manager_for, update_steps
from ringfence.cgroups.systemd.names import Unit
from ringfence.cgroups.systemd.properties import property_steps, quota_per_second
from ringfence.cgroups.systemd.units import StartUnit
from ringfence.errors import RingfenceError
from ringfence.host.facts import Hierarchy, Host
from ringfence.jsontext import dumps
from ringfence.spec.load import load_resources

INFINITY = 2**64 - 1
DRIVERS = (("c", 136, "pts"), ("c", 4, "tty"), ("b", 259, "blkext"))
UNIT = Unit("cri-abc.scope", "system.slice")


def host(mode: str = "v2") -> Host:
    return Host(0, 0, (6, 12), "x86_64", mode, (Hierarchy(("",), "/sys/fs/cgroup", "/", "/"),))


def properties(resources: dict[str, Any], mode: str = "v2", version: int = 257, **how: bool) -> dict[str, Any]:
    """Values by name, with each pointer checked to be a field that was given."""
    systemd = Systemd(False, "", version, DRIVERS)
    steps = list(
        property_steps(host(mode), UNIT, systemd, load_resources(dumps(resources)), devices=how.get("devices", False))
    )
    for step in steps:
        head = step.pointer.removeprefix("/linux/resources/").split("/")[0]
        assert head in resources or head == "devices"
    return {name: value for step in steps for name, _signature, value in step.properties}


def test_every_property_of_v2() -> None:
    """LNX-SYSD-07: limits, weights, quota, period, tasks and sets of v2."""
    found = properties(
        {
            "memory": {"limit": 1000, "reservation": 500, "swap": 1600},
            "cpu": {"shares": 1024, "quota": 50000, "period": 100000, "cpus": "0-2,9", "mems": "0"},
            "pids": {"limit": 20},
        }
    )
    assert found == {
        "MemoryMax": 1000,
        "MemoryLow": 500,
        "MemorySwapMax": 600,
        "CPUWeight": 100,
        "CPUQuotaPeriodUSec": 100000,
        "CPUQuotaPerSecUSec": 500000,
        "AllowedCPUs": b"\x07\x02",
        "AllowedMemoryNodes": b"\x01",
        "TasksMax": 20,
    }


def test_every_property_of_v1() -> None:
    """LNX-SYSD-06: v1 has other names, and takes shares as they are."""
    given = {
        "memory": {"limit": 1000, "swap": 1600},
        "cpu": {"shares": 10, "quota": 5000},
        "pids": {"limit": -1},
        "blockIO": {"weight": 300},
    }
    assert properties(given, "v1") == {
        "MemoryLimit": 1000,
        "CPUShares": 10,
        "CPUQuotaPerSecUSec": 50000,
        "BlockIOWeight": 300,
        "TasksMax": INFINITY,
    }


def test_older_releases_lack_properties() -> None:
    """LNX-SYSD-07: a period needs systemd 242, sets of CPUs 244; what is missing is left to the files."""
    given = {"cpu": {"quota": 5000, "period": 10000, "cpus": "0", "idle": 1}}
    assert properties(given, version=241) == {"CPUQuotaPerSecUSec": 500000}
    assert set(properties(given, version=243)) == {"CPUQuotaPeriodUSec", "CPUQuotaPerSecUSec"}


@pytest.mark.parametrize(
    ("quota", "period", "expected"),
    [
        (50000, 100000, 500000),
        (1000, 100000, 10000),
        (1001, 100000, 20000),
        (0, 100000, INFINITY),
        (-1, 100000, INFINITY),
        (None, 50000, INFINITY),
        (250000, None, 2500000),
    ],
)
def test_quota_is_rounded_up(quota: int | None, period: int | None, expected: int) -> None:
    """LNX-SYSD-09: quota is kept in steps of 10 ms in a second; no quota is infinity."""
    assert quota_per_second(quota, period) == expected


@pytest.mark.parametrize(("limit", "tasks"), [(0, 1), (-1, INFINITY), (7, 7)])
def test_tasks(limit: int, tasks: int) -> None:
    """LNX-SYSD-09: a limit of 0 tasks is 1, the init itself."""
    assert properties({"pids": {"limit": limit}}) == {"TasksMax": tasks}


def test_unlimited_memory() -> None:
    """LNX-SYSD-09: -1 is infinity, for swap too when memory alone is lifted."""
    assert properties({"memory": {"limit": -1}}) == {"MemoryMax": INFINITY, "MemorySwapMax": INFINITY}


def test_unified_wins() -> None:
    """LNX-SYSD-08: files of `unified` have properties, which win over converted values."""
    given = {
        "memory": {"limit": 1000},
        "cpu": {"shares": 1024},
        "unified": {
            "memory.max": "2000",
            "memory.high": "max",
            "memory.min": "1",
            "memory.low": "2",
            "memory.swap.max": "3",
            "cpu.max": "20000 50000",
            "cpu.weight": "77",
            "pids.max": "max",
            "cpuset.cpus": "1",
            "cpuset.mems": "0",
            "memory.oom.group": "1",
        },
    }
    assert properties(given) == {
        "MemoryMax": 2000,
        "MemoryHigh": INFINITY,
        "MemoryMin": 1,
        "MemoryLow": 2,
        "MemorySwapMax": 3,
        "CPUQuotaPeriodUSec": 50000,
        "CPUQuotaPerSecUSec": 400000,
        "CPUWeight": 77,
        "TasksMax": INFINITY,
        "AllowedCPUs": b"\x02",
        "AllowedMemoryNodes": b"\x01",
    }


def test_idle() -> None:
    """LNX-SYSD-08, LNX-SYSD-10: idle is the weight 0 from 252 on, and wins over shares."""
    assert properties({"cpu": {"idle": 1, "shares": 500}}) == {"CPUWeight": 0}
    assert properties({"unified": {"cpu.idle": "1"}}) == {"CPUWeight": 0}
    assert properties({"unified": {"cpu.idle": "1"}}, version=251) == {}
    assert properties({"cpu": {"idle": 0, "shares": 1024}}) == {"CPUWeight": 100}


def test_devices() -> None:
    """LNX-DEVC-11: rules by what systemd calls devices; the default list is among them."""
    rules = [
        {"allow": False, "access": "rwm"},
        {"allow": True, "type": "b", "major": 259, "access": "r"},
        {"allow": True, "type": "c", "major": 99, "access": "r"},
        {"allow": True, "type": "c", "major": 10, "minor": 200, "access": "rwm"},
    ]
    found = properties({"devices": rules}, devices=True)
    assert found["DevicePolicy"] == "strict"
    assert found["DeviceAllow"][:4] == [
        ("block-blkext", "r"),
        ("/dev/char/10:200", "rwm"),
        ("char-*", "m"),
        ("block-*", "m"),
    ]
    assert ("char-pts", "rwm") in found["DeviceAllow"]
    assert ("/dev/char/1:3", "rwm") in found["DeviceAllow"]


def test_all_devices() -> None:
    """LNX-DEVC-11: a container that may use all is not limited by systemd either."""
    found = properties({"devices": [{"allow": True, "access": "rwm"}]}, devices=True)
    assert found == {"DevicePolicy": "auto", "DeviceAllow": []}


def start(annotations: dict[str, str], path: str = "system.slice:cri:abc", mode: str = "v2") -> StartUnit:
    manager = manager_for(host(mode), {}, path, "abc", 257)
    step = manager.compile(host(mode), None, annotations)[0]
    assert isinstance(step, StartUnit)
    return step


def values(step: StartUnit) -> dict[str, Any]:
    return {name: value for name, _signature, value in step.properties}


def test_what_every_scope_gets() -> None:
    """LNX-SYSD-04, LNX-SYSD-05: a slice, delegation, accounting, no default dependencies."""
    found = values(start({}))
    assert found == {
        "Slice": "system.slice",
        "Delegate": True,
        "CollectMode": "inactive-or-failed",
        "DefaultDependencies": False,
        "CPUAccounting": True,
        "MemoryAccounting": True,
        "TasksAccounting": True,
        "IOAccounting": True,
    }
    assert "BlockIOAccounting" in values(start({}, mode="v1"))


def test_a_slice_wants_its_parent() -> None:
    """LNX-SYSD-04: a slice gets Wants= its parent and is not delegated."""
    step = start({}, "a.slice:x:a-pod.slice")
    assert step.unit == "a-pod.slice"
    assert values(step)["Wants"] == ["a.slice"]
    assert not {"Delegate", "Slice"} & set(values(step))


def test_annotations_set_and_override() -> None:
    """LNX-SYSD-12: annotations set or override properties; seconds become microseconds."""
    found = start(
        {
            "org.systemd.property.TimeoutStopSec": "uint64 90",
            "org.systemd.property.CollectMode": "'inactive'",
            "org.systemd.property.Documentation": "['man:x', 'man:y']",
            "other": "'untouched'",
        }
    )
    assert ("TimeoutStopUSec", "t", 90_000_000) in found.properties
    assert ("CollectMode", "s", "inactive") in found.properties
    assert ("Documentation", "as", ["man:x", "man:y"]) in found.properties
    assert [name for name, *_ in found.properties].count("CollectMode") == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [("Timeout.Stop", "1"), ("lower", "1"), ("", "1"), ("Good", "'open"), ("Good", "nonsense"), ("WaitSec", "'x'")],
)
def test_bad_annotations(name: str, text: str) -> None:
    """LNX-SYSD-12: a bad name or text is an error that names the annotation."""
    with pytest.raises(RingfenceError) as caught:
        start({f"org.systemd.property.{name}": text})
    assert caught.value.field == f"/annotations/org.systemd.property.{name}"


def test_updates_leave_devices_alone() -> None:
    """LNX-UPD-15: an update sets the named properties only."""
    resources = load_resources('{"pids": {"limit": 5}, "devices": [{"allow": true}]}')
    (step,) = update_steps(host(), "x.scope", ("/bus",), resources, 257)
    assert step.pointer == "/linux/resources/pids/limit"
    assert step.describe() == ("limit", "unit's TasksMax=5")
