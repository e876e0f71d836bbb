"""What of the container's limits binds the whole machine on the host; the rest is the guest's to keep. Pure."""

from __future__ import annotations

from ringfence.drivers.guest.inner import changed
from ringfence.spec.types import DeviceRule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.types import Resources

# kvm, tun, vhost-net (Documentation/admin-guide/devices.txt).
DEVICES = tuple(DeviceRule(True, type="c", major=10, minor=minor, access="rw") for minor in (232, 200, 238))


def host_resources(resources: Resources | None) -> Resources | None:
    """The resources of the machine's cgroup: the processors' time, and devices that QEMU needs beside the container's.

    Memory and processes are limited by the machine's size and by the guest's kernel (MVM-GUEST-10, MVM-GUEST-11).
    """
    if resources is None:
        return None
    devices = (*(resources.devices or ()), *DEVICES)
    return changed(resources, memory=None, pids=None, devices=devices, unified={}, hugepage_limits=())  # type: ignore[no-any-return]
