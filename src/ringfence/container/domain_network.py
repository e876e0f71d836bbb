"""The network of a container behind a Xen domain: what ``NETCONF`` names, as a device on a bridge."""

from __future__ import annotations

from ringfence.drivers.guest.inner import changed
from ringfence.drivers.guest.share import INSIDE, ROOT
from ringfence.drivers.xen.cfg import Nic
from ringfence.drivers.xen.names import mac_of
from ringfence.errors import RingfenceError
from ringfence.network.cni import read_netconf
from ringfence.network.cni_guest import guest_steps
from ringfence.network.netconf import refuse_dhcp
from ringfence.settings import FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.xen.environment import Said
    from ringfence.drivers.xen.wanted import Wanted
    from ringfence.network.netconf import Netconf
    from ringfence.plan.step import InitStep
    from ringfence.settings import XenSettings


def with_network(wanted: Wanted, said: Said, settings: XenSettings) -> Wanted:
    """The domain with a network device as the variable's file has it.

    Raises:
        RingfenceError: the file is wrong, the bridge may not be used, or addresses come by DHCP.
    """
    netconf = read_netconf(said.value, said.field, settings.cni_folders)
    if settings.bridges and netconf.bridge not in settings.bridges:
        hint = f"xen.bridges of {FILE} names those that may"
        raise RingfenceError(f"the bridge {netconf.bridge} may not be used", field=said.field, hint=hint)
    if not netconf.ipam:
        raise refuse_dhcp(netconf)
    mac = mac_of(wanted.uuid)
    return changed(  # type: ignore[no-any-return]
        wanted,
        nics=(Nic(mac, netconf.bridge, settings.vif_script),),
        network=steps_for(netconf, mac),
        reservation=netconf.to_words(),
        netconf=netconf,
        bridge_file=netconf.file,
    )


def steps_for(netconf: Netconf, mac: str) -> tuple[InitStep, ...]:
    """What the guest's first process does for it."""
    return guest_steps(netconf, bytes.fromhex(mac.replace(":", "")), INSIDE + ROOT)
