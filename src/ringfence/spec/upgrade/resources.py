"""``linux.resources`` of the forms of 2015 (OLD-RES-01 to 09)."""

from __future__ import annotations

from ringfence.spec.upgrade.place import Place, put, wrong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.spec.upgrade.surroundings import Surroundings

NO_FILE = "cgroup v2 has nothing for it, so it has no effect here"
THROTTLES = {
    "blkioThrottleReadBpsDevice": "throttleReadBpsDevice",
    "blkioThrottleWriteBpsDevice": "throttleWriteBpsDevice",
    "blkioThrottleReadIopsDevice": "throttleReadIOPSDevice",
    "blkioThrottleWriteIopsDevice": "throttleWriteIOPSDevice",
}
CPU_NUMBERS = ("shares", "quota", "period", "realtimeRuntime", "realtimePeriod")
JUNE_HOMES = {
    "memoryReservation": ("memory", "reservation"),
    "memorySwap": ("memory", "swap"),
    "kernelMemory": ("memory", "kernel"),
    "memorySwappiness": ("memory", "swappiness"),
    "cpuShares": ("cpu", "shares"),
    "cpuQuota": ("cpu", "quota"),
    "cpuPeriod": ("cpu", "period"),
    "cpuRtRuntime": ("cpu", "realtimeRuntime"),
    "cpuRtPeriod": ("cpu", "realtimePeriod"),
    "cpusetCpus": ("cpu", "cpus"),
    "cpusetMems": ("cpu", "mems"),
    "blkioWeight": ("blockIO", "blkioWeight"),
    "blkioWeightDevice": ("blockIO", "blkioWeightDevice"),
    "netClsClassid": ("network", "classId"),
    **{name: ("blockIO", name) for name in THROTTLES},
}
"""Where June's flat names went (OLD-RES-09)."""


def resources_of(resources: Place, surroundings: Surroundings) -> dict[str, Any]:
    """Limits of today without those that are unset; device rules are not among them."""
    made: dict[str, Any] = {}
    memory = memory_of(resources.object("memory"), surroundings)
    if resources.boolean("disableOOMKiller"):
        memory["disableOOMKiller"] = True
        if surroundings.unified:
            resources.warn("disableOOMKiller", NO_FILE)
    put(made, "memory", memory)
    put(made, "cpu", cpu_of(resources.object("cpu")))
    put(made, "pids", pids_of(resources.object("pids")))
    put(made, "blockIO", block_of(resources.object("blockIO")))
    put(made, "hugepageLimits", [page_of(entry) for entry in resources.objects("hugepageLimits")])
    put(made, "network", network_of(resources.object("network"), surroundings))
    return {**made, **resources.left()}


def memory_of(memory: Place, surroundings: Surroundings) -> dict[str, Any]:
    """Bytes; 0 is unset, -1 unlimited."""
    made: dict[str, Any] = {}
    for name in ("limit", "reservation"):
        if value := memory.number(name, -1):
            made[name] = value
    swap = memory.number("swap") or 0
    if swap > 0:
        made["swap"] = swap
    kernel = memory.number("kernel") or 0
    if kernel > 0:
        made["kernel"] = kernel
        memory.warn("kernel", "no current kernel enforces it")
    swappiness = memory.number("swappiness")
    if swappiness not in (None, -1, 2**64 - 1):
        made["swappiness"] = checked_swappiness(memory, swappiness or 0, surroundings)
    return {**made, **memory.left()}


def checked_swappiness(memory: Place, value: int, surroundings: Surroundings) -> int:
    """0 to 100; 0 is a value."""
    if not 0 <= value <= 100:
        raise wrong(memory.at("swappiness"), f"invalid value:{value}. valid memory swappiness range is 0-100")
    if surroundings.unified:
        memory.warn("swappiness", NO_FILE)
    return value


def cpu_of(cpu: Place) -> dict[str, Any]:
    """0 and "" are unset; only a quota may be negative."""
    made: dict[str, Any] = {}
    for name in CPU_NUMBERS:
        if value := cpu.number(name, -1 if name == "quota" else 0):
            made[name] = value
    for name in ("cpus", "mems"):
        if text := cpu.text(name):
            made[name] = text
    return {**made, **cpu.left()}


def pids_of(pids: Place) -> dict[str, Any]:
    """0 is unset."""
    limit = pids.number("limit", -1)
    return {**({"limit": limit} if limit else {}), **pids.left()}


def block_of(block: Place) -> dict[str, Any]:
    """Weights and rates; texts of ``MAJ:MIN VALUE`` become objects."""
    made: dict[str, Any] = {}
    for old, new in (("blkioWeight", "weight"), ("blkioLeafWeight", "leafWeight")):
        if value := block.number(old, 0, 65535):
            made[new] = value
    put(made, "weightDevice", devices_of(block, "blkioWeightDevice", "weight"))
    for old, new in THROTTLES.items():
        put(made, new, devices_of(block, old, "rate"))
    return {**made, **block.left()}


def devices_of(block: Place, name: str, member: str) -> list[dict[str, Any]]:
    """Entries for single devices: objects keep their members."""
    value = block.held.get(block.key(name) or "")
    if isinstance(value, list):
        return block.items(name)
    text = block.text(name)
    return [device_of(part, block.at(name), member) for part in text.replace(",", "\n").split("\n") if part.strip()]


def device_of(text: str, where: str, member: str) -> dict[str, Any]:
    """``8:0 1048576`` as an object."""
    number, _, value = text.strip().partition(" ")
    major, colon, minor = number.partition(":")
    parts = (major, minor, value.strip())
    if not colon or not all(part.isdecimal() for part in parts):
        raise wrong(where, f"{text.strip()!r} is not MAJOR:MINOR VALUE")
    return {"major": int(major), "minor": int(minor), member: int(parts[2])}


def page_of(entry: Place) -> dict[str, Any]:
    """One limit of huge pages; 0 is a limit of 0."""
    size, limit = entry.text("pageSize"), entry.number("limit", 0)
    if not size or limit is None:
        raise wrong(entry.where, "must have pageSize and limit")
    return {"pageSize": size, "limit": limit, **entry.left()}


def network_of(network: Place, surroundings: Surroundings) -> dict[str, Any]:
    """The class as a number, and priorities."""
    made: dict[str, Any] = {}
    name = "classID"
    value = network.held.get(network.key(name) or "")
    if isinstance(value, int):
        put(made, "classID", network.number(name, 0, 2**32 - 1))
    elif text := network.text(name):
        made["classID"] = class_number(text, network.at(name))
    put(made, "priorities", [priority_of(entry) for entry in network.objects("priorities")])
    if made and surroundings.unified:
        network.warnings.append((network.where, NO_FILE))
    return {**made, **network.left()}


def class_number(text: str, where: str) -> int:
    """A class in decimal or hexadecimal, of 32 bits."""
    try:
        number = int(text, 0)
    except ValueError:
        raise wrong(where, f"{text!r} is not a number") from None
    if not 0 <= number < 2**32:
        raise wrong(where, f"{text} does not fit into 32 bits")
    return number


def priority_of(entry: Place) -> dict[str, Any]:
    """One interface's priority."""
    name = entry.text(entry.either("name", "interface"))
    return {"name": name, "priority": entry.number("priority", 0, 2**32 - 1) or 0, **entry.left()}


def june_resources(document: Place) -> dict[str, Any]:
    """June's flat resources, ``cpus`` and ``memory``, in the shape of the pre-draft."""
    flat = document.object("resources")
    made: dict[str, Any] = {}
    for old, (section, new) in JUNE_HOMES.items():
        value = flat.take(old)
        if value is not None:
            made.setdefault(section, {})[new] = value
    for old, new in (("hugetlbLimit", "hugepageLimits"), ("disableOOMKiller", "disableOOMKiller")):
        put(made, new, flat.take(old))
    priorities = flat.take("netPrioIfpriomap")
    if priorities is not None:
        made.setdefault("network", {})["priorities"] = priorities
    whole_machine(document, made)
    return {**flat.left(), **made}


def whole_machine(document: Place, made: dict[str, Any]) -> None:
    """``cpus`` is a number of CPUs, ``memory`` a number of MiB; a quota that is given wins."""
    cpus, memory = document.take("cpus"), document.take("memory")
    for name, value in (("cpus", cpus), ("memory", memory)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0):
            raise wrong(document.at(name), "must be a number that is not negative")
    if cpus and not made.get("cpu", {}).get("quota"):
        made.setdefault("cpu", {}).update(quota=int(cpus * 100000), period=100000)
    if memory:
        made.setdefault("memory", {})["limit"] = int(memory) * 1048576
