"""What NETCONF and the file it names come to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RingfenceError
from ringfence.network.netconf import Dns, Netconf, parse_netconf, split_value, with_addresses

FIELD = "/process/env/3"
FILE = "/etc/cni/net.d/10-web.conf"
LOCAL = {"type": "host-local", "subnet": "10.9.0.0/24"}


def network(**members: Any) -> dict[str, Any]:
    """A network of the usual kind, with some members of its own."""
    return {"cniVersion": "0.4.0", "name": "web", "type": "bridge", "bridge": "xenbr0", "ipam": LOCAL, **members}


def parsed(document: object, ip: str = "", name: str = "web") -> Netconf:
    text = document if isinstance(document, str) else json.dumps(document)
    return parse_netconf(text, FILE, name, ip, FIELD)


def refusal(document: object, ip: str = "") -> RingfenceError:
    with pytest.raises(RingfenceError) as caught:
        parsed(document, ip)
    assert caught.value.field == FIELD
    return caught.value


@pytest.mark.parametrize(("value", "parts"), [("/f,n", ("/f", "n", "")), ("/f,n,10.0.0.1", ("/f", "n", "10.0.0.1"))])
def test_the_value_has_two_or_three_parts(value: str, parts: tuple[str, str, str]) -> None:
    """XEN-ENV-05."""
    assert split_value(value, FIELD) == parts


@pytest.mark.parametrize("value", ["", "/f", "/f,n,1,2", "/f,", ",n", "/f,n,"])
def test_another_number_of_parts_is_an_error(value: str) -> None:
    """XEN-ENV-05."""
    with pytest.raises(RingfenceError, match="FILE,NAME"):
        split_value(value, FIELD)


@pytest.mark.parametrize(
    "document",
    [network(), [{"name": "other", "type": "macvlan"}, network()], {"name": "web", "plugins": [network(name=None)]}],
    ids=["object", "array", "list"],
)
def test_the_three_forms_of_a_file(document: Any) -> None:
    """XEN-NET-02."""
    found = parsed(document, "10.9.0.7")
    assert (found.bridge, found.addresses, found.gateways) == ("xenbr0", ("10.9.0.7/24",), ("10.9.0.1",))


def test_the_bridge_has_cnis_default() -> None:
    """XEN-NET-02."""
    document = network()
    del document["bridge"]
    assert parsed(document).bridge == "cni0"


@pytest.mark.parametrize("kind", ["macvlan", "ptp", 7])
def test_only_a_bridge_can_be_given(kind: Any) -> None:
    """XEN-NET-02: the type is named."""
    assert f"of type {kind if isinstance(kind, str) else 'none'}" in str(refusal(network(type=kind)))


def test_a_missing_network_tells_the_ones_there_are() -> None:
    """XEN-ENV-05."""
    with pytest.raises(RingfenceError, match="has no network web") as caught:
        parsed([network(name="b"), network(name="a")])
    assert caught.value.hint == "it has: a, b"


@pytest.mark.parametrize(
    "text", ['{"name": "web", // secret\n}', '{"name": "web", "name": "secret"}', "secret", '"secret"', "[1]", "{"]
)
def test_a_wrong_file_is_never_quoted(text: str) -> None:
    """XEN-NET-02, XEN-ENV-05: comments and names that occur twice are errors, and what the file says is not told."""
    error = refusal(text)
    assert FILE in str(error)
    assert "secret" not in f"{error} {error.hint}"


def test_two_networks_of_one_name() -> None:
    """XEN-NET-02."""
    assert "has 2 networks called web" in str(refusal([network(), network()]))


@pytest.mark.parametrize("bridge", ["", ".", "..", "a/b", "b,script=/x", "a" * 16, "a b", "é"])
def test_a_bridge_has_the_name_of_a_device(bridge: str) -> None:
    """XEN-CFG-03: nothing else comes into the file for xl."""
    assert "the bridge's name" in str(refusal(network(bridge=bridge)))


@given(st.text())
def test_no_bridge_can_add_to_a_list_of_xls(bridge: str) -> None:
    """XEN-SEC-01."""
    try:
        found = parsed(network(bridge=bridge)).bridge
    except RingfenceError:
        return
    assert found == bridge
    assert not set(found) & set(",=\"' \n[]")


def test_a_static_address_has_the_prefix_length_of_its_range() -> None:
    """XEN-NET-03: not that of a class."""
    ranges = [[{"subnet": "10.9.0.0/20", "rangeStart": "10.9.1.0", "rangeEnd": "10.9.1.9", "gateway": "10.9.15.254"}]]
    found = parsed(network(ipam={"type": "host-local", "ranges": ranges}), "10.9.1.5")
    assert found.addresses == ("10.9.1.5/20",)
    assert found.routes == (("0.0.0.0/0", "10.9.15.254"),)
    assert found.requested == "10.9.1.5"


@pytest.mark.parametrize(
    ("ip", "words"),
    [
        ("10.9.1.1", "is no address of"), ("10.9.0.1", "is the gateway's"), ("10.9.0.0", "is no address of"),
        ("10.9.0.255", "is no address of"), ("10.9.0.7/16", "have /24"), ("10.9.0", "is no IP address"),
        ("fd00::7", "is no address of"), ("10.9.0.7\n", "is no IP address"),
    ],
)  # fmt: skip
def test_an_address_that_a_container_cannot_have(ip: str, words: str) -> None:
    """XEN-NET-03."""
    assert words in str(refusal(network(), ip))


@pytest.mark.parametrize("address", ["10.9.0.0", "10.9.0.255"])
def test_a_range_that_holds_the_networks_own_addresses(address: str) -> None:
    """XEN-NET-03: network and broadcast are refused even where the file's range has them."""
    ipam = {**LOCAL, "rangeStart": "10.9.0.0", "rangeEnd": "10.9.0.255"}
    assert "a container cannot have it" in str(refusal(network(ipam=ipam), address))


def test_an_address_with_its_right_length() -> None:
    """XEN-NET-03."""
    assert parsed(network(), "10.9.0.7/24").requested == "10.9.0.7"


def test_ipv6_is_like_ipv4() -> None:
    """XEN-NET-04."""
    found = parsed(network(ipam={"type": "host-local", "ranges": [[{"subnet": "fd00:9::/64"}]]}), "fd00:9::7")
    assert (found.addresses, found.routes) == (("fd00:9::7/64",), (("::/0", "fd00:9::1"),))


def test_routes_of_the_file_go_through_its_gateway_unless_they_name_one() -> None:
    """XEN-NET-04: those of another family than the address are left out."""
    routes = [{"dst": "192.0.2.0/24"}, {"dst": "198.51.100.0/24", "gw": "10.9.0.9"}, {"dst": "::/0"}]
    found = parsed(network(ipam={**LOCAL, "routes": routes}), "10.9.0.7")
    assert found.routes == (("192.0.2.0/24", "10.9.0.1"), ("198.51.100.0/24", "10.9.0.9"))


def test_both_families_have_a_default_route() -> None:
    """XEN-NET-04."""
    found = with_addresses(parsed(network()), (("10.9.0.7/24", "10.9.0.1"), ("fd00::7/64", "fd00::1")))
    assert found.routes == (("0.0.0.0/0", "10.9.0.1"), ("::/0", "fd00::1"))


def test_dns_is_taken_from_the_plugin_or_its_list() -> None:
    """XEN-NET-07."""
    dns = {"nameservers": ["10.9.0.1"], "domain": "lan", "search": ["lan", "example"], "options": ["ndots:1"]}
    wanted = Dns(("10.9.0.1",), "lan", ("lan", "example"), ("ndots:1",))
    assert parsed(network(dns=dns)).dns == wanted
    assert parsed({"name": "web", "dns": dns, "plugins": [network()]}).dns == wanted
    assert parsed(network()).dns == Dns()


@pytest.mark.parametrize(
    "dns", [{"nameservers": ["x"]}, {"search": ["a\nnameserver 8.8.8.8"]}, {"domain": "a b"}, {"options": [1]}]
)
def test_words_that_cannot_stand_in_resolv_conf(dns: dict[str, Any]) -> None:
    """XEN-SEC-01."""
    assert "dns" in str(refusal(network(dns=dns)))


@pytest.mark.parametrize(
    ("ipam", "words"),
    [
        ({"type": "calico"}, "ipam type calico"), ({"type": "host-local"}, "neither ranges nor subnet"),
        ({"type": "host-local", "subnet": "10.9.0.0/31"}, "no network with room"),
        ({"type": "host-local", "subnet": "10.9.0.1/24"}, "no network with room"),
        ({"type": "host-local", "ranges": [{}]}, "array of arrays"),
        ({**LOCAL, "gateway": "10.8.0.1"}, "lies outside"), ({**LOCAL, "gateway": "x"}, "is no address"),
        ({**LOCAL, "rangeStart": "10.9.0.9", "rangeEnd": "10.9.0.8"}, "lies behind"),
        ({**LOCAL, "routes": [{"dst": "x"}]}, "a route"), ({**LOCAL, "routes": [{"dst": "::/0", "gw": "10.9.0.1"}]},
         "different families"), ({**LOCAL, "dataDir": "relative"}, "not absolute"),
    ],
)  # fmt: skip
def test_wrong_pools(ipam: dict[str, Any], words: str) -> None:
    """XEN-NET-02."""
    assert words in str(refusal(network(ipam=ipam)))


def test_without_pools_an_address_comes_by_dhcp() -> None:
    """XEN-NET-05: and none can be asked for."""
    document = network(ipam={"type": "dhcp"})
    assert parsed(document).ipam == ""
    assert "by DHCP" in refusal(document, "10.9.0.7").hint


def test_the_plugin_gets_its_own_part() -> None:
    """XEN-NET-05: all of the section, with the network's name, which names its store."""
    found = parsed(network(ipam={**LOCAL, "dataDir": "/run/cni"}))
    told = json.loads(found.ipam)
    assert (told["name"], told["ipam"]) == ("web", {**LOCAL, "dataDir": "/run/cni"})
    assert found.store == "/run/cni/web"
    assert found.to_words() == (found.ipam, "/run/cni/web", "")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["bridge", "mtu", "ipam", "dns", "plugins", "type"]), json_values), st.text())
def test_any_network_is_taken_or_refused(members: dict[str, Any], ip: str) -> None:
    """XEN-SEC-01."""
    try:
        found = parsed(network(**members), ip)
    except RingfenceError as error:
        assert error.field == FIELD
        return
    assert found.bridge
