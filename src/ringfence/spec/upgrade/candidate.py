"""From the releases between the pair of files and 1.0 to 1.x (OLD-RC-01 to 08)."""

from __future__ import annotations

from ringfence.spec.upgrade.linux import MASKED, READONLY, device_type
from ringfence.spec.upgrade.mounts import read_only_sysfs
from ringfence.spec.upgrade.parts import check_platform, seccomp_of
from ringfence.spec.upgrade.place import Place, put, wrong
from ringfence.spec.upgrade.process import capability_sets, labels, rlimits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.spec.upgrade.surroundings import Surroundings

UNLIMITED_FROM = 2**63
UNSIGNED = {
    "memory": ("limit", "reservation", "swap", "kernel", "kernelTCP"),
    "cpu": ("quota", "realtimeRuntime"),
}
"""Values that were unsigned, so that -1 was written as 2^64 - 1 (OLD-RC-04)."""
BLOCK_NAMES = {
    "blkioWeight": "weight",
    "blkioLeafWeight": "leafWeight",
    "blkioWeightDevice": "weightDevice",
    "blkioThrottleReadBpsDevice": "throttleReadBpsDevice",
    "blkioThrottleWriteBpsDevice": "throttleWriteBpsDevice",
    "blkioThrottleReadIOPSDevice": "throttleReadIOPSDevice",
    "blkioThrottleWriteIOPSDevice": "throttleWriteIOPSDevice",
}
MASKED_OF_0_4 = ("/proc/kcore", "/proc/latency_stats", "/proc/timer_stats", "/proc/sched_debug")
READONLY_OF_0_4 = ("/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


def upgrade_candidate(document: Place, version: str, surroundings: Surroundings) -> dict[str, Any]:
    """The 1.x document of a release candidate's or of spec 0.3 to 0.6."""
    for name in ("version", "ociVersion"):
        document.take(name)
    check_platform(document.object("platform"), surroundings)
    linux = document.object("linux")
    resources = linux.object("resources")
    made: dict[str, Any] = {}
    if document.has("process"):
        made["process"] = process_of(document.object("process"), linux, resources)
    hooks = hooks_of(document.object("hooks"))
    rest = document.left()
    made.update({key: value for key, value in rest.items() if key != "linux"})
    put(made, "hooks", hooks)
    section = linux_of(linux, resources)
    protect(made, section, version)
    put(made, "linux", section)
    return made


def protect(made: dict[str, Any], section: dict[str, Any], version: str) -> None:
    """What the runtimes of two releases protected unasked."""
    if version.startswith("0.3.") and (made.get("root") or {}).get("readonly"):
        read_only_sysfs([entry for entry in made.get("mounts") or [] if isinstance(entry, dict) and "type" in entry])
        section.setdefault("maskedPaths", list(MASKED))
        section.setdefault("readonlyPaths", list(READONLY))
    if version.startswith("0.4."):
        section.setdefault("maskedPaths", list(MASKED_OF_0_4))
        section.setdefault("readonlyPaths", list(READONLY_OF_0_4))


def process_of(process: Place, linux: Place, resources: Place) -> dict[str, Any]:
    """The process, with what stood in ``linux`` and ``resources`` before."""
    made: dict[str, Any] = {}
    owner = process if process.has("capabilities") else linux
    if owner.has("capabilities"):
        made["capabilities"] = capability_sets(owner)
    if process.has("rlimits") or linux.has("rlimits"):
        put(made, "rlimits", rlimits(process, linux))
    made.update(labels(process, linux))
    score = resources.number("oomScoreAdj")
    if score is not None and not process.has("oomScoreAdj"):
        made["oomScoreAdj"] = score
    size = process.object("consoleSize")
    if any(size.left().values()):
        made["consoleSize"] = size.left()
    return {**process.left(), **made}


def linux_of(linux: Place, resources: Place) -> dict[str, Any]:
    """The section of today."""
    made: dict[str, Any] = {}
    put(made, "seccomp", seccomp_of(linux.object("seccomp")))
    put(made, "devices", [{**entry_type(entry), **entry.left()} for entry in linux.objects("devices")])
    put(made, "resources", resources_of(resources))
    return {**linux.left(), **made}


def entry_type(entry: Place) -> dict[str, Any]:
    """A device's type by its letter, if it has one."""
    return {"type": device_type(entry)} if entry.has("type") else {}


def resources_of(resources: Place) -> dict[str, Any]:
    """The limits of today."""
    made: dict[str, Any] = {}
    memory = signed(resources.object("memory"), "memory")
    if memory.get("swappiness") in (-1, 2**64 - 1):
        del memory["swappiness"]
    if resources.boolean("disableOOMKiller"):
        memory["disableOOMKiller"] = True
    put(made, "memory", memory)
    put(made, "cpu", signed(resources.object("cpu"), "cpu"))
    put(made, "blockIO", block_of(resources.object("blockIO")))
    pids = resources.object("pids")
    limit = pids.number("limit")
    put(made, "pids", {**({"limit": limit} if limit else {}), **pids.left()})
    put(made, "devices", [rule_of(entry) for entry in resources.objects("devices")])
    for entry in resources.items("hugepageLimits"):
        check_page(Place(entry, resources.at("hugepageLimits"), resources.warnings))
        made.setdefault("hugepageLimits", []).append(entry)
    return {**resources.left(), **made}


def signed(place: Place, section: str) -> dict[str, Any]:
    """Numbers as they are, those of 2^63 and more as -1."""
    made = dict(place.left())
    for name in UNSIGNED[section]:
        key = place.key(name)
        if key is not None and (place.number(name) or 0) >= UNLIMITED_FROM:
            made[key] = -1
    return made


def block_of(block: Place) -> dict[str, Any]:
    """Members without ``blkio``; ``Iops`` and ``IOPS`` are both understood."""
    made: dict[str, Any] = {}
    for old, new in BLOCK_NAMES.items():
        name = block.either(new, old)
        value = block.take(name)
        put(made, new, value if value != 0 else None)
    return {**made, **block.left()}


def rule_of(entry: Place) -> dict[str, Any]:
    """One device rule; without an access it was about all of them (OLD-RC-08)."""
    access = entry.text("access") or "rwm"
    return {**entry_type(entry), **entry.left(), "access": access}


def check_page(entry: Place) -> None:
    """A limit of huge pages has both of its members."""
    if not (entry.has("pageSize") and entry.has("limit")):
        raise wrong(entry.where, "must have pageSize and limit")


def hooks_of(place: Place) -> dict[str, Any]:
    """Hooks whose timeout of 0 is none."""
    made: dict[str, Any] = {}
    for kind in list(place.left()):
        entries = [entry.left() for entry in place.objects(kind)]
        kept = [{key: value for key, value in entry.items() if (key, value) != ("timeout", 0)} for entry in entries]
        put(made, kind, kept)
    return made
