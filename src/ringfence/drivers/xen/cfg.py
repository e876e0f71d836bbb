"""The file that a domain is made from, xl.cfg(5): one function from typed values to text. Pure (XEN-CFG-01 to 10).

Text in the inner lists (p9, disk, vif) has no escape for ``,`` or ``=``, so only what ringfence has named goes in.
"""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.record import Record

PV, PVH = "pv", "pvh"
PRESERVE = "preserve"
INNER = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@:")


class Share(Record):
    """A folder that is served by 9p."""

    tag: str
    path: str


class Disk(Record):
    """A raw image as a disk."""

    device: str
    path: str
    readonly: bool


class Nic(Record):
    """A network device: its hardware address, its bridge in dom0, and the script that connects it, "" for Xen's own."""

    mac: str
    bridge: str
    script: str = ""


class Iomem(Record):
    """A range of machine memory by its first frame and count, and where the guest sees it, None for the same place."""

    first: int
    count: int
    guest: int | None = None


class Domain(Record):
    """All that a domain is made from. ``memory`` and ``most_memory`` are in MiB; ``cap`` in percent of one processor.

    ``weight``, ``cap`` and ``cpus`` are left to Xen where they are 0 or "". ``pvcalls``: its sockets are dom0's.
    """

    name: str
    uuid: str
    type: str
    kernel: str
    ramdisk: str
    extra: str
    memory: int
    most_memory: int
    vcpus: int
    most_vcpus: int
    cpus: str = ""
    weight: int = 0
    cap: int = 0
    device_tree: str = ""
    dtdevs: tuple[str, ...] = ()
    iomems: tuple[Iomem, ...] = ()
    irqs: tuple[int, ...] = ()
    shares: tuple[Share, ...] = ()
    disks: tuple[Disk, ...] = ()
    nics: tuple[Nic, ...] = ()
    pvcalls: bool = False
    more: tuple[tuple[str, Value], ...] = ()


TYPE_CHECKING = False
if TYPE_CHECKING:
    Value = str | int | list[str] | list[int]

ORDER = [
    "name",
    "uuid",
    "type",
    "kernel",
    "ramdisk",
    "extra",
    "memory",
    "maxmem",
    "vcpus",
    "maxvcpus",
    "cpus",
    "cpu_weight",
    "cap",
    "device_tree",
    "dtdev",
    "iomem",
    "irqs",
    "p9",
    "disk",
    "vif",
    "pvcalls",
    "channel",
    "on_poweroff",
    "on_reboot",
    "on_crash",
    "on_watchdog",
]


def text(value: str, field: str = "") -> str:
    """A string of the file in its quotes.

    Raises:
        RingfenceError: it holds a control character, for which the file has no form (XEN-CFG-02).
    """
    if any(ord(letter) < 0x20 or ord(letter) == 0x7F for letter in value):
        raise RingfenceError("a control character cannot stand in a domain's configuration", field=field)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def inner(value: str) -> str:
    """A value inside an entry of a list, which ringfence has named itself.

    Raises:
        RingfenceError: it could be read as more than one value (XEN-CFG-03).
    """
    if not value or not INNER.issuperset(value):
        raise RingfenceError(f"{value!r} cannot stand in a list of a domain's configuration")
    return value


def share_entry(share: Share) -> str:
    """One entry of ``p9`` (XEN-CFG-06)."""
    return f"tag={inner(share.tag)},security_model=none,path={inner(share.path)}"


def disk_entry(disk: Disk) -> str:
    """One entry of ``disk``: its format is never left to guessing, ``target=`` comes last."""
    access = "ro" if disk.readonly else "rw"
    return f"format=raw,vdev={inner(disk.device)},access={access},target={inner(disk.path)}"


def nic_entry(nic: Nic) -> str:
    """One entry of ``vif`` (XEN-CFG-07)."""
    script = f",script={inner(nic.script)}" if nic.script else ""
    return f"mac={inner(nic.mac)},bridge={inner(nic.bridge)}{script}"


def iomem_entry(memory: Iomem) -> str:
    """One entry of ``iomem``: numbers of frames in hexadecimal (XEN-VM-07)."""
    guest = "" if memory.guest is None else f"@{memory.guest:x}"
    return f"{memory.first:x},{memory.count:x}{guest}"


def values_of(domain: Domain) -> dict[str, Value]:
    """Every key with its value; an absent one is "", 0 or an empty list."""
    values: dict[str, Value] = {
        "name": domain.name,
        "uuid": domain.uuid,
        "type": domain.type,
        "kernel": domain.kernel,
        "ramdisk": domain.ramdisk,
        "extra": domain.extra,
        "memory": domain.memory,
        "maxmem": domain.most_memory,
        "vcpus": domain.vcpus,
        "maxvcpus": domain.most_vcpus,
        "cpus": domain.cpus,
        "cpu_weight": domain.weight,
        "cap": domain.cap,
        "device_tree": domain.device_tree,
        "dtdev": [*domain.dtdevs],
        "iomem": [iomem_entry(memory) for memory in domain.iomems],
        "irqs": [*domain.irqs],
        "p9": [share_entry(share) for share in domain.shares],
        "disk": [disk_entry(disk) for disk in domain.disks],
        "vif": [nic_entry(nic) for nic in domain.nics],
        "pvcalls": [""] if domain.pvcalls else [],
    }
    for event in ("on_poweroff", "on_reboot", "on_crash", "on_watchdog"):
        values[event] = PRESERVE
    return {**values, **dict(domain.more)}


def written(value: Value) -> str:
    """A value as the file has it."""
    if isinstance(value, list):
        return f"[ {', '.join(str(one) if isinstance(one, int) else text(one) for one in value)} ]"
    return str(value) if isinstance(value, int) else text(value)


def render(domain: Domain) -> str:
    """The whole file: the keys in their order, then those of an administrator's file.

    Raises:
        RingfenceError: a value has no form there.
    """
    values = values_of(domain)
    keys = [key for key in ORDER if values.get(key)] + [key for key in values if key not in ORDER]
    return "".join(f"{key} = {written(values[key])}\n" for key in keys)
