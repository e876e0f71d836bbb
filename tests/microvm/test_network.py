"""The network of the container's namespace, as the guest has it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys

import pytest

from ringfence.cli.log import Log
from ringfence.container.runtime import Runtime as CalledRuntime
from ringfence.container.start import start
from ringfence.network import redirect
from ringfence.network.found import INGRESS
from ringfence.network.messages import CREATE, EXCLUSIVE, NEW_QDISC, attribute, message, text
from tests.conformance.inside import in_own_mounts
from tests.microvm.harbour import Harbour
from tests.support import Bundle, Runtime, wait_until

SHOW = "cd /sys/class/net/$1; cat address mtu; busybox ip addr show $1; busybox ip route; busybox ip -6 route"


SERVE = """
import hashlib, socket
out, back = (socket.create_server(("", port)) for port in (7000, 7001))
connection, digest = out.accept()[0], hashlib.md5()
while data := connection.recv(1 << 20):
    digest.update(data)
connection.close()
print(digest.hexdigest())
back.accept()[0].sendall((b"back" * (25 << 20)))
"""


RESOLVER = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.11", 53))
print("ready", flush=True)
while True:
    question, asker = server.recvfrom(4096)
    is_version_4 = question[-4:-2] == bytes((0, 1))
    head = question[:2] + bytes((0x81, 0x80, 0, 1, 0, is_version_4, 0, 0, 0, 0))
    answer = bytes((0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 53)) if is_version_4 else b""
    server.sendto(head + question[12:] + answer, asker)
"""


def digest(word: bytes) -> str:
    """That of 100 MiB of a word of four bytes."""
    return hashlib.md5(word * (25 << 20), usedforsecurity=False).hexdigest()


@pytest.fixture
def joined(harbour: Harbour, bundle: Bundle) -> Bundle:
    """A bundle that joins it and may ping."""
    bundle.namespace("network", harbour.inside.path)
    bundle.process["capabilities"] = {key: ["CAP_NET_RAW"] for key in ("bounding", "effective", "permitted")}
    return bundle


def qdiscs(harbour: Harbour) -> list[str]:
    """The queues of the devices inside that tests did not make."""
    return [line for line in harbour.inside("tc qdisc show").splitlines() if "ingress" in line]


def test_a_device_is_carried_as_it_is(machines: Runtime, joined: Bundle, harbour: Harbour) -> None:
    """MVM-NET-01, MVM-NET-02, MVM-NET-04: name, hardware address, MTU, addresses and routes, metrics among them."""
    harbour.attach("a23456789012345", 1, mtu=9000)
    harbour.inside("ip addr add 192.0.2.9/32 dev a23456789012345")
    harbour.inside("ip route add default via 10.77.1.1 metric 77")
    harbour.inside("ip route add 198.51.100.0/24 dev a23456789012345 scope link")
    harbour.inside("ip -6 route add default via fd77:1::1")
    (link,) = json.loads(harbour.inside("ip -j addr show a23456789012345"))
    local = next(one["local"] for one in link["addr_info"] if one["scope"] == "link")
    joined.sh(f"{SHOW.replace('$1', 'a23456789012345')}; ping -c 1 10.77.1.1; ping -6 -c 1 fd77:1::1")
    told = machines.run_bundle(joined).ok().out
    assert told.splitlines()[:2] == [link["address"], "9000"]
    for words in ("inet 10.77.1.2/24", "inet 192.0.2.9/32", "inet6 fd77:1::2/64", f"inet6 {local}/64"):
        assert words in told
    for words in ("default via 10.77.1.1 dev a23456789012345  metric 77", "198.51.100.0/24 dev a23456789012345 scope"):
        assert words in told
    assert "default via fd77:1::1" in told
    assert told.count(" 0% packet loss") == 2


def test_eight_devices(machines: Runtime, joined: Bundle, harbour: Harbour) -> None:
    """MVM-NET-01, MVM-QEMU-03: more than the board has places for without ACPI."""
    for number in range(8):
        harbour.attach(f"net{7 - number}", number)
    joined.sh("ls /sys/class/net; for n in 0 1 2 3 4 5 6 7; do ping -c 1 10.77.$n.1 | grep -o ' 0% packet loss'; done")
    told = machines.run_bundle(joined).ok().out.splitlines()
    assert told == ["lo", *(f"net{number}" for number in range(8)), *[" 0% packet loss"] * 8]


def test_nine_are_too_many(machines: Runtime, joined: Bundle, harbour: Harbour) -> None:
    """MVM-QEMU-03: with a clear word."""
    for number in range(9):
        harbour.attach(f"net{number}", number)
    machines.refuses_bundle("the network namespace has more devices than a machine takes", joined)


def test_much_is_carried_each_way(machines: Runtime, joined: Bundle, harbour: Harbour) -> None:
    """MVM-NET-05: 100 MiB out and back have the same digest."""
    harbour.attach("eth0", 1)
    joined.sh("dd if=/dev/zero bs=1M count=100 2>/dev/null | nc 10.77.1.1 7000; nc 10.77.1.1 7001 | md5sum")
    server = harbour.outside.spawn(sys.executable, "-c", SERVE)
    told = machines.run_bundle(joined).ok().out.split()[0]
    assert server.communicate()[0].split() == [digest(bytes(4)).encode()]
    assert told == digest(b"back")


def test_a_resolver_that_lives_in_the_namespace(machines: Runtime, joined: Bundle, harbour: Harbour) -> None:
    """MVM-NET-05: Docker's answers at a loopback address; questions reach it from the guest, forty of them too."""
    harbour.attach("eth0", 1)
    server = harbour.inside.spawn(sys.executable, "-c", RESOLVER)
    assert server.stdout
    server.stdout.readline()
    script = "nslookup harbour.example 127.0.0.11 >/tmp/$n; grep 192.0.2.53 /tmp/$n"
    joined.sh(f"for n in $(seq 40); do {script} & done; wait")
    joined.mount("/tmp", "tmpfs", "tmpfs")
    told = machines.run_bundle(joined).ok().out
    server.kill()
    server.communicate()
    assert told.count("192.0.2.53") == 40


def test_rules_that_see_nothing(machines: Runtime, joined: Bundle, harbour: Harbour) -> None:
    """MVM-NET-09: one warning names their tables; they are left where they are."""
    harbour.attach("eth0", 1)
    harbour.inside("nft add table inet moat")
    harbour.inside("iptables-legacy -t mangle -A INPUT -j ACCEPT")
    joined.args("true")
    machines.run_bundle(joined).ok()
    said = [record["msg"] for record in machines.log_records() if "table" in record["msg"]]
    assert len(said) == 1
    assert "rules of the table mangle, moat inside its network namespace" in said[0]
    assert "moat" in harbour.inside("nft list tables")
    assert "ACCEPT" in harbour.inside("iptables-legacy -t mangle -S INPUT")


def test_without_a_device_there_is_a_loopback_only(machines: Runtime, bundle: Bundle) -> None:
    """MVM-NET-06: what was held ready is not seen."""
    bundle.sh("ls /sys/class/net; busybox ip addr show lo")
    told = machines.run_bundle(bundle).ok().out
    assert told.splitlines()[0] == "lo"
    assert "lo: <LOOPBACK,UP" in told.splitlines()[1]
    assert "inet 127.0.0.1/8" in told
    assert "inet6 ::1/128" in told


def test_a_device_that_comes_between_create_and_start(machines: Runtime, joined: Bundle, harbour: Harbour) -> None:
    """MVM-NET-10: it is carried; a second one is one too many, and the container can still be started without it."""
    joined.sh("ls /sys/class/net; ping -c 1 10.77.1.1 | grep -o ' 0% packet loss'")
    container = machines.create(joined)
    harbour.attach("eth0", 1)
    harbour.attach("eth1", 2)
    machines.refuses("has 2 devices (eth0, eth1), its machine has 1", "start", container.id)
    assert container.status() == "created"
    assert qdiscs(harbour) == []
    harbour.outside("ip link delete far2")
    harbour.inside("tc qdisc add dev eth0 ingress")
    machines.refuses("eth0 has an ingress queue already", "start", container.id)
    harbour.inside("tc qdisc del dev eth0 ingress")
    container.start()
    wait_until(lambda: container.status() == "stopped", "the container has ended")
    assert container.output() == "eth0\nlo\n 0% packet loss\n"


def test_the_namespace_is_left_as_it_was(machines: Runtime, joined: Bundle, harbour: Harbour) -> None:
    """MVM-DELETE-01, MVM-DELETE-02: after a delete, and after the supervisor has been killed."""
    harbour.attach("eth0", 1)
    before = harbour.inside("ip -d link"), harbour.inside("tc qdisc show")
    joined.sleep()
    for options in ((), ("--force",)):
        container = machines.started(joined)
        assert len(qdiscs(harbour)) == 2
        os.kill(container.pid, 9)
        container.reap()
        container.delete(*options).ok()
        assert (harbour.inside("ip -d link"), harbour.inside("tc qdisc show")) == before


def test_a_kernel_without_redirects(
    machines: Runtime, joined: Bundle, harbour: Harbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MVM-NET-03: a bridge, whose way is recorded before it is gone; afterwards the device is as it was."""
    harbour.attach("eth0", 1)
    harbour.inside("ip route add default via 10.77.1.1 metric 77")
    shown = ("ip -d link show eth0", "ip addr show eth0", "ip route", "ip -6 route", "ip -o link")

    def seen() -> list[str]:
        return [
            re.sub(r"valid_lft.*| nodad| tentative|qlen \d+| promiscuity \d+| state \w+", "", harbour.inside(one))
            for one in shown
        ]

    before = seen()
    (link,) = json.loads(harbour.inside("ip -j link show eth0"))
    joined.sleep()
    container = machines.create(joined)
    unknown = attribute(redirect.TCA_KIND, text("nosuch"))
    monkeypatch.setattr(redirect, "hold", lambda index: message(
        NEW_QDISC, CREATE | EXCLUSIVE, redirect.traffic(index, redirect.HANDLE, INGRESS, 0) + unknown
    ))  # fmt: skip
    runtime = CalledRuntime(root=machines.root, log=Log(), environment={}, cwd="/")
    start(runtime, container.id)
    assert container.state()["ringfence"]["network"] == "bridge"
    assert container.sh("cat /sys/class/net/eth0/address").ok().out.strip() == link["address"]
    for words in ("ping -c 1 10.77.1.1", "ping -6 -c 1 fd77:1::1"):
        container.sh(words).ok()
    assert "inet" not in harbour.inside("ip addr show eth0")
    assert "mcast_snooping 0" in harbour.inside("ip -d link show type bridge")
    container.delete("--force").ok()
    assert seen() == before


def test_two_machines_never_share_devices(machines: Runtime, joined: Bundle, harbour: Harbour) -> None:
    """MVM-NET-11: the second is refused, the first goes on."""
    harbour.attach("eth0", 1)
    joined.sleep()
    container = machines.started(joined)
    machines.refuses_bundle("another machine holds this network namespace", joined)
    container.sh("ping -c 1 10.77.1.1").ok()


def test_an_ingress_queue_of_somebody_else(machines: Runtime, joined: Bundle, harbour: Harbour) -> None:
    """MVM-NET-11: it is left alone and named."""
    harbour.attach("eth0", 1)
    harbour.inside("tc qdisc add dev eth0 ingress")
    joined.sleep()
    container = machines.create(joined)
    machines.refuses("the network device eth0 has an ingress queue already", "start", container.id)
    container.delete("--force").ok()
    assert len(qdiscs(harbour)) == 1


def test_the_hosts_network_is_never_touched(machines: Runtime, bundle: Bundle) -> None:
    """MVM-NET-07: by whichever path it is named."""
    before = subprocess.run(["tc", "qdisc", "show"], capture_output=True, check=True).stdout
    for path in ("/proc/self/ns/net", f"/proc/{os.getpid()}/ns/net"):
        bundle.namespace("network", path)
        machines.refuses_bundle("the host's own network cannot be a guest's", bundle)
    assert subprocess.run(["tc", "qdisc", "show"], capture_output=True, check=True).stdout == before


def test_a_namespace_that_goes_away(machines: Runtime, joined: Bundle, harbour: Harbour) -> None:
    """MVM-NET-12: the network is lost with its devices; the container lives and can be deleted."""
    harbour.attach("eth0", 1)
    joined.sleep()
    container = machines.started(joined)
    harbour.outside("ip link delete far1")
    harbour.inside.close()
    assert container.sh("echo alive").ok().out == "alive\n"
    container.delete("--force").ok()


def test_without_tun(machines: Runtime, joined: Bundle, harbour: Harbour) -> None:
    """MVM-NET-12: a network needs it, and what it is for is said; without a network it is not missed."""
    hidden = 'mount -t tmpfs tmpfs /dev/net && exec "$@"'
    joined.sh("ls /sys/class/net")
    with in_own_mounts(machines, "sh", "-c", hidden, "sh"):
        assert machines.run_bundle(joined).ok().out == "lo\n"
        harbour.attach("eth0", 1)
        machines.refuses_bundle("cannot open /dev/net/tun, which carries a guest's network", joined)
