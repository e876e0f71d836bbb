"""What the guest is told: its devices get what those of the namespace have. Pure."""

from __future__ import annotations

from ringfence.network.found import IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, RTA_OIF, Found, Link, Setting
from ringfence.network.hardware import hardware_address
from ringfence.network.messages import (
    CREATE,
    DELETE_ADDRESS,
    NEW_ADDRESS,
    NEW_ROUTE,
    REPLACE,
    attribute,
    message,
    number,
    text,
    value_of,
)
from ringfence.network.redirect import AF_INET6, NO_ADDRESSES, change
from ringfence.plan.guest import RemoveInterface, SetInterface, WriteFile
from ringfence.plan.plan import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.plan.step import InitStep

POINTER = "/linux/namespaces"
IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST, IFA_CACHEINFO, IFA_FLAGS = 1, 2, 4, 6, 8
NO_DAD, PERMANENT, NO_PREFIX_ROUTE = 0x02, 0x80, 0x200
RTA_CARRIED = (1, 5, 6, 7, 8, 18, 20)  # DST, GATEWAY, PRIORITY, PREFSRC, METRICS, VIA, PREF
RTA_GATEWAY, RTA_VIA = 5, 18
RTNH_F_ONLINK = 4
AF_INET = 2
MOST_ADDRESSES = 16
"""Addresses of IPv4 that a device is relieved of when a container is restored."""


def address_request(setting: Setting) -> bytes:
    """An address as it is; the routes of its prefix are carried like all others, and nobody else can have it."""
    held = setting.attributes
    flags = value_of(held.get(IFA_FLAGS, setting.body[2:3]))
    wanted = NO_PREFIX_ROUTE | (NO_DAD if setting.body[0] == AF_INET6 else 0)
    kinds = (IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST) if flags & PERMANENT else (1, 2, 4, IFA_CACHEINFO)
    kept = b"".join(attribute(kind, held[kind]) for kind in kinds if kind in held)
    body = setting.body[:2] + bytes((0, setting.body[3])) + bytes(4)
    return message(NEW_ADDRESS, CREATE | REPLACE, body + attribute(IFA_FLAGS, number(wanted)) + kept)


def route_request(setting: Setting) -> bytes:
    """A route as it is; its device comes first, where the guest puts in the number."""
    flags = value_of(setting.body[8:12]) & RTNH_F_ONLINK
    kept = b"".join(attribute(kind, setting.attributes[kind]) for kind in RTA_CARRIED if kind in setting.attributes)
    body = setting.body[:8] + number(flags) + attribute(RTA_OIF, bytes(4))
    return message(NEW_ROUTE, CREATE | REPLACE, body + kept)


def has_gateway(setting: Setting) -> bool:
    """Whether a route needs another one, to its gateway."""
    return RTA_GATEWAY in setting.attributes or RTA_VIA in setting.attributes


def requests_for(link: Link, found: Found) -> tuple[bytes, ...]:
    """Everything for one device, in the order the kernel takes it."""
    identity = attribute(IFLA_IFNAME, text(link.name)) + attribute(IFLA_ADDRESS, link.address)
    addresses = [address_request(one) for one in found.addresses.get(link.index, ())]
    routes = sorted(found.routes.get(link.index, ()), key=has_gateway)
    raised = [change(0, b"", up=True), *map(route_request, routes)] if link.is_up else []
    return change(0, identity + attribute(IFLA_MTU, number(link.mtu)) + NO_ADDRESSES), *addresses, *raised


def forgotten(place: int) -> list[InitStep]:
    """Take from a device that is down, and without routes, and aside by its name, the addresses it has.

    Without an attribute a request takes the first address there is (net/ipv4/devinet.c); those of IPv6 go when that is
    turned off (Documentation/networking/ip-sysctl.rst, disable_ipv6).
    """
    first = message(DELETE_ADDRESS, 0, bytes((AF_INET, 0, 0, 0)) + bytes(4))
    switch = f"/proc/sys/net/ipv6/conf/aside{place}/disable_ipv6"
    return [
        SetInterface(POINTER, hardware_address(place), (first,) * MOST_ADDRESSES, f"aside{place}"),
        WriteFile(POINTER, switch, "1"),
        WriteFile(POINTER, switch, "0"),
    ]


def compile_network(found: Found, *, again: bool = False) -> Plan:
    """The plan that the guest performs before its program starts, or ``again`` with another network.

    The kernel's own names go first, so that none is in the way of another's.
    """
    steps: list[InitStep] = []
    for place, _ in enumerate(found.links):
        aside = change(0, attribute(IFLA_IFNAME, text(f"aside{place}")))
        down = (change(0, b"", up=False),) if again else ()
        steps.append(SetInterface(POINTER, hardware_address(place), (*down, aside), f"aside{place}"))
        steps += forgotten(place) if again else []
    for place, link in enumerate(found.links):
        steps.append(SetInterface(POINTER, hardware_address(place), requests_for(link, found), link.name))
    steps += [RemoveInterface(POINTER, hardware_address(place)) for place in range(len(found.links), len(found.taps))]
    return Plan((), tuple(steps), ())
