"""Rules about the linux section that need no other part of the config (config-linux.md)."""

from __future__ import annotations

from ringfence.spec.names import MEMORY_FLAGS, MEMORY_MODES, PERSONALITIES
from ringfence.spec.numberlists import NODES, parse_number_list
from ringfence.spec.options import PROPAGATIONS
from ringfence.spec.problems import bare, escape, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.problems import Problems
    from ringfence.spec.types import Device, IntelRdt, Linux, MemoryPolicy, NetDevice, Personality

DEVICE_TYPES = ("b", "c", "p", "u")
MAJORS = 1 << 12  # <linux/kdev_t.h>
MINORS = 1 << 20
INTERFACE_NAME = 15  # IFNAMSIZ of <linux/if.h>, without the NUL
WITHOUT_NODES = ("MPOL_DEFAULT", "MPOL_LOCAL")


def check_linux(linux: Linux, problems: Problems) -> None:
    """Devices, network devices, propagation, resctrl, personality and memory policy."""
    for index, device in enumerate(linux.devices):
        _check_device(device, f"/linux/devices/{index}", problems)
    for name, device_name in linux.net_devices.items():
        _check_net_device(name, device_name, problems)
    _check_net_targets(linux.net_devices, problems)
    propagation = linux.rootfs_propagation
    if propagation and propagation not in PROPAGATIONS:
        problems.add("/linux/rootfsPropagation", f"rootfsPropagation={bare(propagation)} is not supported")
    if linux.intel_rdt is not None:
        _check_intel_rdt(linux.intel_rdt, problems)
    if linux.personality is not None:
        _check_personality(linux.personality, problems)
    if linux.memory_policy is not None:
        _check_memory_policy(linux.memory_policy, problems)


def _check_device(device: Device, where: str, problems: Problems) -> None:
    if not device.path.startswith("/"):
        problems.add(f"{where}/path", "must be an absolute path")
    if device.type not in DEVICE_TYPES:
        problems.add(f"{where}/type", f"invalid device type {quoted(device.type)}")
    if device.type == "p":
        return
    for name, value, limit in (("major", device.major, MAJORS), ("minor", device.minor, MINORS)):
        if value is None:
            problems.add(f"{where}/{name}", "must be given")
        elif not 0 <= value < limit:
            problems.add(f"{where}/{name}", f"must be from 0 to {limit - 1}, not {value}")


def _check_net_device(name: str, device: NetDevice, problems: Problems) -> None:
    where = f"/linux/netDevices/{escape(name)}"
    if not is_interface_name(name):
        problems.add(where, f"{quoted(name)} is no name of a network device")
    if device.name is not None and not is_interface_name(device.name):
        problems.add(f"{where}/name", f"{quoted(device.name)} is no name of a network device")


def _check_net_targets(devices: dict[str, NetDevice], problems: Problems) -> None:
    """No two devices may go by one name; a pattern is the kernel's to fill in."""
    taken: set[str] = set()
    for name, device in devices.items():
        target = device.name or name
        if target in taken:
            problems.add(f"/linux/netDevices/{escape(name)}", f"another device gets the name {quoted(target)} too")
        if "%" not in target:
            taken.add(target)


def is_interface_name(name: str) -> bool:
    """Whether the kernel takes the name for a network interface (dev_valid_name); ``%d`` may be part of it."""
    if name in ("", ".", "..") or len(name.encode()) > INTERFACE_NAME:
        return False
    return not any(letter in "/:" or letter.isspace() for letter in name)


def _check_intel_rdt(intel_rdt: IntelRdt, problems: Problems) -> None:
    where = "/linux/intelRdt"
    clos_id = intel_rdt.clos_id or ""
    if clos_id in (".", "..") or ("/" in clos_id and clos_id != "/"):
        problems.add(f"{where}/closID", f"invalid closID {quoted(clos_id)}")
    bandwidth = intel_rdt.mem_bw_schema
    if bandwidth and not bandwidth.startswith("MB:"):
        problems.add(f"{where}/memBwSchema", "must start with MB:")
    lines = [("l3CacheSchema", intel_rdt.l3_cache_schema or ""), ("memBwSchema", bandwidth or "")]
    lines += [(f"schemata/{index}", line) for index, line in enumerate(intel_rdt.schemata)]
    for name, line in lines:
        if "\n" in line:
            problems.add(f"{where}/{name}", "must not hold a newline")


def _check_personality(personality: Personality, problems: Problems) -> None:
    where = "/linux/personality"
    if personality.domain not in PERSONALITIES:
        problems.add(f"{where}/domain", f"invalid personality domain {quoted(personality.domain)}")
    if personality.flags:
        problems.add(f"{where}/flags", "must be empty, no personality flag is supported")


def _check_memory_policy(policy: MemoryPolicy, problems: Problems) -> None:
    where = "/linux/memoryPolicy"
    if policy.mode not in MEMORY_MODES:
        problems.add(f"{where}/mode", f"invalid memory policy mode {quoted(policy.mode)}")
    for index, flag in enumerate(policy.flags):
        if flag not in MEMORY_FLAGS:
            problems.add(f"{where}/flags/{index}", f"invalid memory policy flag {quoted(flag)}")
    try:
        count = parse_number_list(policy.nodes or "", NODES).bit_count()
    except ValueError as error:
        problems.add(f"{where}/nodes", f"invalid memory policy nodes {quoted(policy.nodes or '')}: {error}")
    else:
        _check_node_count(policy.mode, count, f"{where}/nodes", problems)


def _check_node_count(mode: str, count: int, where: str, problems: Problems) -> None:
    """The conditions under which set_mempolicy(2) answers EINVAL; MPOL_PREFERRED takes any number."""
    if mode in WITHOUT_NODES and count:
        problems.add(where, f"{mode} mode requires 0 nodes but got {count}")
    elif mode in MEMORY_MODES and mode not in (*WITHOUT_NODES, "MPOL_PREFERRED") and not count:
        problems.add(where, f"{mode} mode requires at least 1 node")
