"""What a guest is told of a network that CNI's configuration describes. Pure."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network

from ringfence.network.carry import (
    AF_INET,
    IFA_ADDRESS,
    IFA_BROADCAST,
    IFA_FLAGS,
    IFA_LOCAL,
    NO_DAD,
    RTA_GATEWAY,
    RTNH_F_ONLINK,
)
from ringfence.network.found import IFLA_IFNAME, IFLA_MTU, MAIN, RTA_OIF, UNICAST
from ringfence.network.messages import (
    CREATE,
    NEW_ADDRESS,
    NEW_ROUTE,
    REPLACE,
    attribute,
    message,
    number,
    text,
)
from ringfence.network.redirect import AF_INET6, NO_ADDRESSES, change
from ringfence.plan.guest import CoverFile, SetInterface

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.network.netconf import Dns, Netconf
    from ringfence.plan.step import InitStep

RTA_DST = 1
BOOT = 3
"""RTPROT_BOOT: a route that was set by hand, as ip(8) sets it."""
SCOPE_LINK = 253
RESOLVER = "/etc/resolv.conf"


def guest_steps(netconf: Netconf, mac: bytes, root: str) -> tuple[InitStep, ...]:
    """What the guest's first process does before the container's plan; ``root`` is the container's there."""
    interface = SetInterface(netconf.field, mac, requests_for(netconf), "eth0")
    return (interface, *resolver_steps(netconf.dns, netconf.field, root))


def requests_for(netconf: Netconf) -> tuple[bytes, ...]:
    """Everything for the device, in the order the kernel takes it (XEN-NET-04, XEN-NET-08)."""
    mtu = attribute(IFLA_MTU, number(netconf.mtu)) if netconf.mtu else b""
    identity = change(0, attribute(IFLA_IFNAME, text("eth0")) + mtu + NO_ADDRESSES)
    addresses = [address_request(address) for address in netconf.addresses]
    routes = sorted((route_request(*route, netconf.addresses) for route in netconf.routes), key=has_gateway)
    return identity, *addresses, change(0, b"", up=True), *routes


def address_request(address: str) -> bytes:
    """An address; nobody else can have it, so no time is spent on looking for another."""
    found = ip_interface(address)
    is_v6 = found.version == 6
    body = bytes((AF_INET6 if is_v6 else AF_INET, found.network.prefixlen, 0, 0)) + bytes(4)
    kinds = attribute(IFA_LOCAL, found.ip.packed) + attribute(IFA_ADDRESS, found.ip.packed)
    if not is_v6:
        kinds += attribute(IFA_BROADCAST, found.network.broadcast_address.packed)
    return message(NEW_ADDRESS, CREATE | REPLACE, body + attribute(IFA_FLAGS, number(NO_DAD if is_v6 else 0)) + kinds)


def route_request(target: str, gateway: str, addresses: tuple[str, ...]) -> bytes:
    """A route; its device comes first, where the guest puts in the number. A gateway off the link is taken as on it."""
    network = ip_network(target)
    family = AF_INET6 if network.version == 6 else AF_INET
    is_near = bool(gateway) and any(ip_address(gateway) in ip_interface(one).network for one in addresses)
    flags = RTNH_F_ONLINK if gateway and not is_near else 0
    scope = 0 if gateway or network.version == 6 else SCOPE_LINK
    body = bytes((family, network.prefixlen, 0, 0, MAIN, BOOT, scope, UNICAST)) + number(flags)
    kinds = attribute(RTA_OIF, bytes(4))
    if network.prefixlen:
        kinds += attribute(RTA_DST, network.network_address.packed)
    if gateway:
        kinds += attribute(RTA_GATEWAY, ip_address(gateway).packed)
    return message(NEW_ROUTE, CREATE | REPLACE, body + kinds)


def has_gateway(request: bytes) -> bool:
    """Whether a route may need another one, to its gateway: those on the link have a scope, or come first anyway."""
    return request[22] != SCOPE_LINK


def resolver_steps(dns: Dns, field: str, root: str) -> tuple[InitStep, ...]:
    """A resolv.conf in the guest's memory over that of the image, if there is a section ``dns`` (XEN-NET-07)."""
    lines = [f"nameserver {server}" for server in dns.nameservers]
    lines += [f"domain {dns.domain}"] if dns.domain else []
    lines += [f"search {' '.join(dns.search)}"] if dns.search else []
    lines += [f"options {' '.join(dns.options)}"] if dns.options else []
    content = "".join(f"{line}\n" for line in lines)
    return (CoverFile(field, root, RESOLVER, content),) if lines else ()
