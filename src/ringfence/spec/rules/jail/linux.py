"""Rules about what else of a config a jail can do or not (JAIL-CFG-13, JAIL-CFG-14, JAIL-UPD-02, JAIL-UPD-03)."""

from __future__ import annotations

from ringfence.spec.problems import quoted
from ringfence.spec.types import Linux

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.record import Record
    from ringfence.spec.problems import Problems
    from ringfence.spec.types import BlockIOResources, Config, DeviceRule, Resources

IMPOSSIBLE = (
    ("seccomp", "seccomp"),
    ("uid_mappings", "uidMappings"),
    ("gid_mappings", "gidMappings"),
    ("devices", "devices"),
    ("sysctl", "sysctl"),
    ("intel_rdt", "intelRdt"),
    ("net_devices", "netDevices"),
    ("personality", "personality"),
    ("memory_policy", "memoryPolicy"),
    ("time_offsets", "timeOffsets"),
    ("mount_label", "mountLabel"),
)
SECTIONS = ("windows", "solaris", "vm", "zos")
MEMORY = (
    ("reservation", "reservation"),
    ("kernel", "kernel"),
    ("kernel_tcp", "kernelTCP"),
    ("swappiness", "swappiness"),
    ("disable_oom_killer", "disableOOMKiller"),
)
CPU = (
    ("shares", "shares"),
    ("burst", "burst"),
    ("realtime_runtime", "realtimeRuntime"),
    ("realtime_period", "realtimePeriod"),
    ("mems", "mems"),
    ("idle", "idle"),
)
THROTTLES = (
    ("throttle_read_bps_device", "throttleReadBpsDevice"),
    ("throttle_write_bps_device", "throttleWriteBpsDevice"),
    ("throttle_read_iops_device", "throttleReadIOPSDevice"),
    ("throttle_write_iops_device", "throttleWriteIOPSDevice"),
)
LARGEST = 2**63 - 1


def check_sections(config: Config, document: dict[str, object], problems: Problems) -> None:
    """Sections for other walls, and of Linux' what a jail has nothing like (JAIL-CFG-13)."""
    for name in SECTIONS:
        if document.get(name) is not None:
            problems.add(f"/{name}", "a jail has no such thing")
    linux = config.linux or Linux()
    for field, name in IMPOSSIBLE:
        if getattr(linux, field):
            problems.add(f"/linux/{name}", "a jail has no such thing")
    for index, namespace in enumerate(linux.namespaces):
        if namespace.path:
            problems.add(f"/linux/namespaces/{index}/path", "a jail joins no namespace")
    if linux.resources is not None:
        check_resources(linux.resources, "/linux/resources", problems)


def ignored(config: Config) -> list[str]:
    """What of Linux' section has no meaning for a jail and does no harm: one warning each (JAIL-CFG-14)."""
    linux = config.linux or Linux()
    texts = []
    for field, name in (
        ("namespaces", "namespaces"),
        ("cgroups_path", "cgroupsPath"),
        ("rootfs_propagation", "rootfsPropagation"),
    ):
        if getattr(linux, field):
            texts.append(f"/linux/{name} has no meaning for a jail and is ignored")
    return texts


def check_resources(resources: Resources, where: str, problems: Problems) -> None:
    """Limits that rctl(8) and cpuset(1) have nothing like are refused unless they say nothing."""
    refuse(resources.memory, MEMORY, f"{where}/memory", problems)
    refuse(resources.cpu, CPU, f"{where}/cpu", problems)
    for field, name in (("hugepage_limits", "hugepageLimits"), ("rdma", "rdma"), ("network", "network")):
        held = getattr(resources, field)
        if held and not (field == "network" and not held.class_id and not held.priorities):
            problems.add(f"{where}/{name}", "a jail has no such limit")
    if resources.unified:
        problems.add(f"{where}/unified", "a jail has no such limit")
    check_cpus(resources, where, problems)
    check_amounts(resources, where, problems)
    check_block_io(resources.block_io, f"{where}/blockIO", problems)
    check_rules(resources.devices or (), f"{where}/devices", problems)


def refuse(held: Record | None, names: tuple[tuple[str, str], ...], where: str, problems: Problems) -> None:
    """Fields that must be absent or zero."""
    for field, name in names if held is not None else ():
        if getattr(held, field) not in (None, 0, False, "", -1):
            problems.add(f"{where}/{name}", "a jail has no such limit")


def check_amounts(resources: Resources, where: str, problems: Problems) -> None:
    """Numbers of which a rule can be made."""
    memory, cpu, pids = resources.memory, resources.cpu, resources.pids
    limit = memory.limit if memory else None
    swap = memory.swap if memory else None
    for name, value in (("memory/limit", limit), ("memory/swap", swap), ("pids/limit", pids.limit if pids else None)):
        if value is not None and value < -1:
            problems.add(f"{where}/{name}", f"must be -1 or more, not {value}")
    if swap is not None and swap > 0 and (limit is None or limit <= 0 or swap < limit):
        text = "is memory and swap together: it must not be below the memory limit"
        problems.add(f"{where}/memory/swap", text, f"{where}/memory/limit")
    if cpu and cpu.quota is not None and cpu.quota > 0 and cpu.period == 0:
        problems.add(f"{where}/cpu/period", "must be more than 0")


def check_cpus(resources: Resources, where: str, problems: Problems) -> None:
    """A list of processors as cpuset(1) takes it."""
    from ringfence.spec.numberlists import CPUS, parse_number_list

    cpus = resources.cpu.cpus if resources.cpu else None
    try:
        parse_number_list(cpus or "", CPUS)
    except ValueError as error:
        problems.add(f"{where}/cpu/cpus", f"invalid CPU list {quoted(cpus or '')}: {error}")


def check_block_io(block: BlockIOResources | None, where: str, problems: Problems) -> None:
    """Rates hold for a jail, not for one of its devices; it has no weights (JAIL-UPD-03)."""
    if block is None:
        return
    for field, name in (("weight", "weight"), ("leaf_weight", "leafWeight"), ("weight_device", "weightDevice")):
        if getattr(block, field):
            problems.add(f"{where}/{name}", "a jail has no weights, only rates")
    for field, name in THROTTLES:
        rates = {device.rate for device in getattr(block, field)}
        if len(rates) > 1:
            problems.add(f"{where}/{name}", "the rate holds for the whole jail: devices cannot have different ones")


def check_rules(rules: tuple[DeviceRule, ...], where: str, problems: Problems) -> None:
    """A jail shows the nodes its devfs shows; that all else is denied need not be said (JAIL-UPD-02)."""
    for index, rule in enumerate(rules):
        whole = rule.major in (None, -1) and rule.minor in (None, -1) and rule.type in (None, "a", "")
        if rule.allow or not whole:
            problems.add(f"{where}/{index}", "a jail has no device rules: show a node with freebsd.devices")
