"""The network of a container in a machine that no engine has prepared: what ``NETCONF`` names (MVM-NET-08).

The machine's tap is moved from the container's network namespace to the host's and put on the bridge; the guest is
told of its address. The tap goes with the machine.
"""

from __future__ import annotations

import posix

from ringfence.container.machine import change_guest
from ringfence.container.network import netlink
from ringfence.container.record import save_record
from ringfence.drivers.xen.environment import said_in
from ringfence.errors import RingfenceError, from_os_error
from ringfence.network.bridge import IFLA_MASTER
from ringfence.network.cni import on_bridge, read_netconf
from ringfence.network.cni_guest import requests_for
from ringfence.network.cni_plugin import release, reserve
from ringfence.network.found import IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, find
from ringfence.network.hardware import hardware_address, own_address
from ringfence.network.kernel import ask, dump_all
from ringfence.network.messages import attribute, number, text
from ringfence.network.redirect import NO_ADDRESSES, change
from ringfence.plan.guest import SetInterface
from ringfence.plan.plan import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.network.netconf import Netconf
    from ringfence.settings import Settings
    from ringfence.spec.types import Config

VARIABLE = "NETCONF"
IFLA_NET_NS_FD = 28
HOME = "/proc/self/ns/net"


def wanted_network(config: Config, settings: Settings, *, prepared: bool) -> Netconf | None:
    """The network that a configuration names, None without; ``prepared``: it joins one that somebody has made.

    Raises:
        RingfenceError: the file is wrong, the bridge is not there, or there are two networks.
    """
    said = said_in(config).get(VARIABLE) if settings.vm_cni_folders else None
    if said is None:
        return None
    if prepared:
        words = f"{VARIABLE} names a network, and linux.namespaces another"
        raise RingfenceError(words, field=said.field, hint="one of both is to go")
    return on_bridge(read_netconf(said.value, said.field, settings.vm_cni_folders))


def reserve_address(record: ContainerRecord, netconf: Netconf, plugins: str) -> Netconf:
    """The network with the container's addresses; that there are some is recorded before (XEN-NET-06).

    Raises:
        RingfenceError: there is none to be had.
    """
    record.reserved = (*netconf.to_words(), plugins)
    save_record(record)
    return reserve(netconf, record.id, plugins)


def release_address(record: ContainerRecord) -> None:
    """Give back what has been reserved, if it has.

    Raises:
        RingfenceError: the plugin fails.
    """
    *words, plugins = record.reserved
    release(tuple(words), record.id, plugins)


def attach(record: ContainerRecord, netconf: Netconf) -> None:
    """Put the machine's tap on the bridge and tell the guest what its device is.

    Raises:
        RingfenceError: the kernel or the guest refuses.
    """
    name = f"rf{record.pid}"
    bring_out(record, name)
    put_on_bridge(name, netconf)
    device = change(0, attribute(IFLA_ADDRESS, own_address(record.directory)))
    requests = (device, *requests_for(netconf))
    change_guest(record, Plan((), (SetInterface(netconf.field, hardware_address(0), requests, "eth0"),), ()))


def bring_out(record: ContainerRecord, name: str) -> None:
    """Move the machine's tap to our own network namespace, where it is to have a name of its own.

    Raises:
        RingfenceError: there is none, or the kernel refuses.
    """
    socket, home = netlink(record), posix.open(HOME, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        taps = find(dump_all(socket)).taps
        if not taps:
            raise RingfenceError("the machine has no tap for its network", hint="is the module tun loaded?")
        away = attribute(IFLA_IFNAME, text(name)) + attribute(IFLA_NET_NS_FD, number(home))
        ask(socket, change(taps[0].index, away), "cannot move the machine's tap to the host's network")
    finally:
        socket.close()
        posix.close(home)


def put_on_bridge(name: str, netconf: Netconf) -> None:
    """Make a device a port of the network's bridge, and take it up.

    Raises:
        RingfenceError: the kernel refuses.
    """
    import _socket

    socket = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW, 0)
    told = attribute(IFLA_IFNAME, text(name)) + attribute(IFLA_MTU, number(netconf.mtu)) + NO_ADDRESSES
    try:
        master = attribute(IFLA_MASTER, number(_socket.if_nametoindex(netconf.bridge)))
        ask(socket, change(0, told + master, up=True), f"cannot put the machine's tap on the bridge {netconf.bridge}")
    except OSError as error:
        raise from_os_error(f"there is no bridge {netconf.bridge}", error, field=netconf.field) from None
    finally:
        socket.close()
