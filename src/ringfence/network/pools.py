"""The addresses that a network may give away, as host-local is told them. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_interface, ip_network

from ringfence.errors import RingfenceError
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Address = IPv4Address | IPv6Address
    Network = IPv4Network | IPv6Network

SMALLEST_HOSTS = 2
"""Bits for hosts that a network must have: fewer leave no address beside those of network, gateway and broadcast."""


class Pool(Record):
    """Addresses from ``first`` to ``last`` of one network, of which ``gateway`` is not given away."""

    subnet: str
    first: str
    last: str
    gateway: str


def pools_of(ipam: dict[str, Any], where: str, field: str) -> tuple[Pool, ...]:
    """The pools of both forms: ``ranges``, and ``subnet`` beside them, which comes first.

    Raises:
        RingfenceError: there is none, or one is wrong.
    """
    sets = ipam.get("ranges")
    found = [ipam] if "subnet" in ipam else []
    for inner in sets if isinstance(sets, list) else [sets] if sets is not None else []:
        if not isinstance(inner, list) or not all(isinstance(one, dict) for one in inner):
            raise RingfenceError(f"{where}: ranges is not an array of arrays of objects", field=field)
        found += inner
    if not found:
        raise RingfenceError(f"{where}: ipam has neither ranges nor subnet", field=field)
    return tuple(pool_of(one, where, field) for one in found)


def pool_of(told: dict[str, Any], where: str, field: str) -> Pool:
    """One pool with what is left out: all hosts of the network, and its first address as gateway.

    Raises:
        RingfenceError: it is wrong.
    """
    network = network_of(told.get("subnet"), where, field)
    last = network[-1] if network.version == 6 else network[-2]
    first, end, gateway = (
        address_in(told.get(name), default, network, f"{where}: {name}", field)
        for name, default in (("rangeStart", network[1]), ("rangeEnd", last), ("gateway", network[1]))
    )
    if int(first) > int(end):
        raise RingfenceError(f"{where}: rangeStart lies behind rangeEnd", field=field)
    return Pool(str(network), str(first), str(end), str(gateway))


def network_of(told: Any, where: str, field: str) -> Network:
    """A network that has room for hosts."""
    try:
        network = ip_network(told) if isinstance(told, str) and "/" in told else None
    except ValueError:
        network = None
    if network is None or network.max_prefixlen - network.prefixlen < SMALLEST_HOSTS:
        raise RingfenceError(f"{where}: a subnet is no network with room for hosts", field=field)
    return network


def address_in(told: Any, default: Address, network: Network, what: str, field: str) -> Address:
    """An address of a network."""
    try:
        found = ip_address(told) if isinstance(told, str) else None
    except ValueError:
        found = None
    if found is None and told is not None:
        raise RingfenceError(f"{what} is no address", field=field)
    found = found or default
    if found not in network:
        raise RingfenceError(f"{what} {found} lies outside {network}", field=field)
    return found


def static_address(pools: tuple[Pool, ...], requested: str, where: str, field: str) -> tuple[str, Pool]:
    """An address that was asked for, with the prefix length of its pool, and that pool (XEN-NET-03).

    Raises:
        RingfenceError: it is none, lies outside every pool, is one that no host may have, or has another length.
    """
    try:
        asked = ip_interface(requested)
    except ValueError:
        raise RingfenceError(f"{requested} is no IP address", field=field) from None
    for pool in pools:
        network = ip_network(pool.subnet)
        if asked.version == network.version and int(ip_address(pool.first)) <= int(asked) <= int(ip_address(pool.last)):
            check_host(asked.ip, network, pool, field)
            if "/" in requested and asked.network.prefixlen != network.prefixlen:
                words = f"{requested}: the addresses of {where} have /{network.prefixlen}"
                raise RingfenceError(words, field=field)
            return f"{asked.ip}/{network.prefixlen}", pool
    ranges = ", ".join(f"{pool.first} to {pool.last}" for pool in pools) or "none: addresses come by DHCP"
    raise RingfenceError(f"{asked.ip} is no address of {where}", field=field, hint=f"its addresses are {ranges}")


def check_host(address: Address, network: Network, pool: Pool, field: str) -> None:
    """See that a host may have the address.

    Raises:
        RingfenceError: it is the gateway's, the network's or that of all hosts.
    """
    whose = {
        str(network.broadcast_address) if network.version == 4 else "": "goes to every host",
        str(network.network_address): "is the network's own",
        pool.gateway: "is the gateway's",
    }.get(str(address))
    if whose:
        raise RingfenceError(f"{address} {whose}: a container cannot have it", field=field)


def route_of(told: Any, where: str, field: str) -> tuple[str, str]:
    """A route's destination, and its gateway, "" if none is named.

    Raises:
        RingfenceError: either is wrong, or they are of different families.
    """
    try:
        target = ip_network(told["dst"], strict=False)
        gateway = ip_address(told["gw"]) if told.get("gw") else None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise RingfenceError(f"{where}: a route is not dst, or dst and gw", field=field) from None
    if gateway is not None and gateway.version != target.version:
        raise RingfenceError(f"{where}: a route has dst and gw of different families", field=field)
    return str(target), str(gateway or "")
