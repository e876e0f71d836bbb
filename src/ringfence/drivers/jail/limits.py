"""Limits as rules of rctl(8) and a list of processors for cpuset(1) (JAIL-UPD-01 to 03)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.types import BlockIOResources, Resources

DEFAULT_PERIOD = 100_000
THROTTLES = (
    ("throttle_read_bps_device", "throttleReadBpsDevice", "readbps"),
    ("throttle_write_bps_device", "throttleWriteBpsDevice", "writebps"),
    ("throttle_read_iops_device", "throttleReadIOPSDevice", "readiops"),
    ("throttle_write_iops_device", "throttleWriteIOPSDevice", "writeiops"),
)


def rules(resources: Resources | None) -> list[tuple[str, str]]:
    """Pairs of the field below ``resources`` and ``RESOURCE:ACTION=AMOUNT``; -1 is no rule."""
    if resources is None:
        return []
    return [*memory_rules(resources), *time_rules(resources), *block_rules(resources.block_io)]


def memory_rules(resources: Resources) -> list[tuple[str, str]]:
    """Memory, and swap as what OCI's sum has beyond it; processes, of which a jail has one at least."""
    memory, pids = resources.memory, resources.pids
    found = []
    limit = memory.limit if memory else None
    swap = memory.swap if memory else None
    if limit is not None and limit > 0:
        found.append(("/memory/limit", f"memoryuse:deny={limit}"))
        if swap is not None and swap >= limit:
            found.append(("/memory/swap", f"swapuse:deny={swap - limit}"))
    if pids and pids.limit is not None and pids.limit >= 0:
        found.append(("/pids/limit", f"maxproc:deny={max(pids.limit, 1)}"))
    return found


def time_rules(resources: Resources) -> list[tuple[str, str]]:
    """Percent of one processor, rounded up."""
    cpu = resources.cpu
    if cpu is None or cpu.quota is None or cpu.quota <= 0:
        return []
    percent = -(-100 * cpu.quota // (cpu.period or DEFAULT_PERIOD))
    return [("/cpu/quota", f"pcpu:deny={max(percent, 1)}")]


def block_rules(block: BlockIOResources | None) -> list[tuple[str, str]]:
    """Rates of the whole jail."""
    found = []
    for field, name, resource in THROTTLES:
        devices = getattr(block, field) if block else ()
        if devices and devices[0].rate:
            found.append((f"/blockIO/{name}", f"{resource}:throttle={devices[0].rate}"))
    return found


def cpus(resources: Resources | None) -> str:
    """The list for cpuset(1), "" for none."""
    text = resources.cpu.cpus if resources and resources.cpu else None
    return ",".join(part.strip() for part in text.split(",")) if text and text.strip() else ""


def resource_of(rule: str) -> str:
    """``memoryuse`` of ``memoryuse:deny=1``."""
    return rule.partition(":")[0]
