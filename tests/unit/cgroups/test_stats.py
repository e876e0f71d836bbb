"""Statistics of both cgroup versions in the words of an event."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ringfence.cgroups.manager import Cgroup
from ringfence.cgroups.measure import number_list
from ringfence.cgroups.paths import CgroupDir
from tests.unit.cgroups.hosts import fake, only

TICK = 10**9 // os.sysconf("SC_CLK_TCK")
U64_MAX = 2**64 - 1


def v1(root: Path) -> tuple[CgroupDir, ...]:
    fake(
        root / "cpu",
        cpu__stat="nr_periods 5\nnr_throttled 0\nthrottled_time 70\n",
        cpuacct__usage="14413450\n",
        cpuacct__usage_percpu="1559030 12854420 \n",
        cpuacct__usage_all="cpu user system\n0 0 1\n1 2 11902482\n",
        cpuacct__stat="user 3\nsystem 1\n",
    )
    fake(
        root / "cpuset",
        cpuset__cpus="0-1,4\n",
        cpuset__mems="0\n",
        cpuset__sched_load_balance="1\n",
        cpuset__sched_relax_domain_level="-1\n",
    )
    entries = {
        f"{stem}{name}": f"{value}\n"
        for stem, values in {
            "memory__": (67108864, 847872, 2252800, 0),
            "memory__memsw__": (9223372036854771712, 900000, 2300000, 4),
        }.items()
        for name, value in zip(("limit_in_bytes", "usage_in_bytes", "max_usage_in_bytes", "failcnt"), values)
    }
    fake(root / "memory", memory__stat="rss 53248\ncache 12288\n", **entries)
    fake(root / "pids", pids__current="3\n", pids__max="max\n")
    fake(
        root / "blkio",
        blkio__throttle__io_service_bytes_recursive="8:0 Read 4096\n8:0 Write 0\nTotal 4096\n",
        blkio__bfq__io_serviced_recursive="8:16 Read 7\n8:16 Total 7\nTotal 7\n",
        blkio__sectors_recursive="8:0 12\n",
    )
    fake(
        root / "hugetlb",
        hugetlb__2MB__usage_in_bytes="2097152\n",
        hugetlb__2MB__max_usage_in_bytes="4194304\n",
        hugetlb__2MB__failcnt="1\n",
        hugetlb__1GB__usage_in_bytes="0\n",
    )
    names = (("cpu", "cpuacct"), ("cpuset",), ("memory",), ("pids",), ("blkio",), ("hugetlb",))
    return tuple(CgroupDir(controllers, str(root / controllers[0])) for controllers in names)


def test_v1(tmp_path: Path) -> None:
    """LNX-EVT-06 to LNX-EVT-12, in the form and order runc prints."""
    assert Cgroup(v1(tmp_path)).stats() == {
        "cpu": {
            "usage": {
                "total": 14413450,
                "percpu": [1559030, 12854420],
                "percpu_kernel": [1, 11902482],
                "percpu_user": [0, 2],
                "kernel": TICK,
                "user": 3 * TICK,
            },
            "throttling": {"periods": 5, "throttledTime": 70},
        },
        "cpuset": {
            "cpus": [0, 1, 4],
            "cpu_exclusive": 0,
            "mems": [0],
            "mem_hardwall": 0,
            "mem_exclusive": 0,
            "memory_migrate": 0,
            "memory_spread_page": 0,
            "memory_spread_slab": 0,
            "memory_pressure": 0,
            "sched_load_balance": 1,
            "sched_relax_domain_level": -1,
        },
        "memory": {
            "cache": 12288,
            "usage": {"limit": 67108864, "usage": 847872, "max": 2252800, "failcnt": 0},
            "swap": {"limit": 9223372036854771712, "usage": 900000, "max": 2300000, "failcnt": 4},
            "kernel": {"limit": 0, "failcnt": 0},
            "kernelTCP": {"limit": 0, "failcnt": 0},
            "raw": {"cache": 12288, "rss": 53248},
        },
        "pids": {"current": 3},
        "blkio": {
            "ioServiceBytesRecursive": [
                {"major": 8, "op": "Read", "value": 4096},
                {"major": 8, "op": "Write"},
            ],
            "ioServicedRecursive": [
                {"major": 8, "minor": 16, "op": "Read", "value": 7},
                {"major": 8, "minor": 16, "op": "Total", "value": 7},
            ],
            "sectorsRecursive": [{"major": 8, "value": 12}],
        },
        "hugetlb": {"1GB": {"failcnt": 0}, "2MB": {"usage": 2097152, "max": 4194304, "failcnt": 1}},
    }


def v2(root: Path) -> Path:
    pressure = "some avg10=1.50 avg60=0.00 avg300=0.25 total=12\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=3\n"
    return fake(
        root,
        cpu__stat="usage_usec 1000\nuser_usec 600\nsystem_usec 400\nnr_periods 2\nnr_throttled 1\nthrottled_usec 9\n",
        cpu__pressure=pressure,
        cpuset__cpus__effective="0-1\n",
        cpuset__mems__effective="0\n",
        memory__stat="file 4096\nanon 8192\n",
        memory__current="12288\n",
        memory__max="max\n",
        memory__peak="20000\n",
        memory__swap__current="100\n",
        memory__swap__max="5000\n",
        pids__current="1\n",
        pids__max="100\n",
        io__stat="8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n",
        hugetlb__2MB__current="2097152\n",
        hugetlb__2MB__events="max 3\n",
        hugetlb__2MB__rsvd__current="0\n",
    )


def test_v2(tmp_path: Path) -> None:
    """LNX-EVT-06 to LNX-EVT-13: the words of v1, without the numbers v2 does not have."""
    pressure = {
        "some": {"avg10": 1.5, "avg60": 0.0, "avg300": 0.25, "total": 12},
        "full": {"avg10": 0.0, "avg60": 0.0, "avg300": 0.0, "total": 3},
    }
    stats = Cgroup(only("", v2(tmp_path))).stats()
    assert stats["cpu"] == {
        "usage": {"total": 1000000, "kernel": 400000, "user": 600000},
        "throttling": {"periods": 2, "throttledPeriods": 1, "throttledTime": 9000},
        "psi": pressure,
    }
    assert stats["memory"] == {
        "cache": 4096,
        "usage": {"limit": U64_MAX, "usage": 12288, "max": 20000, "failcnt": 0},
        "swap": {"limit": U64_MAX, "usage": 12388, "failcnt": 0},
        "kernel": {"limit": 0, "failcnt": 0},
        "kernelTCP": {"limit": 0, "failcnt": 0},
        "raw": {"anon": 8192, "file": 4096},
    }
    assert stats["pids"] == {"current": 1, "limit": 100}
    assert stats["blkio"] == {
        "ioServiceBytesRecursive": [
            {"major": 8, "op": "Read", "value": 4096},
            {"major": 8, "op": "Write"},
            {"major": 8, "op": "Discard"},
        ],
        "ioServicedRecursive": [
            {"major": 8, "op": "Read", "value": 1},
            {"major": 8, "op": "Write"},
            {"major": 8, "op": "Discard"},
        ],
    }
    assert stats["hugetlb"] == {"2MB": {"usage": 2097152, "failcnt": 3}}


def test_limits_of_memory_and_swap_add_up_on_v2(tmp_path: Path) -> None:
    """LNX-EVT-09."""
    v2(tmp_path)
    (tmp_path / "memory.max").write_text("20000\n")
    memory = Cgroup(only("", tmp_path)).stats()["memory"]
    assert isinstance(memory, dict)
    assert memory["swap"]["limit"] == 25000


@pytest.mark.parametrize("controllers", [("",), ("memory",)])
def test_a_cgroup_that_has_vanished_has_every_section(tmp_path: Path, controllers: tuple[str, ...]) -> None:
    """LNX-STATE-09: kernel and user time are always there (LNX-EVT-06)."""
    stats = Cgroup((CgroupDir(controllers, str(tmp_path / "gone")),)).stats()
    assert list(stats) == ["cpu", "cpuset", "memory", "pids", "blkio", "hugetlb"]
    assert stats["cpu"] == {"usage": {"kernel": 0, "user": 0}, "throttling": {}}
    assert stats["pids"] == {}


@pytest.mark.parametrize(("text", "expected"), [("", []), ("\n", []), ("3", [3]), ("0-2,7\n", [0, 1, 2, 7])])
def test_number_lists(text: str, expected: list[int]) -> None:
    """LNX-EVT-08."""
    assert number_list(text) == expected
