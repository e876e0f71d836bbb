"""Rules about resources (config-linux.md, Control groups), of a config and of ``update --resources``."""

from __future__ import annotations

from ringfence.spec.problems import escape, quoted
from ringfence.spec.rules.linux import is_interface_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.problems import Problems
    from ringfence.spec.types import (
        BlockIOResources,
        CPUResources,
        DeviceRule,
        HugepageLimit,
        MemoryResources,
        Resources,
    )

DEVICE_RULE_TYPES = ("a", "b", "c")
CPUSET = frozenset("0123456789,-:/ \n")
PAGE_UNITS = ("KB", "MB", "GB")


def check_resources(resources: Resources, where: str, problems: Problems) -> None:
    """Every limit by itself; ``where`` is the place of the resources object in the document."""
    for index, rule in enumerate(resources.devices or ()):
        _check_device_rule(rule, f"{where}/devices/{index}", problems)
    if resources.memory is not None:
        _check_memory(resources.memory, f"{where}/memory", problems)
    if resources.cpu is not None:
        _check_cpu(resources.cpu, f"{where}/cpu", problems)
    if resources.block_io is not None:
        _check_block_io(resources.block_io, f"{where}/blockIO", problems)
    for index, limit in enumerate(resources.hugepage_limits):
        _check_hugepage_limit(limit, f"{where}/hugepageLimits/{index}", problems)
    _check_named(resources, where, problems)


def _check_device_rule(rule: DeviceRule, where: str, problems: Problems) -> None:
    if rule.type and rule.type not in DEVICE_RULE_TYPES:
        problems.add(f"{where}/type", f"invalid cgroup device type {quoted(rule.type)}")
    for name, number in (("major", rule.major), ("minor", rule.minor)):
        if number is not None and not -1 <= number < 2**32:
            problems.add(f"{where}/{name}", f"must be from -1 to 4294967295, not {number}")


def _check_memory(memory: MemoryResources, where: str, problems: Problems) -> None:
    for name in ("limit", "reservation", "swap"):
        value = getattr(memory, name)
        if value is not None and value < -1:
            problems.add(f"{where}/{name}", f"must not be negative, except -1 for unlimited, not {value}")
    if memory.swappiness is not None and memory.swappiness > 100:
        problems.add(f"{where}/swappiness", f"must be from 0 to 100, not {memory.swappiness}")
    if memory.limit and memory.swap and 0 < memory.swap < memory.limit:
        problems.add(f"{where}/swap", f"is memory and swap together, so it must not be below the limit {memory.limit}")


def _check_cpu(cpu: CPUResources, where: str, problems: Problems) -> None:
    for name, text in (("cpus", cpu.cpus), ("mems", cpu.mems)):
        if text and not CPUSET.issuperset(text):
            problems.add(f"{where}/{name}", f"{quoted(text)} is no list such as 0-3,7")
    if cpu.idle is not None and cpu.idle not in (0, 1):
        problems.add(f"{where}/idle", f"must be 0 or 1, not {cpu.idle}")
    if cpu.burst and cpu.quota and 0 < cpu.quota < cpu.burst:
        problems.add(f"{where}/burst", f"must not be above the quota {cpu.quota}")


def _check_block_io(block_io: BlockIOResources, where: str, problems: Problems) -> None:
    for index, device in enumerate(block_io.weight_device):
        if device.weight is None and device.leaf_weight is None:
            problems.add(f"{where}/weightDevice/{index}", "must have a weight or a leafWeight")


def _check_hugepage_limit(limit: HugepageLimit, where: str, problems: Problems) -> None:
    number = limit.page_size[:-2]
    if limit.page_size[-2:] not in PAGE_UNITS or not (number.isascii() and number.isdigit()):
        problems.add(f"{where}/pageSize", f"{quoted(limit.page_size)} is no size such as 2MB")


def _check_named(resources: Resources, where: str, problems: Problems) -> None:
    """What is named by a text that becomes part of a file's name or of a line."""
    if resources.network is not None:
        for index, priority in enumerate(resources.network.priorities):
            if not is_interface_name(priority.name):
                place = f"{where}/network/priorities/{index}/name"
                problems.add(place, f"{quoted(priority.name)} is no name of a network device")
    for name, limit in resources.rdma.items():
        place = f"{where}/rdma/{escape(name)}"
        if not name or any(letter.isspace() for letter in name):
            problems.add(place, f"{quoted(name)} is no name of an RDMA device")
        if limit.hca_handles is None and limit.hca_objects is None:
            problems.add(place, "must have hcaHandles or hcaObjects")
    for name in resources.unified:
        controller, dot, _ = name.partition(".")
        if "/" in name or not controller or not dot:
            problems.add(f"{where}/unified/{escape(name)}", f"{quoted(name)} is no file of a cgroup controller")
