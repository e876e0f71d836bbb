"""Hardware of dom0's that a domain is given: the rest of ``vm.hwConfig``. Pure (XEN-VM-07)."""

from __future__ import annotations

from ringfence.drivers.xen.cfg import Iomem
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.types import Hardware

X86 = ("x86_64", "i686")
MOST_FRAMES, MOST_IRQS = 1 << 52, 1 << 16


def refused(field: str, words: str, hint: str = "") -> RingfenceError:
    """The refusal of one field."""
    return RingfenceError(words, field=f"/vm/hwConfig/{field}", hint=hint)


def check_hardware(hardware: Hardware, machine: str, *, allowed: bool) -> None:
    """Whether what is asked for can be given, and may be.

    Raises:
        RingfenceError: it cannot, or the administrator has not allowed it.
    """
    asked = [name for name in ("device_tree", "dtdevs", "iomems", "irqs") if getattr(hardware, name)]
    names = {"device_tree": "deviceTree"}
    for name in asked:
        field = names.get(name, name)
        if not allowed:
            hint = "it is where xen.pass-hardware of ringfence.toml is true"
            raise refused(field, "hardware of the host is not given to a domain", hint)
        if name in ("device_tree", "dtdevs") and machine in X86:
            raise refused(field, "there is no device tree on this architecture")
    if hardware.device_tree and not hardware.device_tree.startswith("/"):
        raise refused("deviceTree", "the path of a device tree must be absolute")
    for index, memory in enumerate(hardware.iomems):
        numbers = (memory.first_mfn, memory.nr_mfns, memory.first_gfn or 0)
        if not memory.nr_mfns or max(numbers) + memory.nr_mfns > MOST_FRAMES:
            raise refused(f"iomems/{index}", "a range of memory that cannot be")
    for index, number in enumerate(hardware.irqs):
        if number >= MOST_IRQS:
            raise refused(f"irqs/{index}", f"{number} is no interrupt")


def iomems_of(hardware: Hardware) -> tuple[Iomem, ...]:
    """The ranges of memory as xl.cfg has them."""
    return tuple(Iomem(one.first_mfn, one.nr_mfns, one.first_gfn) for one in hardware.iomems)
