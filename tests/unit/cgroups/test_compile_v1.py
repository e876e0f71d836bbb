"""linux.resources as steps for cgroup v1."""

from __future__ import annotations

from typing import Any

import pytest

from ringfence.cgroups.compile import compile_cgroup, compile_ownership, compile_update
from ringfence.cgroups.paths import locate
from ringfence.cgroups.steps import (
    LimitDevicesV1,
    MakeCgroup,
    WriteCgroupFile,
    WriteCpuShares,
    WriteFirstPresent,
    WriteTogether,
)
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
    RdmaLimit,
    Resources,
    ThrottleDevice,
    WeightDevice,
)
from tests.unit.cgroups.hosts import host, hybrid_host, legacy, v1_host

HOST = v1_host("/cg")
DIRS = locate(HOST, "/web", "id")


def update(**parts: Any) -> tuple[HostStep, ...]:
    """The steps of one part of the resources alone."""
    return compile_update(HOST, DIRS, Resources(**parts))


def written(*steps: HostStep) -> list[tuple[str, str]]:
    """Every file and value of these steps, without the common part of the paths."""
    found: list[tuple[str, str]] = []
    for step in steps:
        if isinstance(step, WriteCgroupFile):
            found.append((step.path, step.value))
        elif isinstance(step, WriteCpuShares):
            found.append((step.path, str(step.shares)))
        elif isinstance(step, WriteTogether):
            found.extend(step.writes)
        elif isinstance(step, WriteFirstPresent):
            found.extend(step.choices)
    return [(path.removeprefix("/cg/"), value) for path, value in found]


def test_a_whole_cgroup_in_order() -> None:
    """LNX-CG-05, LNX-CG1-05: made first, then every limit, all before a process enters."""
    resources = Resources(
        cpu=CPUResources(
            shares=512, quota=50000, period=100000, realtime_runtime=1000, realtime_period=2000, cpus="0-1", mems="0"
        ),
        memory=MemoryResources(limit=64 << 20, reservation=32 << 20, swap=128 << 20, swappiness=10),
        pids=PidsResources(limit=100),
        devices=(DeviceRule(allow=False, access="rwm"),),
    )
    steps = compile_cgroup(HOST, DIRS, resources)
    assert [(*step.describe(), step.pointer) for step in steps] == [
        ("make", "cgroup /web in 11 hierarchies", "/linux/cgroupsPath"),
        ("limit", "cpu shares 512", "/linux/resources/cpu/shares"),
        ("limit", "cpu 50000 µs of every 100000 µs", "/linux/resources/cpu/quota"),
        ("limit", "cpu realtime 1000 µs of 2000 µs", "/linux/resources/cpu/realtimeRuntime"),
        ("limit", "cpus to 0-1", "/linux/resources/cpu/cpus"),
        ("limit", "memory nodes to 0", "/linux/resources/cpu/mems"),
        ("limit", "memory 64 MiB, memory+swap 128 MiB", "/linux/resources/memory/limit"),
        ("limit", "memory reservation 32 MiB", "/linux/resources/memory/reservation"),
        ("limit", "swappiness 10", "/linux/resources/memory/swappiness"),
        ("limit", "tasks to 100", "/linux/resources/pids/limit"),
        ("limit", "devices: none but 10", "/linux/resources/devices"),
    ]
    assert steps[0] == MakeCgroup("/linux/cgroupsPath", "/web", DIRS, "/cg/cpuset", tolerant=False)
    assert isinstance(steps[-1], LimitDevicesV1)
    assert written(*steps) == [
        ("cpu,cpuacct/web/cpu.shares", "512"),
        ("cpu,cpuacct/web/cpu.cfs_period_us", "100000"),
        ("cpu,cpuacct/web/cpu.cfs_quota_us", "50000"),
        ("cpu,cpuacct/web/cpu.rt_period_us", "2000"),
        ("cpu,cpuacct/web/cpu.rt_runtime_us", "1000"),
        ("cpuset/web/cpuset.cpus", "0-1"),
        ("cpuset/web/cpuset.mems", "0"),
        ("memory/web/memory.limit_in_bytes", "67108864"),
        ("memory/web/memory.memsw.limit_in_bytes", "134217728"),
        ("memory/web/memory.soft_limit_in_bytes", "33554432"),
        ("memory/web/memory.swappiness", "10"),
        ("pids/web/pids.max", "100"),
    ]


@pytest.mark.parametrize(
    ("memory", "expected"),
    [
        (MemoryResources(limit=-1), [("memory.limit_in_bytes", "-1"), ("memory.memsw.limit_in_bytes", "-1")]),
        (
            MemoryResources(limit=-1, swap=1 << 30),
            [("memory.limit_in_bytes", "-1"), ("memory.memsw.limit_in_bytes", "1073741824")],
        ),
        (MemoryResources(limit=0, reservation=0, swap=0), []),
        (MemoryResources(swap=4096), [("memory.memsw.limit_in_bytes", "4096")]),
        (MemoryResources(disable_oom_killer=True), [("memory.oom_control", "1")]),
        (MemoryResources(disable_oom_killer=False), []),
        (MemoryResources(kernel=1, kernel_tcp=1, use_hierarchy=True), []),
        (MemoryResources(swappiness=0), [("memory.swappiness", "0")]),
    ],
)
def test_memory(memory: MemoryResources, expected: list[tuple[str, str]]) -> None:
    """LNX-CG1-01, LNX-CG1-02."""
    assert written(*update(memory=memory)) == [(f"memory/web/{file}", value) for file, value in expected]


def test_swap_is_only_optional_when_nothing_is_limited() -> None:
    """Without swap accounting an unlimited memory+swap is what there is; a limited one cannot be had."""
    (lifted,), (limited,) = update(memory=MemoryResources(limit=-1)), update(memory=MemoryResources(limit=1, swap=2))
    assert isinstance(lifted, WriteTogether)
    assert isinstance(limited, WriteTogether)
    assert [path for path, _value in lifted.writes[1:]] == list(lifted.optional)
    assert limited.optional == ()


@pytest.mark.parametrize(
    ("cpu", "expected"),
    [
        (CPUResources(shares=0, quota=0, period=0), []),
        (CPUResources(idle=1, shares=100), [("cpu.shares", "100"), ("cpu.idle", "1")]),
        (CPUResources(idle=0, shares=100), [("cpu.idle", "0"), ("cpu.shares", "100")]),
        (CPUResources(quota=-1), [("cpu.cfs_quota_us", "-1")]),
        (CPUResources(period=5000), [("cpu.cfs_period_us", "5000")]),
        (CPUResources(burst=0), [("cpu.cfs_burst_us", "0")]),
        (CPUResources(realtime_period=5000), [("cpu.rt_period_us", "5000")]),
        (CPUResources(realtime_runtime=-1), [("cpu.rt_runtime_us", "-1")]),
    ],
)
def test_cpu(cpu: CPUResources, expected: list[tuple[str, str]]) -> None:
    """LNX-CG1-03, LNX-CG1-04, LNX-CG1-05, LNX-UPD-06."""
    assert written(*update(cpu=cpu)) == [(f"cpu,cpuacct/web/{file}", value) for file, value in expected]


@pytest.mark.parametrize(("limit", "expected"), [(7, "7"), (0, "1"), (-1, "max"), (-5, "max")])
def test_pids(limit: int, expected: str) -> None:
    """LNX-CG1-09, LNX-UPD-10."""
    assert written(*update(pids=PidsResources(limit=limit))) == [("pids/web/pids.max", expected)]


def test_block_io() -> None:
    """LNX-CG1-07, LNX-CG1-08."""
    rate = (ThrottleDevice(8, 0, 1000),)
    steps = update(
        block_io=BlockIOResources(
            weight=500,
            leaf_weight=300,
            weight_device=(WeightDevice(8, 0, weight=100, leaf_weight=200),),
            throttle_read_bps_device=rate,
            throttle_write_bps_device=rate,
            throttle_read_iops_device=rate,
            throttle_write_iops_device=rate,
        )
    )
    assert [(path.removeprefix("blkio/web/blkio."), value) for path, value in written(*steps)] == [
        ("weight", "500"),
        ("bfq.weight", "500"),
        ("leaf_weight", "300"),
        ("weight_device", "8:0 100"),
        ("bfq.weight_device", "8:0 100"),
        ("leaf_weight_device", "8:0 200"),
        ("throttle.read_bps_device", "8:0 1000"),
        ("throttle.write_bps_device", "8:0 1000"),
        ("throttle.read_iops_device", "8:0 1000"),
        ("throttle.write_iops_device", "8:0 1000"),
    ]
    assert [step.pointer.removeprefix("/linux/resources/blockIO/") for step in steps] == [
        "weight",
        "leafWeight",
        "weightDevice/0",
        "weightDevice/0",
        "throttleReadBpsDevice/0",
        "throttleWriteBpsDevice/0",
        "throttleReadIOPSDevice/0",
        "throttleWriteIOPSDevice/0",
    ]


def test_huge_pages() -> None:
    """LNX-CG1-10."""
    steps = update(hugepage_limits=(HugepageLimit("2MB", 4 << 20),))
    assert written(*steps) == [
        ("hugetlb/web/hugetlb.2MB.limit_in_bytes", "4194304"),
        ("hugetlb/web/hugetlb.2MB.rsvd.limit_in_bytes", "4194304"),
    ]
    assert [step.optional for step in steps if isinstance(step, WriteCgroupFile)] == [False, True]


def test_a_size_of_huge_page_the_host_does_not_have_is_an_error() -> None:
    """LNX-CG1-10."""
    with pytest.raises(RingfenceError) as caught:
        update(hugepage_limits=(HugepageLimit("2MB", 1), HugepageLimit("3MB", 1)))
    assert caught.value.field == "/linux/resources/hugepageLimits/1/pageSize"


def test_network() -> None:
    """LNX-CG1-11."""
    steps = update(network=NetworkResources(class_id=1048577, priorities=(InterfacePriority("eth0", 500),)))
    assert written(*steps) == [
        ("net_cls,net_prio/web/net_cls.classid", "1048577"),
        ("net_cls,net_prio/web/net_prio.ifpriomap", "eth0 500"),
    ]


def test_rdma() -> None:
    """LNX-CG1-12: either part may be missing."""
    steps = update(rdma={"mlx5_1": RdmaLimit(3, 10000), "mlx4_0": RdmaLimit(hca_objects=5), "none": RdmaLimit()})
    assert written(*steps) == [
        ("rdma/web/rdma.max", "mlx5_1 hca_handle=3 hca_object=10000"),
        ("rdma/web/rdma.max", "mlx4_0 hca_object=5"),
    ]


def test_unified_is_not_for_v1() -> None:
    """LNX-CG1-13."""
    with pytest.raises(RingfenceError, match="invalid configuration"):
        update(unified={"memory.high": "1"})


def test_a_limit_without_its_controller_is_an_error_that_names_it() -> None:
    """LNX-CG-06."""
    bare = host("v1", (legacy("/cg", ("devices",), "/"),))
    with pytest.raises(RingfenceError) as caught:
        compile_cgroup(bare, locate(bare, "/web", "id"), Resources(pids=PidsResources(limit=5)))
    assert str(caught.value) == "cannot set pids limit: container could not join or create cgroup"
    assert caught.value.field == "/linux/resources/pids/limit"


def test_a_missing_controller_without_a_limit_is_passed_over() -> None:
    """LNX-CG-06."""
    bare = host("v1", (legacy("/cg", ("devices",), "/"),))
    empty = Resources(pids=PidsResources(), memory=MemoryResources(limit=0), cpu=CPUResources())
    assert [step.describe()[0] for step in compile_cgroup(bare, locate(bare, "/web", "id"), empty)] == ["make", "limit"]


def test_update_does_not_touch_devices() -> None:
    """LNX-UPD-15."""
    assert update(devices=(DeviceRule(allow=False),)) == ()


def test_devices_are_left_to_the_kernel_where_it_would_refuse() -> None:
    """LNX-RLESS-07."""
    where = v1_host("/cg", uid=1000)
    steps = compile_cgroup(where, locate(where, None, "web"), None, demanded=False)
    assert [type(step) for step in steps] == [MakeCgroup]


@pytest.mark.parametrize(("uid", "demanded", "tolerant"), [(0, False, False), (1000, True, False), (1000, False, True)])
def test_only_a_rootless_container_without_cgroups_path_may_do_without(
    uid: int, demanded: bool, tolerant: bool
) -> None:
    """LNX-RLESS-04."""
    where = v1_host("/cg", uid=uid)
    made = compile_cgroup(where, locate(where, "/web", "id"), None, demanded=demanded)[0]
    assert isinstance(made, MakeCgroup)
    assert made.tolerant is tolerant


def test_the_shown_name_is_the_part_the_hierarchies_share() -> None:
    where = host("v1", (legacy("/cg", ("memory",), "/agent/0a1b"), legacy("/cg", ("pids",), "/")))
    assert compile_cgroup(where, locate(where, None, "web"), None)[0].describe()[1] == "cgroup /web in 2 hierarchies"


def test_a_host_without_cgroups_makes_none_and_limits_nothing() -> None:
    nowhere = host("v1", ())
    assert compile_cgroup(v1_host("/cg", uid=1000), (), None) == ()
    with pytest.raises(RingfenceError, match="cannot set memory limit"):
        compile_cgroup(nowhere, (), Resources(memory=MemoryResources(limit=4096)))


def test_v1_cgroups_and_the_v2_one_of_a_hybrid_host_change_hands_by_v2s_rules_only() -> None:
    """LNX-CG-08, LNX-CG-09: a hybrid host's v2 hierarchy has no mount in the container, v1 never changes hands."""
    assert compile_ownership(HOST, DIRS, 1000) == ()
    where = hybrid_host("/cg")
    assert compile_ownership(where, locate(where, "/web", "id"), 1000) == ()
