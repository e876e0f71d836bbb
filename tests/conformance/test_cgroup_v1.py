"""Resource files of cgroup v1."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.hierarchies import with_more_hierarchies
from tests.conformance.inside import inside, refused
from tests.support import Bundle, Runtime, cgroup

pytestmark = pytest.mark.skipif(cgroup.is_v2(), reason="the host is on cgroup v2")
MIB = 1 << 20
UNLIMITED = str((1 << 63) - 4096)


def files(runtime: Runtime, bundle: Bundle, controller: str, *names: str, **resources: Any) -> list[str]:
    """Content of the created container's control files with these resources."""
    bundle.resources.update(resources)
    bundle.linux.setdefault("cgroupsPath", f"/{runtime.new_id()}")
    bundle.sleep()
    folder = cgroup.of_process(runtime.create(bundle).pid)[controller]
    return [cgroup.read(folder, name) for name in names]


def missing(controller: str, name: str) -> bool:
    """Whether the kernel has no such control file in a cgroup below the root."""
    folder = cgroup.make(controller, f"/probe-{os.getpid()}")
    try:
        return not os.path.exists(os.path.join(folder, name))
    finally:
        cgroup.remove(folder)


MEMORY_FILES = [f"memory.{name}" for name in ("limit_in_bytes", "soft_limit_in_bytes", "memsw.limit_in_bytes")]


def test_memory(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-01: limit, reservation, swap, swappiness and disableOOMKiller reach their files."""
    memory = {"limit": 64 * MIB, "reservation": 32 * MIB, "swap": 96 * MIB, "swappiness": 7, "disableOOMKiller": True}
    names = [*MEMORY_FILES, "memory.swappiness", "memory.oom_control"]
    found = files(runtime, bundle, "memory", *names, memory=memory)
    assert found[:4] == [str(64 * MIB), str(32 * MIB), str(96 * MIB), "7"]
    assert "oom_kill_disable 1" in found[4]


def test_memory_values_without_effect(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-01: kernel, kernelTCP and useHierarchy are accepted without effect; 0 leaves a value alone."""
    memory = {"kernel": 64 * MIB, "kernelTCP": 64 * MIB, "useHierarchy": False, "limit": 0, "swap": 0, "reservation": 0}
    names = [*MEMORY_FILES, "memory.kmem.tcp.limit_in_bytes"]
    found = files(runtime, bundle, "memory", *names, memory=memory)
    assert found[:3] == [UNLIMITED] * 3
    assert found[3] == UNLIMITED


@pytest.mark.parametrize("swappiness", [0, 100])
def test_swappiness(runtime: Runtime, bundle: Bundle, swappiness: int) -> None:
    """LNX-CG1-01: swappiness 0…100, 0 included."""
    assert files(runtime, bundle, "memory", "memory.swappiness", memory={"swappiness": swappiness}) == [str(swappiness)]


def test_swappiness_above_100_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-01: a larger one is an error."""
    bundle.resources["memory"] = {"swappiness": 101}
    refused(runtime, bundle)


def test_swap_below_the_limit_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-01: memory+swap below memory is refused."""
    bundle.resources["memory"] = {"limit": 64 * MIB, "swap": 32 * MIB}
    refused(runtime, bundle)


def test_unlimited_memory(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-01, LNX-CG1-02: -1 is unlimited; limit -1 with swap absent lifts swap too."""
    name = runtime.new_id()
    folder = cgroup.make("memory", name)
    cgroup.write(folder, "memory.limit_in_bytes", str(64 * MIB))
    cgroup.write(folder, "memory.memsw.limit_in_bytes", str(64 * MIB))
    bundle.linux["cgroupsPath"] = f"/{name}"
    found = files(runtime, bundle, "memory", *MEMORY_FILES, memory={"limit": -1, "reservation": -1})
    assert found == [UNLIMITED] * 3


def test_raising_memory_above_an_old_swap_limit(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-02: the order of the two writes depends on whether the limit grows above the old memory+swap."""
    name = runtime.new_id()
    folder = cgroup.make("memory", name)
    cgroup.write(folder, "memory.limit_in_bytes", str(32 * MIB))
    cgroup.write(folder, "memory.memsw.limit_in_bytes", str(40 * MIB))
    bundle.linux["cgroupsPath"] = f"/{name}"
    memory = {"limit": 64 * MIB, "swap": 80 * MIB}
    assert files(runtime, bundle, "memory", MEMORY_FILES[0], MEMORY_FILES[2], memory=memory) == [
        str(64 * MIB),
        str(80 * MIB),
    ]


def test_lowering_memory_and_swap(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-02: lowering both works as well."""
    name = runtime.new_id()
    folder = cgroup.make("memory", name)
    cgroup.write(folder, "memory.limit_in_bytes", str(256 * MIB))
    cgroup.write(folder, "memory.memsw.limit_in_bytes", str(256 * MIB))
    bundle.linux["cgroupsPath"] = f"/{name}"
    memory = {"limit": 64 * MIB, "swap": 64 * MIB}
    assert files(runtime, bundle, "memory", MEMORY_FILES[0], MEMORY_FILES[2], memory=memory) == [str(64 * MIB)] * 2


def test_memory_limit_is_enforced(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-01: a program that takes more is killed."""
    bundle.resources["memory"] = {"limit": 32 * MIB, "swap": 32 * MIB}
    bundle.sh("head -c 200m /dev/zero | tail >/dev/null; echo $?")
    assert runtime.run_bundle(bundle).out == "137\n"


def test_cpu_shares_and_idle(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-03: shares and idle reach their files. runc 1.1 does not know idle."""
    assert files(runtime, bundle, "cpu", "cpu.shares", cpu={"shares": 333}) == ["333"]
    del bundle.linux["cgroupsPath"]
    if not missing("cpu", "cpu.idle"):
        assert files(runtime, bundle, "cpu", "cpu.idle", cpu={"idle": 1}) == ["1"]


@pytest.mark.parametrize(("shares", "word"), [(1, "minimum"), (1 << 20, "maximum")])
def test_clamped_cpu_shares_are_refused(runtime: Runtime, bundle: Bundle, shares: int, word: str) -> None:
    """LNX-CG1-03: a value the kernel clamps is an error that names the allowed maximum or minimum."""
    bundle.resources["cpu"] = {"shares": shares}
    refused(runtime, bundle, f"{word} allowed cpu-shares")


CFS = ["cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.cfs_burst_us"]


@pytest.mark.parametrize(
    ("cpu", "expected"),
    [
        ({"quota": 30000, "period": 60000, "burst": 10000}, ["30000", "60000", "10000"]),
        ({"period": 60000}, ["-1", "60000", "0"]),
        ({"quota": 30000}, ["30000", "100000", "0"]),
        ({"quota": -1}, ["-1", "100000", "0"]),
        ({"quota": 0, "period": 0}, ["-1", "100000", "0"]),
    ],
    ids=str,
)
def test_cpu_quota(runtime: Runtime, bundle: Bundle, cpu: dict[str, int], expected: list[str]) -> None:
    """LNX-CG1-04: quota, period and burst reach their files; what is not given keeps -1, 100000 and 0.

    runc 1.1 does not know burst.
    """
    assert files(runtime, bundle, "cpu", *CFS, cpu=cpu) == expected


def test_invalid_period_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-04: a period of 100 is refused."""
    bundle.resources["cpu"] = {"period": 100}
    refused(runtime, bundle)


@pytest.mark.skipif(not os.path.exists("/sys/fs/cgroup/cpu/cpu.rt_runtime_us"), reason="needs RT group scheduling")
def test_realtime(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-05: realtimeRuntime and realtimePeriod reach their files."""
    cpu = {"realtimeRuntime": 5000, "realtimePeriod": 500000}
    assert files(runtime, bundle, "cpu", "cpu.rt_runtime_us", "cpu.rt_period_us", cpu=cpu) == ["5000", "500000"]


@pytest.mark.skipif(not os.path.exists("/sys/fs/cgroup/cpu/cpu.rt_runtime_us"), reason="needs RT group scheduling")
def test_realtime_runtime_alone(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-05: each alone works too: a period keeps the runtime, a runtime the period of a second."""
    found = files(runtime, bundle, "cpu", "cpu.rt_runtime_us", "cpu.rt_period_us", cpu={"realtimeRuntime": 5000})
    assert found == ["5000", "1000000"]


def test_cpuset(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-06: cpus and mems reach their files."""
    found = files(runtime, bundle, "cpuset", "cpuset.cpus", "cpuset.mems", cpu={"cpus": "0", "mems": "0"})
    assert found == ["0", "0"]


def test_empty_cpuset_is_filled_from_the_parent(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-06: empty ones in the path are first filled from the parent at every level."""
    name = runtime.new_id()
    top = cgroup.make("cpuset", name)
    assert cgroup.read(top, "cpuset.cpus") == ""
    bundle.linux["cgroupsPath"] = f"/{name}/middle/inner"
    bundle.sleep()
    container = runtime.create(bundle)
    names = ("cpuset.cpus", "cpuset.mems")
    inner = cgroup.of_process(container.pid)["cpuset"]
    folders = [cgroup.hierarchies()["cpuset"], top, os.path.join(top, "middle"), inner]
    found = [[cgroup.read(folder, name) for name in names] for folder in folders]
    container.delete("--force").ok()
    for folder in cgroup.folders_named(name):
        cgroup.remove(folder)
    assert found == [found[0]] * 4


def weight_file() -> str:
    """The file a weight goes to, "" when the kernel has none."""
    names = ["blkio.weight", "blkio.bfq.weight"]
    return next((name for name in names if not missing("blkio", name)), "")


def test_block_weight(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-07: weight goes to blkio.weight or blkio.bfq.weight, whichever exists."""
    name = weight_file()
    if not name:
        pytest.skip("the kernel has no proportional block I/O")
    assert "333" in files(runtime, bundle, "blkio", name, blockIO={"weight": 333})[0]


@pytest.fixture
def bfq_device() -> Iterator[tuple[int, int]]:
    """The last loop device, for the moment with the bfq scheduler."""
    path = "/sys/block/loop7/queue/scheduler"
    if weight_file() != "blkio.bfq.weight" or not os.path.exists(path) or "bfq" not in cgroup.read("/", path):
        pytest.skip("needs a loop device and the bfq scheduler")
    before = cgroup.read("/", path).partition("[")[2].partition("]")[0]
    cgroup.write("/", path, "bfq")
    yield 7, 7
    cgroup.write("/", path, before)


def test_block_weight_of_a_device(runtime: Runtime, bundle: Bundle, bfq_device: tuple[int, int]) -> None:
    """LNX-CG1-07: weightDevice goes to blkio.bfq.weight_device as `M:m W`. runc 1.1 knows blkio.weight_device only."""
    major, minor = bfq_device
    entry = {"major": major, "minor": minor, "weight": 444}
    found = files(runtime, bundle, "blkio", "blkio.bfq.weight_device", blockIO={"weightDevice": [entry]})
    assert f"{major}:{minor} 444" in found[0].splitlines()


def disk() -> tuple[int, int]:
    """The numbers of some real disk."""
    for name in sorted(os.listdir("/sys/block"), reverse=True):
        if not name.startswith(("loop", "ram", "zram")):
            major, minor = cgroup.read(f"/sys/block/{name}", "dev").split(":")
            return int(major), int(minor)
    pytest.skip("needs a disk")


def test_block_throttling(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-08: the four throttle lists reach their files as `M:m RATE`."""
    major, minor = disk()
    keys = {
        "throttleReadBpsDevice": "read_bps_device",
        "throttleWriteBpsDevice": "write_bps_device",
        "throttleReadIOPSDevice": "read_iops_device",
        "throttleWriteIOPSDevice": "write_iops_device",
    }
    rates = range(1 << 30, (1 << 30) + 4)
    settings = {key: [{"major": major, "minor": minor, "rate": rate}] for key, rate in zip(keys, rates)}
    names = [f"blkio.throttle.{name}" for name in keys.values()]
    found = files(runtime, bundle, "blkio", *names, blockIO=settings)
    assert found == [f"{major}:{minor} {rate}" for rate in rates]


@pytest.mark.parametrize(("limit", "expected"), [(5, "5"), (-1, "max"), (0, "1")])
def test_pids(runtime: Runtime, bundle: Bundle, limit: int, expected: str) -> None:
    """LNX-CG1-09: pids.limit goes to pids.max; 0 becomes 1, -1 `max`. runc 1.1 leaves 0 alone."""
    assert files(runtime, bundle, "pids", "pids.max", pids={"limit": limit}) == [expected]


HUGE = "2MB"


def test_huge_pages(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-10: hugepageLimits reach the limit and, where present, the reservation file.

    runc 1.1 writes the limit only.
    """
    with_more_hierarchies(runtime, "hugetlb")
    bundle.resources["hugepageLimits"] = [{"pageSize": HUGE, "limit": 8 * MIB}]
    script = f"cd /sys/fs/cgroup/hugetlb; cat hugetlb.{HUGE}.limit_in_bytes hugetlb.{HUGE}.rsvd.limit_in_bytes"
    assert inside(runtime, bundle, script).split() == [str(8 * MIB)] * 2


def test_unknown_huge_page_size_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-10: an unknown page size is an error."""
    with_more_hierarchies(runtime, "hugetlb")
    bundle.resources["hugepageLimits"] = [{"pageSize": "3MB", "limit": 8 * MIB}]
    bundle.args("true")
    result = runtime.run_bundle(bundle)
    assert result.code == 1
    assert "3MB" in runtime.last_error()


def test_network(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-11: classID reaches net_cls.classid, priorities reach net_prio.ifpriomap."""
    with_more_hierarchies(runtime)
    bundle.drop_namespace("network")
    bundle.resources["network"] = {"classID": 1048577, "priorities": [{"name": "lo", "priority": 500}]}
    script = "cd /sys/fs/cgroup; cat net_cls/net_cls.classid; grep lo net_prio/net_prio.ifpriomap"
    assert inside(runtime, bundle, script).split() == ["1048577", "lo", "500"]


def test_unified_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG1-13: `unified` on v1 is refused in the words callers know."""
    bundle.resources["unified"] = {"memory.max": "100000000"}
    refused(runtime, bundle, "invalid configuration")
