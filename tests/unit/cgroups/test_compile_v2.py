"""linux.resources as steps for cgroup v2."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.cgroups.compile import compile_cgroup, compile_ownership, compile_update
from ringfence.cgroups.paths import locate
from ringfence.cgroups.steps import (
    CheckMemoryUsage,
    EnableControllers,
    LimitDevicesV2,
    MakeCgroup,
    OwnCgroup,
    WriteCgroupFile,
)
from ringfence.cgroups.v2 import io_weight, weight
from ringfence.errors import RingfenceError
from ringfence.plan.step import HostStep
from ringfence.spec.types import (
    BlockIOResources,
    CPUResources,
    DeviceRule,
    HugepageLimit,
    InterfacePriority,
    MemoryResources,
    NetworkResources,
    PidsResources,
    Resources,
    ThrottleDevice,
    WeightDevice,
)
from tests.unit.cgroups.hosts import host, v2_host
from tests.unit.cgroups.test_compile_v1 import written

HOST = v2_host("/cg")
DIRS = locate(HOST, "/web", "id")


def update(**parts: Any) -> tuple[HostStep, ...]:
    """The steps of one part of the resources alone."""
    return compile_update(HOST, DIRS, Resources(**parts))


def files(*steps: HostStep) -> list[tuple[str, str]]:
    """Names and values of what is written."""
    return [(path.removeprefix("web/"), value) for path, value in written(*steps)]


def test_a_whole_cgroup_in_order() -> None:
    """LNX-CG-05, LNX-CG2-01: made, controllers switched on, then every limit."""
    resources = Resources(
        cpu=CPUResources(shares=1024, quota=50000, period=100000, burst=1000, cpus="0-1", mems="0"),
        memory=MemoryResources(limit=64 << 20, reservation=32 << 20, swap=128 << 20),
        pids=PidsResources(limit=100),
        unified={"memory.high": "60000000"},
        devices=(DeviceRule(allow=False, access="rwm"),),
    )
    steps = compile_cgroup(HOST, DIRS, resources)
    assert [(*step.describe(), step.pointer) for step in steps] == [
        ("make", "cgroup /web in 1 hierarchy", "/linux/cgroupsPath"),
        ("enable", "every controller for the cgroup", "/linux/cgroupsPath"),
        ("limit", "cpu weight 100 (1024 shares)", "/linux/resources/cpu/shares"),
        ("limit", "cpu 50000 µs of every 100000 µs burst 1000 µs", "/linux/resources/cpu/quota"),
        ("limit", "cpus to 0-1", "/linux/resources/cpu/cpus"),
        ("limit", "memory nodes to 0", "/linux/resources/cpu/mems"),
        ("limit", "swap 64 MiB", "/linux/resources/memory/swap"),
        ("limit", "memory 64 MiB", "/linux/resources/memory/limit"),
        ("limit", "memory reservation 32 MiB", "/linux/resources/memory/reservation"),
        ("limit", "tasks to 100", "/linux/resources/pids/limit"),
        ("set", "memory.high 60000000", "/linux/resources/unified/memory.high"),
        ("limit", "devices: none but 10", "/linux/resources/devices"),
    ]
    assert steps[:2] == (
        MakeCgroup("/linux/cgroupsPath", "/web", DIRS, "", tolerant=False),
        EnableControllers("/linux/cgroupsPath", "/cg", "/cg/web"),
    )
    assert isinstance(steps[-1], LimitDevicesV2)
    assert files(*steps) == [
        ("cpu.weight", "100"),
        ("cpu.max", "50000 100000"),
        ("cpu.max.burst", "1000"),
        ("cpuset.cpus", "0-1"),
        ("cpuset.mems", "0"),
        ("memory.swap.max", "67108864"),
        ("memory.max", "67108864"),
        ("memory.low", "33554432"),
        ("pids.max", "100"),
        ("memory.high", "60000000"),
    ]


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        (1, 1),
        (2, 1),
        (10, 4),
        (100, 17),
        (200, 29),
        (1000, 99),
        (1024, 100),
        (2048, 174),
        (10000, 627),
        (262144, 10000),
        (2**64 - 1, 10000),
    ],
)
def test_weight_of_shares(shares: int, expected: int) -> None:
    """LNX-CG2-05."""
    assert weight(shares) == expected


@given(st.integers(1, 2**64 - 1), st.integers(1, 2**64 - 1))
def test_more_shares_never_weigh_less(one: int, other: int) -> None:
    """LNX-CG2-05."""
    assert 1 <= weight(min(one, other)) <= weight(max(one, other)) <= 10000


@pytest.mark.parametrize(("blkio", "expected"), [(10, 1), (750, 7475), (1000, 10000)])
def test_io_weight(blkio: int, expected: int) -> None:
    """LNX-CG2-08."""
    assert io_weight(blkio) == expected


@pytest.mark.parametrize(
    ("memory", "expected"),
    [
        (MemoryResources(limit=0, swap=0, reservation=0), []),
        (MemoryResources(limit=100, swap=100), [("memory.swap.max", "0"), ("memory.max", "100")]),
        (MemoryResources(limit=100, swap=-1), [("memory.swap.max", "max"), ("memory.max", "100")]),
        (MemoryResources(limit=-1), [("memory.swap.max", "max"), ("memory.max", "max")]),
        (MemoryResources(limit=-1, swap=300), [("memory.swap.max", "300"), ("memory.max", "max")]),
        (MemoryResources(limit=100), [("memory.max", "100")]),
        (MemoryResources(swap=-1), [("memory.swap.max", "max")]),
        (MemoryResources(reservation=-1), [("memory.low", "max")]),
        (MemoryResources(swappiness=3, disable_oom_killer=True, kernel=1, kernel_tcp=1), []),
    ],
)
def test_memory(memory: MemoryResources, expected: list[tuple[str, str]]) -> None:
    """LNX-CG2-02, LNX-CG2-03, LNX-CG2-04, LNX-UPD-08."""
    assert files(*update(memory=memory)) == expected


@pytest.mark.parametrize("swap", [0, 100, -1])
def test_kernels_without_swap_accounting_are_fine_when_no_swap_is_to_be_limited(swap: int) -> None:
    """LNX-CG2-03."""
    steps = update(memory=MemoryResources(limit=100, swap=swap))
    assert all(step.optional for step in steps if isinstance(step, WriteCgroupFile) and "swap" in step.path)


def test_a_limit_of_swap_needs_its_file() -> None:
    """LNX-CG2-03."""
    step = update(memory=MemoryResources(limit=100, swap=200))[0]
    assert isinstance(step, WriteCgroupFile)
    assert not step.optional


@pytest.mark.parametrize("memory", [MemoryResources(swap=100), MemoryResources(limit=100, swap=99)])
def test_swap_is_memory_and_swap_together(memory: MemoryResources) -> None:
    """LNX-CG2-03, LNX-UPD-08."""
    with pytest.raises(RingfenceError) as caught:
        update(memory=memory)
    assert caught.value.field == "/linux/resources/memory/swap"


def test_check_before_update_comes_before_the_limits() -> None:
    """LNX-UPD-16."""
    steps = update(memory=MemoryResources(limit=100, swap=200, check_before_update=True))
    assert steps[0] == CheckMemoryUsage("/linux/resources/memory/checkBeforeUpdate", "/cg/web", 100, 200)


@pytest.mark.parametrize(
    ("cpu", "expected"),
    [
        (CPUResources(shares=0, quota=0, period=0), []),
        (CPUResources(quota=5000), [("cpu.max", "5000 100000")]),
        (CPUResources(quota=-1, period=5000), [("cpu.max", "max 5000")]),
        (CPUResources(period=5000), [("cpu.max", "max 5000")]),
        (CPUResources(burst=7), [("cpu.max.burst", "7")]),
        (CPUResources(idle=1, shares=2), [("cpu.idle", "1")]),
        (CPUResources(idle=0, shares=2), [("cpu.idle", "0"), ("cpu.weight", "1")]),
        (CPUResources(realtime_period=1, realtime_runtime=1, cpus="", mems=""), []),
    ],
)
def test_cpu(cpu: CPUResources, expected: list[tuple[str, str]]) -> None:
    """LNX-CG2-04, LNX-CG2-06, LNX-CG2-07."""
    assert files(*update(cpu=cpu)) == expected


def test_block_io() -> None:
    """LNX-CG2-08, LNX-CG2-09."""
    rate = (ThrottleDevice(8, 0, 1000),)
    steps = update(
        block_io=BlockIOResources(
            weight=750,
            weight_device=(WeightDevice(8, 0, weight=100),),
            throttle_read_bps_device=rate,
            throttle_write_bps_device=rate,
            throttle_read_iops_device=rate,
            throttle_write_iops_device=rate,
        )
    )
    assert files(*steps) == [
        ("io.bfq.weight", "750"),
        ("io.weight", "7475"),
        ("io.bfq.weight", "8:0 100"),
        ("io.max", "8:0 rbps=1000"),
        ("io.max", "8:0 wbps=1000"),
        ("io.max", "8:0 riops=1000"),
        ("io.max", "8:0 wiops=1000"),
    ]


def test_huge_pages() -> None:
    """LNX-CG2-09."""
    assert files(*update(hugepage_limits=(HugepageLimit("1GB", 1 << 30),))) == [
        ("hugetlb.1GB.max", "1073741824"),
        ("hugetlb.1GB.rsvd.max", "1073741824"),
    ]


def test_network_has_no_files() -> None:
    """LNX-CG2-04."""
    assert update(network=NetworkResources(class_id=1, priorities=(InterfacePriority("lo", 1),))) == ()


def test_unified_comes_last_and_line_by_line() -> None:
    """LNX-CG2-10, LNX-UPD-13."""
    steps = update(
        unified={"io.max": "8:0 rbps=1\n8:16 rbps=2\n", "memory.max": "77", "who.knows": "x"},
        memory=MemoryResources(limit=100),
        pids=PidsResources(limit=5),
    )
    assert files(*steps) == [
        ("memory.max", "100"),
        ("pids.max", "5"),
        ("io.max", "8:0 rbps=1"),
        ("io.max", "8:16 rbps=2"),
        ("memory.max", "77"),
        ("who.knows", "x"),
    ]


def test_privileged_containers_need_no_device_program() -> None:
    steps = compile_cgroup(HOST, DIRS, Resources(devices=(DeviceRule(allow=True, access="rwm"),)))
    assert not [step for step in steps if isinstance(step, LimitDevicesV2)]


def test_a_rootless_container_has_no_device_program() -> None:
    """LNX-RLESS-07, LNX-RLESS-08."""
    where = v2_host("/cg", uid=1000)
    steps = compile_cgroup(where, locate(where, None, "web"), None)
    assert not [step for step in steps if isinstance(step, LimitDevicesV2)]


def test_limits_without_a_cgroup_are_an_error() -> None:
    """LNX-CG-06."""
    with pytest.raises(RingfenceError, match="could not join or create cgroup"):
        compile_cgroup(host("v2", ()), (), Resources(pids=PidsResources(limit=3)))


def test_ownership_goes_to_the_users_root() -> None:
    """LNX-CG-08."""
    assert compile_ownership(HOST, DIRS, 100000) == (OwnCgroup("", "/cg/web", 100000),)
