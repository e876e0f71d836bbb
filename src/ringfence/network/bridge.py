"""Connecting a device and a tap by a bridge, where the kernel has no redirects (MVM-NET-03). Pure.

The guest has the device's hardware address, so the device gets another one; its addresses go, or the host's kernel
would answer for the guest. What undoes that is made before anything is changed.
"""

from __future__ import annotations

from ringfence.network.carry import IFA_CACHEINFO, IFA_FLAGS, NO_DAD
from ringfence.network.found import IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, RTA_OIF, Found, Link, Setting
from ringfence.network.messages import (
    CREATE,
    DELETE_ADDRESS,
    DELETE_LINK,
    EXCLUSIVE,
    NEW_ADDRESS,
    NEW_LINK,
    NEW_ROUTE,
    REPLACE,
    attribute,
    message,
    number,
    text,
    value_of,
)
from ringfence.network.redirect import NO_ADDRESSES, change

NAME = "rfbridge"
FIRST_INDEX = 1 << 20
"""Numbers that the kernel, which counts from 1, does not give: the bridge of a device is known before it is made."""
IFLA_MASTER, IFLA_LINKINFO, INFO_KIND, INFO_DATA = 10, 18, 1, 2
IFLA_BR_MCAST_SNOOPING = 23
SCOPE_LINK = 253
RTA_CACHEINFO = 12


def bridge_index(link: Link) -> int:
    """The number of a device's bridge."""
    return FIRST_INDEX + link.index


def other_address(link: Link) -> bytes:
    """A hardware address in the device's stead: of the locally administered ones, like Clear Containers'."""
    return bytes((0x02, 0x00, 0xCA, 0xFE)) + (link.index & 0xFFFF).to_bytes(2, "big")


def new_bridge(link: Link) -> bytes:
    """A bridge that passes every group's packets on: nobody asks for them where the guest can hear it."""
    data = attribute(INFO_DATA, attribute(IFLA_BR_MCAST_SNOOPING, bytes(1)))
    kind = attribute(IFLA_LINKINFO, attribute(INFO_KIND, text("bridge")) + data)
    names = attribute(IFLA_IFNAME, text(f"{NAME}{link.index}")) + attribute(IFLA_MTU, number(link.mtu))
    body = bytes(4) + number(bridge_index(link)) + bytes(8) + names + kind
    return message(NEW_LINK, CREATE | EXCLUSIVE, body)


def address(setting: Setting, kind: int, flags: int) -> bytes:
    """A request about an address of a device; one that comes back was nobody else's meanwhile."""
    kept = {name: value for name, value in setting.attributes.items() if name != IFA_CACHEINFO}
    told = value_of(kept.pop(IFA_FLAGS, setting.body[2:3])) | (NO_DAD if setting.body[0] != 2 else 0)
    attributes = b"".join(attribute(name, value) for name, value in kept.items())
    return message(kind, flags, setting.body + attribute(IFA_FLAGS, number(told)) + attributes)


def route(setting: Setting) -> bytes:
    """A route as it was."""
    kept = {name: value for name, value in setting.attributes.items() if name != RTA_CACHEINFO}
    body = setting.body[:8] + bytes(4)
    return message(NEW_ROUTE, CREATE | REPLACE, body + b"".join(attribute(*one) for one in kept.items()))


def connect(link: Link, tap: Link, found: Found) -> list[bytes]:
    """The requests that put a device and its tap on a bridge."""
    index = bridge_index(link)
    addresses = found.addresses.get(link.index, ())
    return [
        new_bridge(link),
        change(index, NO_ADDRESSES),
        *(address(one, DELETE_ADDRESS, 0) for one in addresses),
        change(link.index, attribute(IFLA_ADDRESS, other_address(link))),
        change(tap.index, attribute(IFLA_MTU, number(link.mtu)) + NO_ADDRESSES),
        *(change(one, attribute(IFLA_MASTER, number(index))) for one in (link.index, tap.index)),
        *(change(one, b"", up=True) for one in (tap.index, index)),
    ]


def restore(link: Link, found: Found) -> list[bytes]:
    """The requests that leave the device as it was: those of addresses and routes come when it is its own again."""
    raised = [change(link.index, b"", up=True)] if link.is_up else []
    routes = sorted(found.routes.get(link.index, ()), key=lambda one: one.body[6] != SCOPE_LINK)
    assert all(RTA_OIF in one.attributes for one in routes)
    return [
        message(DELETE_LINK, 0, bytes(4) + number(bridge_index(link)) + bytes(8)),
        change(link.index, attribute(IFLA_ADDRESS, link.address)),
        *raised,
        *(address(one, NEW_ADDRESS, CREATE | REPLACE) for one in found.addresses.get(link.index, ())),
        *map(route, routes),
    ]
