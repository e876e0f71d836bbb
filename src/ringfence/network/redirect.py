"""Connecting a device and a tap: what comes in at one goes out at the other (tc-mirred(8)). Pure.

Every frame is taken by a filter of classifier u32 that matches anything: cls_matchall and cls_flower are not in every
kernel. The device keeps its addresses; its packets are gone before the host's kernel looks at them.
"""

from __future__ import annotations

from ringfence.network.found import IFF_UP, IFLA_MTU, INGRESS, Link
from ringfence.network.messages import (
    CREATE,
    DELETE_QDISC,
    EXCLUSIVE,
    NEW_FILTER,
    NEW_LINK,
    NEW_QDISC,
    attribute,
    message,
    number,
    text,
)

HANDLE = 0xFFFF0000
EVERY_PROTOCOL = 0x0300  # htons(ETH_P_ALL)
TCA_KIND, TCA_OPTIONS = 1, 2
TCA_U32_SEL, TCA_U32_ACT = 5, 7
TCA_ACT_KIND, TCA_ACT_OPTIONS = 1, 2
TCA_MIRRED_PARMS = 2
TC_U32_TERMINAL = 1
TC_ACT_STOLEN = 4
TCA_EGRESS_REDIR = 1
IFLA_AF_SPEC = 26
AF_INET6 = 10
IFLA_INET6_ADDR_GEN_MODE = 8
NO_ADDRESSES = attribute(
    IFLA_AF_SPEC, attribute(AF_INET6, attribute(IFLA_INET6_ADDR_GEN_MODE, bytes((1,))))
)  # IN6_ADDR_GEN_MODE_NONE: without it the kernel makes a link-local address and speaks of it


def traffic(index: int, handle: int, parent: int, info: int) -> bytes:
    """A struct tcmsg."""
    return bytes(4) + number(index) + number(handle) + number(parent) + number(info)


def hold(index: int) -> bytes:
    """The ingress queue of a device; another one there is an error, since redirects are never stacked (MVM-NET-11)."""
    body = traffic(index, HANDLE, INGRESS, 0) + attribute(TCA_KIND, text("ingress"))
    return message(NEW_QDISC, CREATE | EXCLUSIVE, body)


def release(index: int) -> bytes:
    """The ingress queue is removed, with its filter."""
    return message(DELETE_QDISC, 0, traffic(index, HANDLE, INGRESS, 0))


def mirred(target: int) -> bytes:
    """The action: send it out at another device."""
    told = bytes(8) + number(TC_ACT_STOLEN) + bytes(8) + number(TCA_EGRESS_REDIR) + number(target)
    options = attribute(TCA_ACT_OPTIONS, attribute(TCA_MIRRED_PARMS, told))
    return attribute(1, attribute(TCA_ACT_KIND, text("mirred")) + options)


def redirect(index: int, target: int) -> bytes:
    """All that comes in at a device goes out at another."""
    selector = bytes((TC_U32_TERMINAL, 0, 1)) + bytes(13)  # one key follows, whose mask is empty
    options = attribute(TCA_U32_SEL, selector + bytes(16)) + attribute(TCA_U32_ACT, mirred(target))
    body = traffic(index, 0, HANDLE, EVERY_PROTOCOL) + attribute(TCA_KIND, text("u32"))
    return message(NEW_FILTER, CREATE | EXCLUSIVE, body + attribute(TCA_OPTIONS, options))


def change(index: int, attributes: bytes, *, up: bool | None = None) -> bytes:
    """A change of a device; ``up`` None leaves it up or down, as it is."""
    flags = bytes(8) if up is None else number(IFF_UP if up else 0) + number(IFF_UP)
    return message(NEW_LINK, 0, bytes(4) + number(index) + flags + attributes)


def connect(link: Link, tap: Link) -> list[bytes]:
    """The requests that connect a device and its tap."""
    return [
        change(tap.index, attribute(IFLA_MTU, number(link.mtu)) + NO_ADDRESSES),
        change(tap.index, b"", up=True),
        *(hold(index) for index in (link.index, tap.index)),
        redirect(link.index, tap.index),
        redirect(tap.index, link.index),
    ]
