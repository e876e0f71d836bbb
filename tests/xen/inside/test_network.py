"""A device on a bridge, or none."""

from __future__ import annotations

import json
import os
import subprocess

from tests.support import Bundle, Container, wait_until
from tests.xen.inside.dom0 import BRIDGE, GATEWAY, Dom0, make_bridge, output

FOLDER = "/etc/cni/net.d"
STORE = "/var/lib/cni/networks"


def network(name: str, **members: object) -> str:
    """The file of a network on the bridge."""
    ranges = [[{"subnet": "10.9.0.0/24", "gateway": GATEWAY}], [{"subnet": "fd00:9::/64"}]]
    held = {
        "name": name,
        "type": "bridge",
        "bridge": BRIDGE,
        "ipam": {"type": "host-local", "ranges": ranges},
        **members,
    }
    os.makedirs(FOLDER, exist_ok=True)
    with open(f"{FOLDER}/{name}.conf", "w", encoding="utf-8") as file:
        json.dump(held, file)
    return f"{FOLDER}/{name}.conf"


def connected(bundle: Bundle, name: str, *ip: str, **members: object) -> Bundle:
    """The bundle with the variable."""
    bundle.env.append(f"NETCONF={','.join([network(name, **members), name, *ip])}")
    for kind in ("bounding", "effective", "permitted"):
        bundle.process["capabilities"][kind] = ["CAP_NET_RAW", "CAP_NET_BIND_SERVICE"]
    return bundle


def reserved(name: str) -> list[str]:
    """The addresses that are taken in a network."""
    try:
        return sorted(one for one in os.listdir(f"{STORE}/{name}") if one[0] in "1f")
    except FileNotFoundError:
        return []


def pinged(address: str) -> bool:
    """Whether an address answers dom0."""
    return subprocess.run(["ping", "-c1", "-W2", address], check=False, capture_output=True).returncode == 0


def started(dom0: Dom0, bundle: Bundle) -> Container:
    """A container whose program is ready."""
    container = dom0.runtime.started(bundle)
    container.wait_output("ready")
    return container


def test_no_network(dom0: Dom0) -> None:
    """XEN-NET-01: loopback is up, and there is nothing else."""
    ended = dom0.run(
        "ls /sys/class/net; ip -o address show lo | cut -d' ' -f6,7 ; ping -c1 127.0.0.1 >/dev/null; echo up"
    )
    assert ended.out.split()[0] == "lo", ended
    assert "eth0" not in ended.out
    assert "127.0.0.1/8" in ended.out, ended
    assert "::1/128" in ended.out, ended


def test_a_static_address(dom0: Dom0) -> None:
    """XEN-NET-03, XEN-NET-04, XEN-NET-06, XEN-NET-07, XEN-NET-08, XEN-CFG-07: both ways, and given back at delete."""
    make_bridge()
    shown = "ip -o -4 address show eth0; ip route; cat /etc/resolv.conf /sys/class/net/eth0/address"
    script = f"{shown}; ping -c1 -W5 {GATEWAY} >/dev/null && echo ready; sleep 1000"
    bundle = connected(dom0.bundle(script), "still", "10.9.0.77", dns={"nameservers": ["10.9.0.1"]})
    bundle.file("etc/resolv.conf", "nameserver 192.0.2.1\n")
    container = started(dom0, bundle)
    told = container.output()
    assert "10.9.0.77/24" in told, told
    assert "default via 10.9.0.1 dev eth0" in told, told
    assert "nameserver 10.9.0.1" in told, told
    assert "192.0.2.1" not in told, told
    assert "00:16:3e:" in told, told
    assert pinged("10.9.0.77")
    assert "10.9.0.77" in reserved("still")
    again = connected(dom0.bundle(), "still", "10.9.0.77")
    again.write()
    refused = dom0.runtime.run("create", "--bundle", again.path, dom0.runtime.new_id())
    assert refused.code == 1, refused
    container.delete("--force").ok()
    assert reserved("still") == []
    assert not pinged("10.9.0.77")


def test_an_address_of_the_plugins(dom0: Dom0) -> None:
    """XEN-NET-05, XEN-NET-06: of both families, by its own store, one for each container."""
    make_bridge()
    output("sysctl", "-q", "-w", f"net.ipv6.conf.{BRIDGE}.disable_ipv6=0")
    subprocess.run(["ip", "address", "add", "fd00:9::1/64", "dev", BRIDGE, "nodad"], check=False, capture_output=True)
    script = "ip -o address show eth0; echo ready; sleep 1000"
    container = started(dom0, connected(dom0.bundle(script), "given"))
    taken = reserved("given")
    assert len(taken) == 2, taken
    for address in taken:
        assert address in container.output(), (address, container.output())
        wait_until(lambda address=address: pinged(address), f"an answer of {address}")  # type: ignore[misc]
    container.delete("--force").ok()
    assert reserved("given") == []


def test_a_network_that_an_engine_has_prepared(dom0: Dom0) -> None:
    """XEN-NET-08: the watcher is where engines put it, never in dom0's own network; it is refused, and why."""
    container = dom0.runtime.create(dom0.bundle())
    assert os.readlink(f"/proc/{container.pid}/ns/net") != os.readlink("/proc/self/ns/net")
    output("ip", "link", "add", "veth7", "type", "veth", "peer", "name", "eth0", "netns", str(container.pid))
    ended = dom0.runtime.run("start", container.id)
    assert ended.code == 1, ended
    assert "network namespace has eth0" in dom0.runtime.last_error()
    dom0.stopped(container)


def test_a_bridge_that_is_missing(dom0: Dom0) -> None:
    """XEN-ERR-07, XEN-CREATE-05: it is named, with its file, before there is a domain."""
    bundle = connected(dom0.bundle(), "lost", "10.9.0.5", bridge="nobr")
    dom0.runtime.refuses_bundle("nobr", bundle)
    assert reserved("lost") == []
