"""Limits as cgroup v1 wants them: which file of which hierarchy gets which text.

Every function takes a part of ``linux.resources`` and the directory of its controller, and gives steps. 0 means that
nothing was asked (config-linux.md, Control groups).
"""

from __future__ import annotations

from ringfence.cgroups.devices import device_list, line
from ringfence.cgroups.paths import find
from ringfence.cgroups.steps import (
    LimitDevicesV1,
    WriteCgroupFile,
    WriteCpuShares,
    WriteFirstPresent,
    WriteTogether,
)
from ringfence.cgroups.words import amount, size
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from ringfence.cgroups.paths import CgroupDir
    from ringfence.host.facts import Host
    from ringfence.plan.step import HostStep
    from ringfence.spec.types import (
        BlockIOResources,
        CPUResources,
        DeviceRule,
        HugepageLimit,
        MemoryResources,
        NetworkResources,
        PidsResources,
        RdmaLimit,
        Resources,
    )

    Steps = Iterator[HostStep]

POINTER = "/linux/resources"
UNLIMITED = -1
THROTTLES = (
    ("throttle_read_bps_device", "throttleReadBpsDevice", "read_bps_device", "rbps", "bytes/s read"),
    ("throttle_write_bps_device", "throttleWriteBpsDevice", "write_bps_device", "wbps", "bytes/s written"),
    ("throttle_read_iops_device", "throttleReadIOPSDevice", "read_iops_device", "riops", "reads/s"),
    ("throttle_write_iops_device", "throttleWriteIOPSDevice", "write_iops_device", "wiops", "writes/s"),
)


def compile_v1(host: Host, dirs: tuple[CgroupDir, ...], resources: Resources, devices: bool) -> list[HostStep]:
    """Every limit of ``resources``; ``devices``: the device list too.

    Raises:
        RingfenceError: a limit whose controller the host does not have (LNX-CG-06), ``unified`` (LNX-CG1-13), or a
            value that no kernel takes.
    """
    if resources.unified:
        raise RingfenceError("invalid configuration: cannot use unified on cgroup v1", field=f"{POINTER}/unified")
    steps: list[HostStep] = []
    for controller, value, compiler in controllers(host, resources):
        if value is not None:
            steps.extend(placed(dirs, controller, value, compiler))
    if devices and (resources.devices or find(dirs, "devices")):
        steps.extend(placed(dirs, "devices", resources.devices, device_steps))
    return steps


def controllers(host: Host, resources: Resources) -> tuple[tuple[str, Any, Callable[[Any, str], Steps]], ...]:
    """Which part of the resources belongs to which controller, and how it is compiled."""
    return (
        ("cpu", resources.cpu, cpu_steps),
        ("cpuset", resources.cpu, cpuset_steps),
        ("memory", resources.memory, memory_steps),
        ("pids", resources.pids, pids_steps),
        ("blkio", resources.block_io, block_steps),
        ("hugetlb", resources.hugepage_limits, lambda limits, path: huge_page_steps(host, limits, path)),
        ("net_cls", resources.network, class_steps),
        ("net_prio", resources.network, priority_steps),
        ("rdma", resources.rdma, rdma_steps),
    )


def placed(dirs: tuple[CgroupDir, ...], controller: str, value: Any, compiler: Callable[[Any, str], Steps]) -> Steps:
    """The steps of one controller; it may be absent when there are none."""
    directory = find(dirs, controller)
    for step in compiler(value, directory):
        if not directory:
            raise missing(controller, step.pointer)
        yield step


def missing(controller: str, pointer: str) -> RingfenceError:
    """A limit was asked for that has no cgroup to be set in."""
    return RingfenceError(
        f"cannot set {controller} limit: container could not join or create cgroup",
        field=pointer,
        hint=f"the {controller} controller is not there, see /proc/cgroups",
    )


def cpu_steps(cpu: CPUResources, path: str) -> Steps:
    """Shares, bandwidth and realtime; idle first when it is switched off, since an idle group refuses shares."""
    pointer = f"{POINTER}/cpu"
    idle = WriteCgroupFile(f"{pointer}/idle", f"{path}/cpu.idle", f"{cpu.idle}", f"cpu idle {cpu.idle}")
    if cpu.idle == 0:
        yield idle
    if cpu.shares:
        yield WriteCpuShares(f"{pointer}/shares", f"{path}/cpu.shares", cpu.shares)
    yield from bandwidth_steps(cpu, path, pointer)
    yield from realtime_steps(cpu, path, pointer)
    if cpu.idle:
        yield idle


def bandwidth_steps(cpu: CPUResources, path: str, pointer: str) -> Steps:
    """CFS period, quota and burst, which the kernel judges together."""
    writes = []
    if cpu.period:
        writes.append((f"{path}/cpu.cfs_period_us", str(cpu.period)))
    if cpu.quota:
        writes.append((f"{path}/cpu.cfs_quota_us", str(cpu.quota)))
    if cpu.burst is not None:
        writes.append((f"{path}/cpu.cfs_burst_us", str(cpu.burst)))
    if writes:
        yield WriteTogether(first_set(cpu, pointer, ("quota", "period", "burst")), tuple(writes), bandwidth_words(cpu))


def realtime_steps(cpu: CPUResources, path: str, pointer: str) -> Steps:
    """Realtime period and runtime. They must stand before a realtime task can enter."""
    writes = []
    if cpu.realtime_period:
        writes.append((f"{path}/cpu.rt_period_us", str(cpu.realtime_period)))
    if cpu.realtime_runtime:
        writes.append((f"{path}/cpu.rt_runtime_us", str(cpu.realtime_runtime)))
    if writes:
        where = f"{pointer}/{'realtimeRuntime' if cpu.realtime_runtime else 'realtimePeriod'}"
        shown = " of ".join(f"{value} µs" for value in (cpu.realtime_runtime, cpu.realtime_period) if value)
        yield WriteTogether(where, tuple(writes), f"cpu realtime {shown}")


def first_set(cpu: CPUResources, pointer: str, names: tuple[str, ...]) -> str:
    """The pointer of the first of these fields that is set."""
    for name in names:
        if getattr(cpu, name):
            return f"{pointer}/{name}"
    return f"{pointer}/{names[-1]}"


def bandwidth_words(cpu: CPUResources) -> str:
    """``cpu 50000 µs of every 100000 µs``."""
    parts = []
    if cpu.quota:
        parts.append("unlimited" if cpu.quota < 0 else f"{cpu.quota} µs")
    if cpu.period:
        parts.append(f"of every {cpu.period} µs")
    if cpu.burst is not None:
        parts.append(f"burst {cpu.burst} µs")
    return f"cpu {' '.join(parts)}"


def cpuset_steps(cpu: CPUResources, path: str) -> Steps:
    """CPUs and memory nodes, in the kernel's list format."""
    if cpu.cpus:
        yield WriteCgroupFile(f"{POINTER}/cpu/cpus", f"{path}/cpuset.cpus", cpu.cpus, f"cpus to {cpu.cpus}")
    if cpu.mems:
        yield WriteCgroupFile(f"{POINTER}/cpu/mems", f"{path}/cpuset.mems", cpu.mems, f"memory nodes to {cpu.mems}")


def memory_steps(memory: MemoryResources, path: str) -> Steps:
    """Memory in bytes. kernel, kernelTCP and useHierarchy have no effect any more (LNX-CG1-01)."""
    pointer = f"{POINTER}/memory"
    yield from memory_and_swap_steps(memory, path, pointer)
    if memory.reservation:
        yield WriteCgroupFile(
            f"{pointer}/reservation",
            f"{path}/memory.soft_limit_in_bytes",
            str(memory.reservation),
            f"memory reservation {size(memory.reservation)}",
        )
    if memory.swappiness is not None:
        yield WriteCgroupFile(
            f"{pointer}/swappiness",
            f"{path}/memory.swappiness",
            str(memory.swappiness),
            f"swappiness {memory.swappiness}",
        )
    if memory.disable_oom_killer:
        yield WriteCgroupFile(
            f"{pointer}/disableOOMKiller", f"{path}/memory.oom_control", "1", "the OOM killer", verb="disable"
        )


def memory_and_swap_steps(memory: MemoryResources, path: str, pointer: str) -> Steps:
    """Memory and memory+swap; lifting the limit lifts the swap with it unless that is named (LNX-CG1-02)."""
    writes = []
    optional: tuple[str, ...] = ()
    words = []
    swap = memory.swap or (UNLIMITED if memory.limit == UNLIMITED else 0)
    if memory.limit:
        writes.append((f"{path}/memory.limit_in_bytes", str(memory.limit)))
        words.append(f"memory {size(memory.limit)}")
    if swap:
        file = f"{path}/memory.memsw.limit_in_bytes"
        writes.append((file, str(swap)))
        words.append(f"memory+swap {size(swap)}")
        # A kernel without swap accounting has no such file and no such limit either.
        optional = (file,) if swap == UNLIMITED else ()
    if writes:
        yield WriteTogether(
            f"{pointer}/{'limit' if memory.limit else 'swap'}", tuple(writes), ", ".join(words), optional
        )


def pids_steps(pids: PidsResources, path: str) -> Steps:
    """The number of tasks; 0 is raised to 1, since a cgroup for no task is of no use (LNX-CG1-09)."""
    if pids.limit is not None:
        value = "max" if pids.limit < 0 else str(max(pids.limit, 1))
        shown = f"tasks to {amount(max(pids.limit, 1) if pids.limit >= 0 else UNLIMITED)}"
        yield WriteCgroupFile(f"{POINTER}/pids/limit", f"{path}/pids.max", value, shown)


def block_steps(block: BlockIOResources, path: str) -> Steps:
    """Weights and rates of block devices."""
    pointer = f"{POINTER}/blockIO"
    if block.weight:
        yield weight_step(f"{pointer}/weight", path, "weight", str(block.weight), f"I/O weight {block.weight}")
    if block.leaf_weight:
        yield WriteCgroupFile(
            f"{pointer}/leafWeight",
            f"{path}/blkio.leaf_weight",
            str(block.leaf_weight),
            f"I/O leaf weight {block.leaf_weight}",
        )
    yield from device_weight_steps(block, path, pointer)
    yield from throttle_steps(block, path, pointer)


def weight_step(pointer: str, path: str, name: str, value: str, shown: str) -> HostStep:
    """A weight in the file of the I/O scheduler this kernel has."""
    return WriteFirstPresent(pointer, ((f"{path}/blkio.{name}", value), (f"{path}/blkio.bfq.{name}", value)), shown)


def device_weight_steps(block: BlockIOResources, path: str, pointer: str) -> Steps:
    """Weights of single devices."""
    for index, device in enumerate(block.weight_device):
        number = f"{device.major}:{device.minor}"
        where = f"{pointer}/weightDevice/{index}"
        if device.weight:
            shown = f"I/O weight {device.weight} on device {number}"
            yield weight_step(where, path, "weight_device", f"{number} {device.weight}", shown)
        if device.leaf_weight:
            shown = f"I/O leaf weight {device.leaf_weight} on device {number}"
            yield WriteCgroupFile(where, f"{path}/blkio.leaf_weight_device", f"{number} {device.leaf_weight}", shown)


def throttle_steps(block: BlockIOResources, path: str, pointer: str) -> Steps:
    """Rates of single devices."""
    for field, json_name, file, _v2, unit in THROTTLES:
        for index, device in enumerate(getattr(block, field)):
            number = f"{device.major}:{device.minor}"
            yield WriteCgroupFile(
                f"{pointer}/{json_name}/{index}",
                f"{path}/blkio.throttle.{file}",
                f"{number} {device.rate}",
                f"I/O {device.rate} {unit} on device {number}",
            )


def huge_page_steps(host: Host, limits: tuple[HugepageLimit, ...], path: str, name: str = "limit_in_bytes") -> Steps:
    """Huge pages in bytes; ``name`` is the end of the file name, the reservation's file is newer (Linux 5.7)."""
    for index, limit in enumerate(limits):
        pointer = f"{POINTER}/hugepageLimits/{index}"
        if limit.page_size not in host.huge_pages:
            raise RingfenceError(f"invalid huge page size {limit.page_size!r}", field=f"{pointer}/pageSize")
        shown = f"huge pages of {limit.page_size} {size(limit.limit)}"
        file = f"{path}/hugetlb.{limit.page_size}"
        yield WriteCgroupFile(pointer, f"{file}.{name}", str(limit.limit), shown)
        yield WriteCgroupFile(pointer, f"{file}.rsvd.{name}", str(limit.limit), f"reserved {shown}", optional=True)


def class_steps(network: NetworkResources, path: str) -> Steps:
    """The class of the container's packets."""
    if network.class_id:
        value = str(network.class_id)
        yield WriteCgroupFile(
            f"{POINTER}/network/classID", f"{path}/net_cls.classid", value, f"network class {value}", verb="set"
        )


def priority_steps(network: NetworkResources, path: str) -> Steps:
    """The priority of the container's packets on each interface."""
    for index, entry in enumerate(network.priorities):
        yield WriteCgroupFile(
            f"{POINTER}/network/priorities/{index}",
            f"{path}/net_prio.ifpriomap",
            f"{entry.name} {entry.priority}",
            f"priority {entry.priority} on {entry.name}",
            verb="set",
        )


def rdma_steps(rdma: dict[str, RdmaLimit], path: str) -> Steps:
    """Handles and objects of each RDMA device."""
    for device, limit in rdma.items():
        parts = (("hca_handle", limit.hca_handles), ("hca_object", limit.hca_objects))
        value = " ".join(f"{name}={count}" for name, count in parts if count is not None)
        if value:
            pointer = f"{POINTER}/rdma/{device.replace('~', '~0').replace('/', '~1')}"
            yield WriteCgroupFile(pointer, f"{path}/rdma.max", f"{device} {value}", f"rdma {device} {value}")


def device_steps(rules: tuple[DeviceRule, ...] | None, path: str) -> Steps:
    """The list of devices."""
    allow_all, exceptions = device_list(rules)
    lines = tuple(line(key, access) for key, access in exceptions.items())
    yield LimitDevicesV1(f"{POINTER}/devices", path, allow_all, lines)
