"""``linux.resources`` as properties of a unit (systemd.resource-control(5), org.freedesktop.systemd1(5)). Pure.

What systemd has no property for is written to the cgroup's files after it (LNX-SYSD-11).
"""

from __future__ import annotations

from ringfence.cgroups.systemd.units import INFINITY, SetUnitProperties
from ringfence.cgroups.v1 import POINTER
from ringfence.cgroups.v2 import PERIOD_DEFAULT, UNLIMITED, swap_max, weight
from ringfence.host.facts import V2
from ringfence.spec.numberlists import CPUS, parse_number_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringfence.cgroups.systemd.facts import Systemd
    from ringfence.cgroups.systemd.names import Unit
    from ringfence.cgroups.systemd.units import Property
    from ringfence.host.facts import Host
    from ringfence.spec.types import CPUResources, MemoryResources, Resources

    Found = Iterator[tuple[str, Property]]

SECOND = 1_000_000
QUOTA_STEP = 10_000
PERIOD_VERSION, CPUSET_VERSION, IDLE_VERSION = 242, 244, 252


def property_steps(
    host: Host, unit: Unit, systemd: Systemd, resources: Resources, *, devices: bool
) -> Iterator[SetUnitProperties]:
    """One step for each field that has a property; ``devices``: the device rules too."""
    found = list(unified_properties(resources, systemd)) if host.cgroup_mode == V2 else []
    named = {held[0] for _pointer, held in found}
    converted = [entry for entry in all_properties(host, systemd, resources) if entry[1][0] not in named]
    for pointer, held in (*converted, *found):
        yield SetUnitProperties(pointer, unit.name, systemd.bus, (held,))
    if devices:
        from ringfence.cgroups.systemd.devices import device_properties

        pointer = f"{POINTER}/devices"
        yield SetUnitProperties(pointer, unit.name, systemd.bus, device_properties(resources.devices, systemd))


def all_properties(host: Host, systemd: Systemd, resources: Resources) -> Found:
    """The properties of the fields that both versions of cgroups know."""
    unified = host.cgroup_mode == V2
    if resources.memory is not None:
        yield from memory_v2(resources.memory) if unified else memory_v1(resources.memory)
    if resources.cpu is not None:
        yield from weight_v2(resources.cpu, systemd) if unified else shares_v1(resources.cpu)
        yield from quota(resources.cpu, systemd)
        yield from cpusets(resources.cpu.cpus, resources.cpu.mems, systemd)
    if resources.block_io is not None and resources.block_io.weight and not unified:
        yield f"{POINTER}/blockIO/weight", ("BlockIOWeight", "t", resources.block_io.weight)
    if resources.pids is not None:
        yield f"{POINTER}/pids/limit", ("TasksMax", "t", tasks(resources.pids.limit))


def limit(count: int) -> int:
    """A limit in systemd's form."""
    return INFINITY if count < 0 else count


def tasks(count: int | None) -> int:
    """TasksMax: at least the init itself (LNX-SYSD-09)."""
    return limit(count) if count else 1


def memory_v1(memory: MemoryResources) -> Found:
    """The one property that v1's memory has."""
    if memory.limit:
        yield f"{POINTER}/memory/limit", ("MemoryLimit", "t", limit(memory.limit))


def memory_v2(memory: MemoryResources) -> Found:
    """Limits in bytes; swap is what comes on top of memory."""
    pointer = f"{POINTER}/memory"
    if memory.limit:
        yield f"{pointer}/limit", ("MemoryMax", "t", limit(memory.limit))
    if memory.reservation:
        yield f"{pointer}/reservation", ("MemoryLow", "t", limit(memory.reservation))
    swap = swap_max(memory, pointer)
    if swap is not None:
        yield f"{pointer}/{'swap' if memory.swap else 'limit'}", ("MemorySwapMax", "t", limit(swap))


def shares_v1(cpu: CPUResources) -> Found:
    """v1 takes the shares as they are."""
    if cpu.shares:
        yield f"{POINTER}/cpu/shares", ("CPUShares", "t", cpu.shares)


def weight_v2(cpu: CPUResources, systemd: Systemd) -> Found:
    """An idle group has the weight 0; idle wins over shares (LNX-SYSD-10)."""
    if cpu.idle and systemd.is_at_least(IDLE_VERSION):
        yield f"{POINTER}/cpu/idle", ("CPUWeight", "t", 0)
    elif cpu.shares:
        yield f"{POINTER}/cpu/shares", ("CPUWeight", "t", weight(cpu.shares))


def cautions(resources: Resources | None) -> list[str]:
    """What systemd cannot do of what was asked, in words."""
    cpu = resources.cpu if resources else None
    if cpu and cpu.idle and cpu.shares:
        return ["unable to apply both cpu.idle and cpu.shares: an idle cgroup has no weight, idle is applied"]
    return []


def quota(cpu: CPUResources, systemd: Systemd) -> Found:
    """Microseconds of CPU time in a second, in whole hundredths as systemd keeps them (LNX-SYSD-09)."""
    if cpu.period and systemd.is_at_least(PERIOD_VERSION):
        yield f"{POINTER}/cpu/period", ("CPUQuotaPeriodUSec", "t", cpu.period)
    if cpu.quota or cpu.period:
        yield f"{POINTER}/cpu/quota", ("CPUQuotaPerSecUSec", "t", quota_per_second(cpu.quota, cpu.period))


def quota_per_second(count: int | None, period: int | None) -> int:
    """CPUQuotaPerSecUSec of a quota in a period, rounded up."""
    if not count or count < 0:
        return INFINITY
    exact = count * SECOND // (period or PERIOD_DEFAULT)
    return -(-exact // QUOTA_STEP) * QUOTA_STEP


def cpusets(cpus: str | None, mems: str | None, systemd: Systemd) -> Found:
    """CPUs and memory nodes as bit masks, the lowest byte first whatever the machine's order."""
    if not systemd.is_at_least(CPUSET_VERSION):
        return
    for text, name, field in ((cpus, "AllowedCPUs", "cpus"), (mems, "AllowedMemoryNodes", "mems")):
        if bits := mask(text or ""):
            yield f"{POINTER}/cpu/{field}", (name, "ay", bits)


def mask(text: str) -> bytes:
    """``0-2,5`` as the bytes of its bits; a text that is no list is left to the file, where the kernel judges it."""
    try:
        bits = parse_number_list(text, CPUS)
    except ValueError:
        return b""
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


LIMIT_FILES = {
    "memory.high": "MemoryHigh",
    "memory.low": "MemoryLow",
    "memory.min": "MemoryMin",
    "memory.max": "MemoryMax",
    "memory.swap.max": "MemorySwapMax",
    "pids.max": "TasksMax",
}
"""Files of cgroup v2 that hold one limit, and their properties (LNX-SYSD-08)."""


def unified_properties(resources: Resources, systemd: Systemd) -> Found:
    """The properties of ``unified``; a value that is no number is left to the file, where the kernel judges it."""
    for name, text in resources.unified.items():
        pointer = f"{POINTER}/unified/{name}"
        for held in file_properties(name, text.strip(), systemd):
            yield pointer, held


def file_properties(name: str, text: str, systemd: Systemd) -> Iterator[Property]:
    """The properties that say what a file's content says."""
    if name in LIMIT_FILES and (text == "max" or text.isdecimal()):
        yield LIMIT_FILES[name], "t", INFINITY if text == "max" else int(text)
    elif name == "cpu.weight" and text.isdecimal():
        yield "CPUWeight", "t", int(text)
    elif name == "cpu.idle" and text == "1" and systemd.is_at_least(IDLE_VERSION):
        yield "CPUWeight", "t", 0
    elif name == "cpu.max":
        yield from bandwidth_properties(text, systemd)
    elif name in ("cpuset.cpus", "cpuset.mems"):
        cpus, mems = (text, None) if name == "cpuset.cpus" else (None, text)
        yield from (held for _pointer, held in cpusets(cpus, mems, systemd))


def bandwidth_properties(text: str, systemd: Systemd) -> Iterator[Property]:
    """``QUOTA PERIOD`` or ``QUOTA`` of cpu.max."""
    count, _, period = text.partition(" ")
    if not (count == "max" or count.isdecimal()) or not (period or "1").isdecimal():
        return
    if period and systemd.is_at_least(PERIOD_VERSION):
        yield "CPUQuotaPeriodUSec", "t", int(period)
    yield "CPUQuotaPerSecUSec", "t", quota_per_second(UNLIMITED if count == "max" else int(count), int(period or 0))
