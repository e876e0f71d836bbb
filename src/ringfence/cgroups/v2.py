"""Limits as cgroup v2 wants them. config.json speaks v1's units; the conversions are those every runtime shares."""

from __future__ import annotations

import math

from ringfence.cgroups.bpf import device_program
from ringfence.cgroups.devices import reduce
from ringfence.cgroups.steps import (
    CheckMemoryUsage,
    LimitDevicesV2,
    WriteCgroupFile,
    WriteFirstPresent,
    WriteTogether,
    device_words,
)
from ringfence.cgroups.v1 import (
    POINTER,
    THROTTLES,
    bandwidth_words,
    cpuset_steps,
    first_set,
    huge_page_steps,
    missing,
    pids_steps,
    rdma_steps,
)
from ringfence.cgroups.words import size
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringfence.host.facts import Host
    from ringfence.plan.step import HostStep
    from ringfence.spec.types import BlockIOResources, CPUResources, DeviceRule, MemoryResources, Resources

    Steps = Iterator[HostStep]

UNLIMITED = -1
SHARES_MIN = 2
SHARES_MAX = 262144
WEIGHT_MAX = 10000
PERIOD_DEFAULT = 100000


def compile_v2(host: Host, path: str, resources: Resources, devices: bool) -> list[HostStep]:
    """Every limit of ``resources`` in the cgroup ``path``; ``devices``: the device program too.

    swappiness, disableOOMKiller, kernel memory, realtime and network have no file here and no effect (LNX-CG2-04).

    Raises:
        RingfenceError: a value has no meaning to cgroup v2, or there is no cgroup to set a limit in (LNX-CG-06).
    """
    steps: list[HostStep] = []
    if resources.cpu is not None:
        steps.extend(cpu_steps(resources.cpu, path))
        steps.extend(cpuset_steps(resources.cpu, path))
    if resources.memory is not None:
        steps.extend(memory_steps(resources.memory, path))
    if resources.pids is not None:
        steps.extend(pids_steps(resources.pids, path))
    if resources.block_io is not None:
        steps.extend(block_steps(resources.block_io, path))
    steps.extend(huge_page_steps(host, resources.hugepage_limits, path, "max"))
    steps.extend(rdma_steps(resources.rdma, path))
    steps.extend(unified_steps(resources.unified, path))
    if devices:
        steps.extend(device_steps(resources.devices, path))
    if steps and not path:
        pointer = steps[0].pointer
        raise missing(pointer.removeprefix(f"{POINTER}/").partition("/")[0], pointer)
    return steps


def weight(shares: int) -> int:
    """cpu.weight for cpu.shares: 2, 1024 and 262144 become 1, 100 and 10000, with a curve between (LNX-CG2-05)."""
    if shares <= SHARES_MIN:
        return 1
    if shares >= SHARES_MAX:
        return WEIGHT_MAX
    log = math.log2(shares)
    exponent = (log * log + 125 * log) / 612.0 - 7.0 / 34.0
    return math.ceil(10**exponent)


def io_weight(blkio_weight: int) -> int:
    """io.weight, 1 to 10000, for blkio.weight, 10 to 1000 (LNX-CG2-08)."""
    return 1 + (blkio_weight - 10) * 9999 // 990


def cpu_steps(cpu: CPUResources, path: str) -> Steps:
    """Weight and bandwidth; idle first when it is switched off, since an idle group refuses weights and has none."""
    pointer = f"{POINTER}/cpu"
    idle = WriteCgroupFile(f"{pointer}/idle", f"{path}/cpu.idle", f"{cpu.idle}", f"cpu idle {cpu.idle}")
    if cpu.idle == 0:
        yield idle
    if cpu.shares and not cpu.idle:
        value = str(weight(cpu.shares))
        shown = f"cpu weight {value} ({cpu.shares} shares)"
        yield WriteCgroupFile(f"{pointer}/shares", f"{path}/cpu.weight", value, shown)
    writes = []
    if cpu.quota or cpu.period:
        writes.append((f"{path}/cpu.max", bandwidth(cpu)))
    if cpu.burst is not None:
        writes.append((f"{path}/cpu.max.burst", str(cpu.burst)))
    if writes:
        yield WriteTogether(first_set(cpu, pointer, ("quota", "period", "burst")), tuple(writes), bandwidth_words(cpu))
    if cpu.idle:
        yield idle


def bandwidth(cpu: CPUResources) -> str:
    """``QUOTA PERIOD`` for cpu.max (LNX-CG2-06)."""
    quota = str(cpu.quota) if cpu.quota and cpu.quota > 0 else "max"
    return f"{quota} {cpu.period or PERIOD_DEFAULT}"


def memory_steps(memory: MemoryResources, path: str) -> Steps:
    """Memory in bytes."""
    pointer = f"{POINTER}/memory"
    if memory.check_before_update:
        yield CheckMemoryUsage(f"{pointer}/checkBeforeUpdate", path, memory.limit or 0, memory.swap or 0)
    swap = swap_max(memory, pointer)
    if swap is not None:
        value, shown = limit_text(swap), f"swap {size(swap)}"
        # Without swap accounting there is no file, and neither swap to forbid nor a limit to lift (LNX-CG2-03).
        where = f"{pointer}/{'swap' if memory.swap else 'limit'}"
        yield WriteCgroupFile(where, f"{path}/memory.swap.max", value, shown, optional=swap <= 0)
    if memory.limit:
        yield WriteCgroupFile(
            f"{pointer}/limit", f"{path}/memory.max", limit_text(memory.limit), f"memory {size(memory.limit)}"
        )
    if memory.reservation:
        yield WriteCgroupFile(
            f"{pointer}/reservation",
            f"{path}/memory.low",
            limit_text(memory.reservation),
            f"memory reservation {size(memory.reservation)}",
        )


def swap_max(memory: MemoryResources, pointer: str) -> int | None:
    """memory.swap.max for memory+swap: the difference, -1 for unlimited, None to leave it (LNX-CG2-03).

    Raises:
        RingfenceError: memory+swap without memory, or smaller than it.
    """
    limit, swap = memory.limit or 0, memory.swap or 0
    if swap == UNLIMITED or (limit == UNLIMITED and swap == 0):
        return UNLIMITED
    if swap <= 0:
        return None
    if limit == UNLIMITED:
        return swap
    if limit == 0:
        raise RingfenceError("unable to set swap limit without memory limit", field=f"{pointer}/swap")
    if swap < limit:
        raise RingfenceError("memory+swap limit should be >= memory limit", field=f"{pointer}/swap")
    return swap - limit


def limit_text(count: int) -> str:
    """The number, ``max`` for unlimited."""
    return "max" if count < 0 else str(count)


def block_steps(block: BlockIOResources, path: str) -> Steps:
    """Weights and rates of block devices."""
    pointer = f"{POINTER}/blockIO"
    if block.weight:
        choices = (
            (f"{path}/io.bfq.weight", str(block.weight)),
            (f"{path}/io.weight", str(io_weight(block.weight))),
        )
        yield WriteFirstPresent(f"{pointer}/weight", choices, f"I/O weight {block.weight}")
    for index, device in enumerate(block.weight_device):
        if device.weight:
            number = f"{device.major}:{device.minor}"
            yield WriteCgroupFile(
                f"{pointer}/weightDevice/{index}",
                f"{path}/io.bfq.weight",
                f"{number} {device.weight}",
                f"I/O weight {device.weight} on device {number}",
            )
    for field, json_name, _v1, key, unit in THROTTLES:
        for index, rate in enumerate(getattr(block, field)):
            number = f"{rate.major}:{rate.minor}"
            yield WriteCgroupFile(
                f"{pointer}/{json_name}/{index}",
                f"{path}/io.max",
                f"{number} {key}={rate.rate}",
                f"I/O {rate.rate} {unit} on device {number}",
            )


def unified_steps(unified: dict[str, str], path: str) -> Steps:
    """Files by name, after the converted values so that they win (LNX-CG2-10); several lines go one by one."""
    for name, text in unified.items():
        pointer = f"{POINTER}/unified/{name.replace('~', '~0').replace('/', '~1')}"
        for value in text.strip().split("\n"):
            yield WriteCgroupFile(pointer, f"{path}/{name}", value, f"{name} {value}", verb="set")


def device_steps(rules: tuple[DeviceRule, ...] | None, path: str) -> Steps:
    """One program for all rules; none when everything is allowed."""
    allow_all, changes = reduce(rules)
    if allow_all and all(change.allow for change in changes):
        return
    count = sum(change.allow != allow_all for change in changes)
    yield LimitDevicesV2(f"{POINTER}/devices", path, device_program(allow_all, changes), device_words(allow_all, count))
