"""From the kernel's dumps to what a guest is told, and what connects its devices."""

from __future__ import annotations

import ipaddress

import pytest

from ringfence.errors import RingfenceError
from ringfence.network.carry import compile_network
from ringfence.network.found import Found, Link, find
from ringfence.network.hardware import hardware_address
from ringfence.network.messages import (
    NEW_ADDRESS,
    NEW_LINK,
    NEW_QDISC,
    NEW_ROUTE,
    attribute,
    attributes_of,
    messages_in,
    number,
    text,
)
from ringfence.network.redirect import connect
from ringfence.plan.guest import RemoveInterface, SetInterface

MAC = bytes.fromhex("0242ac110002")
Told = tuple[int, bytes]


def link(index: int, name: str, kind: int = 1, flags: int = 1) -> Told:
    """A device as the kernel tells of it."""
    head = bytes(2) + kind.to_bytes(2, "little") + number(index) + number(flags) + bytes(4)
    return NEW_LINK, head + attribute(1, MAC) + attribute(3, text(name)) + attribute(4, number(1500))


def packed(address: str) -> bytes:
    """An address as the kernel has it."""
    return ipaddress.ip_address(address).packed


def address(index: int, shown: str, prefix: int) -> Told:
    """An address of a device, a permanent one."""
    raw = packed(shown)
    head = bytes((2 if len(raw) == 4 else 10, prefix, 0x80, 0)) + number(index)
    return NEW_ADDRESS, head + attribute(1, raw) + attribute(2, raw) + attribute(3, text("eth0"))


def route(index: int, *attributes: bytes, table: int = 254, kind: int = 1, flags: int = 0) -> Told:
    """A route of IPv4; destination and gateway are attributes."""
    head = bytes((2, 0, 0, 0, table, 3, 0, kind)) + number(flags)
    return NEW_ROUTE, head + b"".join(attributes) + attribute(4, number(index))


GATEWAY = attribute(5, packed("172.17.0.1"))
DUMPS = [
    link(1, "lo", kind=772),
    link(3, "ringfence0"),
    link(7, "eth0"),
    link(8, "tunl0", kind=768),
    address(1, "127.0.0.1", 8),
    address(7, "172.17.0.2", 16),
    route(7, GATEWAY),
    route(7, attribute(1, packed("172.17.0.0"))),
    route(7, GATEWAY, table=255),
    route(7, GATEWAY, kind=7),
    route(7, GATEWAY, flags=0x200),
]


def requests_of(found: Found) -> list[tuple[int, bytes]]:
    """What the guest's first device is given."""
    step = [step for step in compile_network(found).birth if isinstance(step, SetInterface)][-1]
    return [message for request in step.requests for message in messages_in(request)]


def test_only_devices_of_ethernet_are_carried() -> None:
    """MVM-NET-01: not the loopback, not the kernel's own tunnels, not our taps."""
    found = find(DUMPS)
    assert found.links == (Link(7, "eth0", MAC, 1500, True),)
    assert [tap.name for tap in found.taps] == ["ringfence0"]


def test_a_device_gets_its_name_address_and_routes() -> None:
    """MVM-NET-01: routes to gateways after those they need, only those of the main table."""
    told = requests_of(find(DUMPS))
    assert [kind for kind, _ in told] == [NEW_LINK, NEW_ADDRESS, NEW_LINK, NEW_ROUTE, NEW_ROUTE]
    name = attributes_of(told[0][1][16:])
    assert (name[3], name[1]) == (b"eth0\0", MAC)
    assert attributes_of(told[1][1][8:])[2] == packed("172.17.0.2")
    assert [5 in attributes_of(body[12:]) for kind, body in told[3:]] == [False, True]


def test_the_label_of_an_address_is_left_out() -> None:
    """It begins with a name the device may not have in the guest yet."""
    assert 3 not in attributes_of(requests_of(find(DUMPS))[1][1][8:])


def test_the_number_of_the_device_has_its_place() -> None:
    """init/net/carry.c puts it there: a field of devices and addresses, the first attribute of routes."""
    for kind, body in requests_of(find(DUMPS)):
        place = 16 if kind == NEW_ROUTE else 4
        assert body[place : place + 4] == bytes(4)
        if kind == NEW_ROUTE:
            assert body[12:16] == (8).to_bytes(2, "little") + (4).to_bytes(2, "little")


def test_an_address_of_version_6_is_used_at_once() -> None:
    """MVM-NET-04: nobody else can have it, so it is not looked for."""
    (_, body) = requests_of(find([*DUMPS[:5], address(7, "fd00::2", 64)]))[1]
    assert int.from_bytes(attributes_of(body[8:])[8], "little") == 0x202


def test_a_device_that_is_down_stays_so() -> None:
    """It has no routes either."""
    told = requests_of(find([link(3, "ringfence0"), link(7, "eth0", flags=0), *DUMPS[5:]]))
    assert [kind for kind, _ in told] == [NEW_LINK, NEW_ADDRESS]


def test_what_is_held_and_not_needed_is_taken_away() -> None:
    """MVM-NET-06."""
    plan = compile_network(find([link(1, "lo", kind=772), link(3, "ringfence0")]))
    assert plan.birth == (RemoveInterface("/linux/namespaces", hardware_address(0)),)


def test_names_never_stand_in_each_others_way() -> None:
    """The guest's own kernel may call the second device as the first is to be called."""
    plan = compile_network(find([link(3, "ringfence0"), link(4, "ringfence1"), link(7, "eth1"), link(8, "eth0")]))
    assert [step.name for step in plan.birth if isinstance(step, SetInterface)] == ["aside0", "aside1", "eth1", "eth0"]


def test_more_devices_than_taps() -> None:
    """MVM-NET-10."""
    with pytest.raises(RingfenceError, match=r"has 2 devices \(eth0, eth1\), its machine has 1"):
        find([*DUMPS, link(9, "eth1")])


def test_an_ingress_queue_is_somebody_elses() -> None:
    """MVM-NET-11."""
    queue = (NEW_QDISC, bytes(4) + number(7) + number(0xFFFF0000) + number(0xFFFFFFF1) + bytes(4))
    with pytest.raises(RingfenceError, match="eth0 has an ingress queue already"):
        find([*DUMPS, queue])


def test_what_cannot_be_carried_is_told() -> None:
    """Nothing is dropped in silence."""
    assert find([*DUMPS, route(7, attribute(9, bytes(8)))]).lost == (
        "a route with several next hops: it is not carried into the guest",
    )


def test_frames_go_both_ways() -> None:
    """MVM-NET-02: two ingress queues, two filters that take anything, each to the other device."""
    found = find(DUMPS)
    requests = connect(found.links[0], found.taps[0])
    kinds = [kind for request in requests for kind, _ in messages_in(request)]
    assert kinds == [NEW_LINK, NEW_LINK, 36, 36, 44, 44]
    assert [request[20:24] for request in requests[2:]] == [number(index) for index in (7, 3, 7, 3)]
    assert [request.endswith(number(index)) for request, index in zip(requests[4:], (3, 7), strict=True)] == [True] * 2
