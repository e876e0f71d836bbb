"""How large a domain is. Pure (XEN-VM-06, XEN-UPDATE-01, XEN-UPDATE-02)."""

from __future__ import annotations

from ringfence.drivers.linux.context import section
from ringfence.errors import RingfenceError
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.types import Config, CPUResources

MIB = 1 << 20
KERNEL_MEMORY = 64
"""MiB that a domain has beside the container's limit: the guest's kernel, and its ramdisk while that is unpacked."""
LEAST, SPARE, UNPACKED = 32, 24, 5
"""MiB of the smallest domain, MiB beside kernel and ramdisk, and how much larger a packed kernel gets."""
WEIGHT, SHARES, LEAST_WEIGHT, MOST_WEIGHT = 256, 1024, 1, 65535


class Sizes(Record):
    """Memory in MiB, processors, and what the scheduler is told; 0 and "" leave it to Xen."""

    memory: int
    vcpus: int
    cpus: str = ""
    weight: int = 0
    cap: int = 0


def up(amount: int, unit: int) -> int:
    """Divided and rounded up."""
    return -(-amount // unit)


def floor_of(kernel: int, ramdisk: int, *, is_packed: bool) -> int:
    """The MiB below which a kernel of so many bytes does not start: image and ramdisk lie in memory beside it."""
    image = kernel * UNPACKED if is_packed else kernel
    return max(LEAST, up(image + ramdisk, MIB) + SPARE)


def memory_of(config: Config, default: int) -> tuple[int, str]:
    """The domain's MiB, and the field that asked for them.

    Raises:
        RingfenceError: the number is none of a memory.
    """
    hardware = config.vm.hw_config if config.vm else None
    if hardware and hardware.memory is not None:
        return up(hardware.memory, MIB), "/vm/hwConfig/memory"
    resources = section(config).resources
    limit = resources.memory.limit if resources and resources.memory else None
    if limit and limit > 0:
        return up(limit, MIB) + KERNEL_MEMORY, "/linux/resources/memory/limit"
    return default, ""


def check_memory(asked: int, field: str, floor: int) -> None:
    """Whether the guest's kernel can start in so many MiB.

    Raises:
        RingfenceError: it cannot, with both numbers.
    """
    if asked < floor:
        raise RingfenceError(
            f"{asked} MiB of memory are too few for the domain: this kernel needs {floor}", field=field
        )


def weight_of(shares: int) -> int:
    """Xen's weight for a cgroup's shares: 256 for 1024."""
    return max(LEAST_WEIGHT, min(shares * WEIGHT // SHARES, MOST_WEIGHT))


def cap_of(cpu: CPUResources | None) -> int:
    """Percent of one processor that a quota means, 0 for no limit."""
    if not cpu or not cpu.quota or cpu.quota < 0 or not cpu.period:
        return 0
    return up(cpu.quota * 100, cpu.period)


def vcpus_of(config: Config, default: int) -> int:
    """The number of processors: as demanded, else enough for the quota.

    Raises:
        RingfenceError: none is demanded.
    """
    hardware = config.vm.hw_config if config.vm else None
    if hardware and hardware.vcpus is not None:
        if hardware.vcpus < 1:
            raise RingfenceError("a domain has at least one processor", field="/vm/hwConfig/vcpus")
        return hardware.vcpus
    resources = section(config).resources
    cap = cap_of(resources.cpu if resources else None)
    return up(cap, 100) if cap else default


def sizes_of(config: Config, memory: int, vcpus: int) -> Sizes:
    """All of it; ``memory`` and ``vcpus`` are those of a configuration that says nothing.

    Raises:
        RingfenceError: a number is none.
    """
    resources = section(config).resources
    cpu = resources.cpu if resources else None
    weight = weight_of(cpu.shares) if cpu and cpu.shares else 0
    return Sizes(memory_of(config, memory)[0], vcpus_of(config, vcpus), (cpu and cpu.cpus) or "", weight, cap_of(cpu))
