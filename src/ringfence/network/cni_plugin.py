"""Reserving addresses and releasing them: by CNI's plugin host-local, or in its store where the plugin is missing.

The store has a file for each address, named by it, whose first line is the container's id and whose second one is the
device's name in the container.
"""

from __future__ import annotations

import posix
from errno import ENOENT

from ringfence.errors import RingfenceError, from_os_error
from ringfence.network.netconf import IPAM, Dns, Netconf, changed, dns_from, refuse_dhcp, with_addresses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEVICE = "eth0"
PATIENCE = 30.0


def reserve(netconf: Netconf, container_id: str, folder: str) -> Netconf:
    """The network with its addresses, which are the container's until ``release``.

    ``folder`` is that of CNI's plugins. Without the plugin an address must have been asked for (XEN-NET-05).

    Raises:
        RingfenceError: the address is another's, none is left or could come but by DHCP, or the plugin or the store
            fails.
    """
    plugin = f"{folder}/{IPAM}"
    if netconf.ipam and posix.access(plugin, posix.X_OK):
        told = call(plugin, "ADD", netconf.ipam, container_id, folder, netconf.requested, netconf.field)
        return with_result(netconf, told)
    if not netconf.requested:
        raise refuse_dhcp(netconf)
    take(netconf.store, netconf.requested, container_id, netconf.field)
    return netconf


def release(words: tuple[str, ...], container_id: str, folder: str) -> None:
    """Give back what ``reserve`` took, as the words of the record tell; what is gone already is fine (XEN-NET-06).

    Raises:
        RingfenceError: the plugin or the store fails.
    """
    ipam, store, requested = words
    plugin = f"{folder}/{IPAM}"
    if ipam and posix.access(plugin, posix.X_OK):
        call(plugin, "DEL", ipam, container_id, folder, requested, "")
    elif requested:
        give_back(store, requested, container_id)


def call(
    plugin: str, command: str, ipam: str, container_id: str, folder: str, requested: str, field: str
) -> dict[str, Any]:
    """Run the plugin as the CNI specification says; what it tells.

    Raises:
        RingfenceError: it fails, does not end, or cannot be run.
    """
    from subprocess import SubprocessError, run

    environment = {
        "CNI_COMMAND": command, "CNI_CONTAINERID": container_id, "CNI_NETNS": "/proc/self/ns/net", "CNI_IFNAME": DEVICE,
        "CNI_PATH": folder, "CNI_ARGS": "IgnoreUnknown=1" + (f";IP={requested}" if requested else ""), "LC_ALL": "C",
    }  # fmt: skip
    try:
        ended = run([plugin], input=ipam.encode(), capture_output=True, env=environment, timeout=PATIENCE, check=False)
    except (OSError, SubprocessError) as error:
        raise RingfenceError(f"cannot run the CNI plugin {plugin}: {error}", field=field) from None
    told = answer(ended.stdout)
    if ended.returncode:
        words = " ".join(f"{told.get('msg', '')} {told.get('details', '')}".split())[:500]
        raise RingfenceError(f"{plugin} {command}: {words or f'exit status {ended.returncode}'}", field=field)
    return told


def answer(data: bytes) -> dict[str, Any]:
    """The object that a plugin has written; an empty one for anything else."""
    from json import loads

    try:
        told = loads(data)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def with_result(netconf: Netconf, told: dict[str, Any]) -> Netconf:
    """The network with what the plugin says.

    Raises:
        RingfenceError: it has given no address.
    """
    where = f"{IPAM} of the network {netconf.name}"
    given = tuple((one["address"], one.get("gateway") or "") for one in told.get("ips") or ())
    if not given:
        raise RingfenceError(f"{where} has given no address", field=netconf.field)
    found = dns_from(told.get("dns") or {}, where, netconf.field)
    dns = found if netconf.dns == Dns() else netconf.dns
    return changed(with_addresses(netconf, given), dns=dns)


def take(store: str, address: str, container_id: str, field: str) -> None:
    """Reserve an address in the store, if there is one.

    Raises:
        RingfenceError: another has it, or the store cannot be written.
    """
    path = f"{store}/{address}"
    try:
        descriptor = posix.open(path, posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_CLOEXEC, 0o644)
    except FileExistsError:
        owner = owner_of(path)
        if owner == container_id:
            return
        raise RingfenceError(f"{address} is reserved by the container {owner}", field=field) from None
    except OSError as error:
        if error.errno == ENOENT:
            return
        raise from_os_error(f"cannot reserve {address}", error, field=field) from None
    try:
        posix.write(descriptor, f"{container_id}\r\n{DEVICE}".encode())
    finally:
        posix.close(descriptor)


def give_back(store: str, address: str, container_id: str) -> None:
    """Release an address in the store that is this container's."""
    path = f"{store}/{address}"
    if owner_of(path) != container_id:
        return
    try:
        posix.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise from_os_error(f"cannot release {address}", error) from None


def owner_of(path: str) -> str:
    """The id of the container that an address is reserved for; "" without such a file."""
    try:
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return posix.read(descriptor, 4096).decode("utf-8", "replace").split("\r\n")[0].split("\n")[0].strip()
    finally:
        posix.close(descriptor)
