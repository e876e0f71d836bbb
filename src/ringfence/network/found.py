"""What a network namespace has: its devices with their addresses and routes, from the kernel's dumps. Pure."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.network.messages import NEW_ADDRESS, NEW_LINK, NEW_QDISC, NEW_ROUTE, attributes_of, value_of
from ringfence.plan.frames import TAP
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

ETHERNET = 1
IFF_UP = 1
LINK_SIZE, ADDRESS_SIZE, ROUTE_SIZE, TRAFFIC_SIZE = 16, 8, 12, 20
INGRESS = 0xFFFFFFF1
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU = 1, 3, 4
RTA_OIF, RTA_MULTIPATH = 4, 9
MAIN, UNICAST = 254, 1
RTM_F_CLONED = 0x200


class Link(Record):
    """A device: its number, name, 6 bytes of hardware address, MTU in bytes, and whether it is up."""

    index: int
    name: str
    address: bytes
    mtu: int
    is_up: bool


class Setting(Record):
    """An address or a route: the fixed structure of its message, and its attributes."""

    body: bytes
    attributes: dict[int, bytes]


class Found(Record):
    """Devices to be carried into a guest, the taps that are held for them, and by device what it has."""

    links: tuple[Link, ...]
    taps: tuple[Link, ...]
    addresses: dict[int, tuple[Setting, ...]]
    routes: dict[int, tuple[Setting, ...]]
    lost: tuple[str, ...] = ()


def link_of(body: bytes) -> Link | None:
    """A device from its message; None for a loopback or tunnel device."""
    if len(body) < LINK_SIZE or value_of(body[2:4]) != ETHERNET:
        return None
    held = attributes_of(body[LINK_SIZE:])
    name = held.get(IFLA_IFNAME, b"").rstrip(b"\0").decode("utf-8", "surrogateescape")
    index, flags = value_of(body[4:8]), value_of(body[8:12])
    mtu = value_of(held.get(IFLA_MTU, b""))
    return Link(index, name, held.get(IFLA_ADDRESS, b""), mtu, bool(flags & IFF_UP))


def is_tap(link: Link) -> bool:
    """Whether it is one of ours."""
    return link.name.startswith(TAP) and link.name[len(TAP) :].isdigit()


def is_carried(route: Setting) -> bool:
    """Whether a route belongs to the main table and is no entry of a cache."""
    body = route.body
    flags = value_of(body[8:12])
    return body[4] == MAIN and body[7] == UNICAST and not flags & RTM_F_CLONED and RTA_OIF in route.attributes


def settings(messages: Iterable[tuple[int, bytes]], kind: int, size: int) -> list[Setting]:
    """The messages of one kind, taken apart."""
    return [
        Setting(body[:size], attributes_of(body[size:]))
        for found, body in messages
        if found == kind and len(body) >= size
    ]


def by_device(pairs: Iterable[tuple[int, Setting]]) -> dict[int, tuple[Setting, ...]]:
    """Settings by the number of their device, in the order they were told."""
    found: dict[int, tuple[Setting, ...]] = {}
    for index, one in pairs:
        found[index] = (*found.get(index, ()), one)
    return found


def check_unused(links: list[Link], messages: list[tuple[int, bytes]]) -> None:
    """See that nobody uses the ingress of a device, which can be redirected once only (MVM-NET-11).

    Raises:
        RingfenceError: somebody does.
    """
    queues = settings(messages, NEW_QDISC, TRAFFIC_SIZE)
    used = {value_of(one.body[4:8]) for one in queues if value_of(one.body[12:16]) == INGRESS}
    for link in links:
        if link.index in used:
            raise RingfenceError(
                f"the network device {link.name} has an ingress queue already: its packets go elsewhere",
                field="/linux/namespaces",
                hint="remove it with tc(8), or give the container a network of its own",
            )


def find(messages: list[tuple[int, bytes]]) -> Found:
    """What the dumps of devices, addresses, routes and queues say.

    Raises:
        RingfenceError: there are more devices than taps (MVM-NET-10), one is redirected already, or the kernel's answer
            cannot be read.
    """
    links = [link for kind, body in messages if kind == NEW_LINK and (link := link_of(body))]
    taps = sorted((link for link in links if is_tap(link)), key=lambda link: (len(link.name), link.name))
    carried = [link for link in links if not is_tap(link)]
    if len(carried) > len(taps):
        names = ", ".join(link.name for link in carried)
        raise RingfenceError(
            f"the container's network has {len(carried)} devices ({names}), its machine has {len(taps)}",
            field="/linux/namespaces",
            hint="only one may be attached between create and start; attach the others before create",
        )
    check_unused(carried, messages)
    addresses = settings(messages, NEW_ADDRESS, ADDRESS_SIZE)
    routes = [route for route in settings(messages, NEW_ROUTE, ROUTE_SIZE) if route.body[4] == MAIN]
    lost = (
        ("a route with several next hops: it is not carried into the guest",)
        if any(RTA_MULTIPATH in one.attributes for one in routes)
        else ()
    )
    return Found(
        tuple(carried),
        tuple(taps),
        by_device((value_of(one.body[4:8]), one) for one in addresses),
        by_device((value_of(one.attributes[RTA_OIF]), one) for one in routes if is_carried(one)),
        lost,
    )
