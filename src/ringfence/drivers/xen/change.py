"""New limits of a domain that runs, as commands of xl. Pure (XEN-UPDATE-01 to 03)."""

from __future__ import annotations

from ringfence.drivers.xen.sizes import KERNEL_MEMORY, MIB, SHARES, Sizes, cap_of, up, weight_of
from ringfence.errors import RingfenceError
from ringfence.record import Record
from ringfence.spec.types import CPUResources, MemoryResources, Resources

CHANGEABLE: dict[str, tuple[str, ...] | None] = {
    "memory": ("limit", "check_before_update"),
    "cpu": ("quota", "period", "shares", "cpus"),
}
ALL = "all"


class Change(Record):
    """One command: its verb, what follows the domain's number, and what xl list must show afterwards, 0 for nothing."""

    verb: str
    words: tuple[str, ...]
    memory: int = 0
    vcpus: int = 0


def memory_change(limit: int, most: int, floor: int) -> Change:
    """A new memory limit in bytes; ``most`` is the domain's maximum in MiB, ``floor`` what its kernel needs.

    Raises:
        RingfenceError: it is above that, or below what a kernel needs.
    """
    wanted = most if limit < 0 else up(limit, MIB) + KERNEL_MEMORY
    if wanted > most:
        raise RingfenceError(f"{wanted} MiB of memory are more than the {most} MiB that the domain was made with")
    if wanted < floor:
        raise RingfenceError(f"{wanted} MiB of memory are too few for the domain: its kernel needs {floor}")
    return Change("mem-set", (f"{wanted}m",), memory=wanted)


def scheduling(new: CPUResources, result: CPUResources) -> list[str]:
    """The scheduler's options: weight for shares, cap for quota and period."""
    words = ["-w", str(weight_of(new.shares))] if new.shares else []
    if new.quota or new.period:
        words += ["-c", str(cap_of(result))]
    return words


def named(old: Resources) -> Resources:
    """The limits as they were, each by name: what puts them back."""
    memory, cpu = old.memory, old.cpu
    return Resources(
        memory=MemoryResources(limit=(memory and memory.limit) or -1),
        cpu=CPUResources(
            shares=(cpu and cpu.shares) or SHARES,
            quota=(cpu and cpu.quota) or -1,
            period=(cpu and cpu.period) or None,
            cpus=(cpu and cpu.cpus) or ALL,
        ),
    )


def changes_of(new: Resources, result: Resources, made: Sizes, floor: int) -> list[Change]:
    """The commands for the limits that are named; ``result`` has all that hold then.

    ``made`` is what the domain was made with, ``floor`` the MiB that its kernel needs.

    Raises:
        RingfenceError: a limit cannot be changed, or not to this value.
    """
    found = [memory_change(new.memory.limit, made.memory, floor)] if new.memory and new.memory.limit else []
    if not new.cpu:
        return found
    if words := scheduling(new.cpu, result.cpu or new.cpu):
        found.append(Change("sched", tuple(words)))
    if new.cpu.quota or new.cpu.period:
        cap = cap_of(result.cpu)
        found.append(Change("vcpu-set", (str(max(1, min(up(cap, 100), made.vcpus)) if cap else made.vcpus),)))
    if new.cpu.cpus:
        found.append(Change("vcpu-pin", (ALL, new.cpu.cpus)))
    return found
