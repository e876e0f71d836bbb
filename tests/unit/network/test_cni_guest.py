"""What a guest is told of its network is what the kernel takes."""

from __future__ import annotations

import ipaddress

import pytest

from ringfence.network.cni_guest import guest_steps, requests_for
from ringfence.network.found import ADDRESS_SIZE, LINK_SIZE, ROUTE_SIZE
from ringfence.network.messages import NEW_ADDRESS, NEW_LINK, NEW_ROUTE, attributes_of, messages_in, value_of
from ringfence.network.netconf import Dns, Netconf
from ringfence.plan.guest import CoverFile, SetInterface

MAC = bytes.fromhex("00163e010203")


def network(**fields: object) -> Netconf:
    held = {"addresses": ("10.9.0.7/24",), "routes": (("0.0.0.0/0", "10.9.0.1"),), "mtu": 1400, **fields}
    return Netconf("/f", "web", "/process/env/0", "br0", **held)  # type: ignore[arg-type]


def told(netconf: Netconf) -> list[tuple[int, bytes]]:
    return list(messages_in(b"".join(requests_for(netconf))))


def test_the_device_is_eth0_with_the_bridges_mtu() -> None:
    """XEN-NET-04, XEN-NET-08: told by the address that it has on the bridge."""
    (step,) = guest_steps(network(), MAC, "/share/root")
    assert isinstance(step, SetInterface)
    assert (step.address, step.name, step.pointer) == (MAC, "eth0", "/process/env/0")
    kind, body = told(network())[0]
    held = attributes_of(body[LINK_SIZE:])
    assert (kind, held[3], value_of(held[4])) == (NEW_LINK, b"eth0\0", 1400)


def test_addresses_come_before_the_device_is_up_and_routes_behind() -> None:
    """XEN-NET-04."""
    kinds = [kind for kind, _ in told(network())]
    assert kinds == [NEW_LINK, NEW_ADDRESS, NEW_LINK, NEW_ROUTE]


@pytest.mark.parametrize("address", ["10.9.0.7/20", "fd00::7/64"])
def test_an_address_with_its_length(address: str) -> None:
    """XEN-NET-04: no time is lost on looking for another owner of an IPv6 address."""
    body = told(network(addresses=(address,), routes=()))[1][1]
    found = ipaddress.ip_interface(address)
    held = attributes_of(body[ADDRESS_SIZE:])
    assert (body[0], body[1]) == (10 if found.version == 6 else 2, found.network.prefixlen)
    assert held[1] == held[2] == found.ip.packed
    assert value_of(held[8]) == (2 if found.version == 6 else 0)


@pytest.mark.parametrize(
    ("route", "scope", "is_onlink"),
    [
        (("0.0.0.0/0", "10.9.0.1"), 0, False), (("192.0.2.0/24", ""), 253, False),
        (("192.0.2.0/24", "198.51.100.1"), 0, True), (("::/0", "fd00::1"), 0, True),
    ],
)  # fmt: skip
def test_routes_through_a_gateway_and_on_the_link(route: tuple[str, str], scope: int, is_onlink: bool) -> None:
    """XEN-NET-04: a gateway outside the address' network is taken as on the link."""
    body = told(network(routes=(route,)))[-1][1]
    held = attributes_of(body[ROUTE_SIZE:])
    target = ipaddress.ip_network(route[0])
    assert (body[1], body[6], bool(value_of(body[8:12]) & 4)) == (target.prefixlen, scope, is_onlink)
    assert held.get(5, b"") == (ipaddress.ip_address(route[1]).packed if route[1] else b"")
    assert next(iter(held)) == 4, "the guest puts the device's number into the first attribute"


def test_routes_on_the_link_come_before_those_that_need_them() -> None:
    """XEN-NET-04."""
    routes = (("0.0.0.0/0", "192.0.2.1"), ("192.0.2.0/24", ""))
    lengths = [body[1] for kind, body in told(network(routes=routes)) if kind == NEW_ROUTE]
    assert lengths == [24, 0]


def test_a_resolver_lies_over_the_images() -> None:
    """XEN-NET-07: it is in the guest's memory; without a section dns the image's file is untouched."""
    dns = Dns(("10.9.0.1", "fd00::1"), "lan", ("lan", "example"), ("ndots:1",))
    cover = guest_steps(network(dns=dns), MAC, "/share/root")[1]
    assert isinstance(cover, CoverFile)
    assert (cover.root, cover.target) == ("/share/root", "/etc/resolv.conf")
    assert cover.content == (
        "nameserver 10.9.0.1\nnameserver fd00::1\ndomain lan\nsearch lan example\noptions ndots:1\n"
    )
