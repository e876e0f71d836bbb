"""A network that CNI's configuration describes, chosen by ``NETCONF=FILE,NAME[,IP]``: from texts to a Netconf. Pure.

Understood are a plugin's configuration, a list with ``plugins``, or an array of such, as the CNI specification has them
and RunX's README shows them; the plugin is ``bridge``, its addresses are those of ``host-local``.
"""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.network.pools import Pool, pools_of, route_of, static_address
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VARIABLE = "NETCONF"
DEFAULT_BRIDGE = "cni0"
PLUGIN, IPAM = "bridge", "host-local"
LONGEST_BRIDGE = 15
BRIDGE_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
SMALLEST_MTU, LARGEST_MTU = 68, 65535


class Dns(Record):
    """What a resolver is told (resolv.conf(5))."""

    nameservers: tuple[str, ...] = ()
    domain: str = ""
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


class Netconf(Record):
    """A network device on a bridge of the host, as a container shall have it.

    ``addresses`` are with their prefix lengths, ``gateways`` those of their networks, ``routes`` pairs of a destination
    and a gateway, "" for one on the link; all are empty until an address is reserved, unless ``requested`` names it.
    ``mtu`` in bytes is 0 for that of the bridge. ``ipam`` is the configuration that the plugin of addresses gets, as
    JSON, "" if there is none; ``field`` is the JSON pointer of the variable.
    """

    file: str
    name: str
    field: str
    bridge: str
    requested: str = ""
    addresses: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()
    dns: Dns = Dns()
    mtu: int = 0
    pools: tuple[Pool, ...] = ()
    declared: tuple[tuple[str, str], ...] = ()
    ipam: str = ""
    store: str = ""

    def to_words(self) -> tuple[str, ...]:
        """What is needed to release the address again, for the container's record."""
        return (self.ipam, self.store, self.requested)


def split_value(value: str, field: str) -> tuple[str, str, str]:
    """The file, name and address of the variable's value; the last is "" if it is left out (XEN-ENV-05).

    Raises:
        RingfenceError: it has not two or three parts.
    """
    parts = value.split(",")
    if len(parts) not in (2, 3) or not all(parts):
        words = f"{VARIABLE} is FILE,NAME or FILE,NAME,IP: {len(parts)} parts were given, or one is empty"
        raise RingfenceError(words, field=field)
    return parts[0], parts[1], parts[2] if len(parts) == 3 else ""


def parse_netconf(text: str, file: str, name: str, requested: str, field: str) -> Netconf:
    """The network called ``name`` of a file's text.

    Raises:
        RingfenceError: the text is wrong, has no such network, or the requested address is none for a container.
    """
    found = chosen(document(text, file, field), file, name, field)
    where = f"{file}: network {name}"
    plugin = plugin_of(found, where, field)
    ipam = member(plugin, "ipam", {}, where, field)
    is_local = ipam_type(ipam, where, field) == IPAM
    pools = pools_of(ipam, where, field) if is_local else ()
    declared = tuple(route_of(one, where, field) for one in listed(ipam, "routes", where, field))
    netconf = Netconf(
        file, name, field, bridge_of(plugin, where, field), dns=dns_of(found, plugin, where, field),
        mtu=mtu_of(plugin, where, field), pools=pools, declared=declared,
        ipam=ipam_text(name, ipam) if is_local else "", store=store_of(ipam, name, where, field) if is_local else "",
    )  # fmt: skip
    return with_static(netconf, requested, where) if requested else netconf


def with_static(netconf: Netconf, requested: str, where: str) -> Netconf:
    """The network with the address that was asked for.

    Raises:
        RingfenceError: it lies outside the pools, or is the network's own.
    """
    address, pool = static_address(netconf.pools, requested, where, netconf.field)
    bare = address.partition("/")[0]
    return with_addresses(changed(netconf, requested=bare), ((address, pool.gateway),))


def with_addresses(netconf: Netconf, given: tuple[tuple[str, str], ...]) -> Netconf:
    """The network with addresses and the gateway of each, "" for none; routes follow from these (XEN-NET-04)."""
    gateways = tuple(gateway for _, gateway in given if gateway)
    first = {":" in gateway: gateway for gateway in reversed(gateways)}
    families = {":" in address for address, _ in given}
    declared = [(target, via or first.get(":" in target, "")) for target, via in netconf.declared]
    routes = [one for one in declared if (":" in one[0]) in families]
    if not netconf.declared:
        routes = [("::/0" if is_v6 else "0.0.0.0/0", gateway) for is_v6, gateway in sorted(first.items())]
    return changed(netconf, addresses=tuple(address for address, _ in given), gateways=gateways, routes=tuple(routes))


def refuse_dhcp(netconf: Netconf) -> RingfenceError:
    """The refusal of a network whose addresses nobody but a DHCP server could give (XEN-NET-05)."""
    words = (
        f"{netconf.file}: an address of the network {netconf.name} would come by DHCP, which no guest's kernel asks for"
    )
    hint = f"name one, as {VARIABLE}={netconf.file},{netconf.name},IP, or give it ipam of type {IPAM} with its plugin"
    return RingfenceError(words, field=netconf.field, hint=hint)


def changed(netconf: Netconf, **fields: Any) -> Netconf:
    """A copy with some fields replaced."""
    return Netconf(**{**dict(netconf.items()), **fields})


def document(text: str, file: str, field: str) -> list[dict[str, Any]]:
    """The objects of a file; what is in it is never quoted, for whoever asks may not read it.

    Raises:
        RingfenceError: it is no JSON, has a name twice, or is neither an object nor an array of objects.
    """
    from json import loads

    try:
        told = loads(text, object_pairs_hook=without_twins)
    except (ValueError, RecursionError):
        hint = "comments and names that occur twice in an object are errors too"
        raise RingfenceError(f"{file} is not the JSON text of a CNI network", field=field, hint=hint) from None
    objects = told if isinstance(told, list) else [told]
    if not all(isinstance(one, dict) for one in objects):
        raise RingfenceError(f"{file} is neither a CNI network nor an array of them", field=field)
    return objects


def without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON.

    Raises:
        ValueError: a name occurs twice.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def chosen(objects: list[dict[str, Any]], file: str, name: str, field: str) -> dict[str, Any]:
    """The one network of this name.

    Raises:
        RingfenceError: there is none, or more than one.
    """
    fitting = [one for one in objects if one.get("name") == name]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise RingfenceError(f"{file} has {len(fitting)} networks called {name}", field=field)
    names = sorted(str(one["name"]) for one in objects if isinstance(one.get("name"), str))
    raise RingfenceError(f"{file} has no network {name}", field=field, hint=f"it has: {', '.join(names) or 'none'}")


def plugin_of(found: dict[str, Any], where: str, field: str) -> dict[str, Any]:
    """The plugin that makes the device: the network itself, or the first of its list (XEN-NET-02).

    Raises:
        RingfenceError: it is not ``bridge``.
    """
    plugins = listed(found, "plugins", where, field) if "plugins" in found else [found]
    plugin = plugins[0] if plugins else {}
    kind = plugin.get("type") if isinstance(plugin, dict) else None
    if kind != PLUGIN:
        shown = kind if isinstance(kind, str) else "none"
        raise RingfenceError(f"{where} is of type {shown}: only {PLUGIN} can be given to a domain", field=field)
    return plugin


def ipam_type(ipam: dict[str, Any], where: str, field: str) -> str:
    """Who gives addresses: ``host-local``, or "" for a DHCP server.

    Raises:
        RingfenceError: it is another.
    """
    kind = ipam.get("type", IPAM if "subnet" in ipam or "ranges" in ipam else "dhcp")
    if kind not in (IPAM, "dhcp"):
        shown = kind if isinstance(kind, str) else "not a text"
        raise RingfenceError(f"{where}: addresses of ipam type {shown} are not understood", field=field)
    return IPAM if kind == IPAM else ""


def member(held: dict[str, Any], name: str, default: Any, where: str, field: str) -> Any:
    """A member of an object, of its default's type.

    Raises:
        RingfenceError: it is of another type.
    """
    value = held.get(name, default)
    if type(value) is not type(default):
        kinds = {dict: "an object", list: "an array", str: "a text", int: "a whole number"}
        raise RingfenceError(f"{where}: {name} is not {kinds[type(default)]}", field=field)
    return value


def listed(held: dict[str, Any], name: str, where: str, field: str) -> list[Any]:
    """An array, empty if it is missing or null."""
    return member(held, name, [], where, field) if held.get(name) is not None else []


def bridge_of(plugin: dict[str, Any], where: str, field: str) -> str:
    """The bridge's name, such as a network device may have and as nothing else is (XEN-CFG-03).

    Raises:
        RingfenceError: it is none.
    """
    bridge: str = member(plugin, "bridge", DEFAULT_BRIDGE, where, field)
    if not 0 < len(bridge) <= LONGEST_BRIDGE or not set(bridge) <= BRIDGE_CHARACTERS or not bridge.strip("."):
        raise RingfenceError(f"{where}: the bridge's name is none of a network device", field=field)
    return bridge


def mtu_of(plugin: dict[str, Any], where: str, field: str) -> int:
    """The MTU in bytes, 0 for that of the bridge."""
    mtu: int = member(plugin, "mtu", 0, where, field)
    if mtu and not SMALLEST_MTU <= mtu <= LARGEST_MTU:
        raise RingfenceError(f"{where}: mtu {mtu} is none", field=field)
    return mtu


def dns_of(found: dict[str, Any], plugin: dict[str, Any], where: str, field: str) -> Dns:
    """The section ``dns`` of the plugin, or of its list."""
    told = member(plugin, "dns", {}, where, field) or member(found, "dns", {}, where, field)
    return dns_from(told, where, field)


def dns_from(told: dict[str, Any], where: str, field: str) -> Dns:
    """What a resolver is told.

    Raises:
        RingfenceError: a word could not stand in resolv.conf, or a name server is no address.
    """
    from ipaddress import ip_address

    parts = [tuple(listed(told, name, where, field)) for name in ("nameservers", "search", "options")]
    domain = member(told, "domain", "", where, field)
    for word in (*parts[0], *parts[1], *parts[2], *((domain,) if domain else ())):
        if not isinstance(word, str) or not word.isprintable() or not word.isascii() or not word or " " in word:
            raise RingfenceError(f"{where}: dns has a word that cannot stand in resolv.conf", field=field)
    try:
        servers = tuple(str(ip_address(server)) for server in parts[0])
    except ValueError:
        raise RingfenceError(f"{where}: a name server of dns is no address", field=field) from None
    return Dns(servers, domain, parts[1], parts[2])


def ipam_text(name: str, ipam: dict[str, Any]) -> str:
    """The network's configuration as the plugin of addresses gets it (CNI specification, "Delegated plugins")."""
    from json import dumps

    return dumps({"cniVersion": "0.4.0", "name": name, "type": PLUGIN, "ipam": {**ipam, "type": IPAM}})


def store_of(ipam: dict[str, Any], name: str, where: str, field: str) -> str:
    """The folder in which host-local keeps a file for each reserved address of the network.

    Raises:
        RingfenceError: the network's name is none of a folder.
    """
    if not name or "/" in name or name in (".", ".."):
        raise RingfenceError(f"{where}: the name cannot be that of a folder", field=field)
    folder = member(ipam, "dataDir", "", where, field) or "/var/lib/cni/networks"
    if not folder.startswith("/"):
        raise RingfenceError(f"{where}: dataDir is not absolute", field=field)
    return f"{folder}/{name}"
