"""An address of a pool is one that a host may have there."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RingfenceError
from ringfence.network.pools import pool_of, static_address

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
networks: st.SearchStrategy[Network] = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(8, 30)), st.tuples(st.ip_addresses(v=6), st.integers(32, 126))
).map(lambda told: ipaddress.ip_network(told, strict=False))


@given(networks, st.data())
def test_every_host_but_the_gateway_can_have_an_address(network: Network, data: st.DataObject) -> None:
    """XEN-NET-03: and nothing outside can."""
    pool = pool_of({"subnet": str(network)}, "net", "")
    inside = data.draw(st.integers(int(network[0]), int(network[-1])))
    address = type(network[0])(inside)
    is_host = address not in (network[0], network[1]) and (network.version == 6 or address != network[-1])
    try:
        found, chosen = static_address((pool,), str(address), "net", "")
    except RingfenceError:
        assert not is_host
        return
    assert is_host
    assert (found, chosen) == (f"{address}/{network.prefixlen}", pool)


@given(networks, networks)
def test_an_address_of_another_network_is_refused(first: Network, second: Network) -> None:
    """XEN-NET-03."""
    pool = pool_of({"subnet": str(first)}, "net", "")
    address = second[2]
    try:
        static_address((pool,), str(address), "net", "")
    except RingfenceError:
        assert address not in first or address in (first[0], first[1], first[-1])
        return
    assert address in first
