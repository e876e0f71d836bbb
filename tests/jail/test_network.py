"""Addresses, interfaces and the network stacks."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading

from tests.jail.harness import Host, Skip, poll

ALIAS = "127.219.4.7"


def addresses(host: Host, interface: str) -> str:
    """What ifconfig says of an interface."""
    return host.tool("ifconfig", interface).ok().out


def test_an_alias_comes_and_goes(host: Host) -> None:
    """JAIL-NET-02, JAIL-CFG-03, JAIL-CFG-04: added before the jail, in the jail's list, taken away after it."""
    bundle = host.bundle()
    bundle.jail.update({"interface": "lo0", "ip4Addr": [ALIAS], "ip6Addr": ["FD00:219::0:7"]})
    container = host.start(bundle)
    told = addresses(host, "lo0")
    assert f"inet {ALIAS} " in told
    assert "inet6 fd00:219::7 " in told
    assert host.jail(container, "ip4.addr", "ip6.addr", "ip4") == [ALIAS, "fd00:219::7", "new"]
    container.delete("--force").ok()
    assert ALIAS not in addresses(host, "lo0")
    assert "fd00:219::7" not in addresses(host, "lo0")


def test_an_address_that_was_there_stays(host: Host) -> None:
    """JAIL-NET-02: it is used, and not removed."""
    host.tool("ifconfig", "lo0", "inet", f"{ALIAS}/32", "alias").ok()
    try:
        bundle = host.bundle()
        bundle.jail.update({"interface": "lo0", "ip4Addr": [ALIAS]})
        container = host.start(bundle)
        container.delete("--force").ok()
        assert ALIAS in addresses(host, "lo0")
    finally:
        host.tool("ifconfig", "lo0", "inet", ALIAS, "-alias").ok()


def test_interfaces_that_there_are_not(host: Host) -> None:
    """JAIL-NET-03: told with the field, and no other alias stays."""
    bundle = host.bundle()
    bundle.jail.update({"interface": "nosuch0", "ip4Addr": [ALIAS]})
    host.refuses(bundle, "interface nosuch0 does not exist", "/freebsd/jail/interface")
    for name in ("-alias", "a b", "x" * 16, ""):
        bundle.jail["interface"] = name
        host.refuses(bundle, "/freebsd/jail/interface")
    moved = host.bundle()
    moved.jail.update({"vnet": "new", "vnetInterfaces": ["nosuch0"]})
    host.refuses(moved, "nosuch0", "/freebsd/jail/vnetInterfaces")


def test_interfaces_go_in_and_come_back(host: Host) -> None:
    """JAIL-NET-04, JAIL-NET-03: moved into the jail, back on the host after delete and a failed create."""
    first = host.tool("ifconfig", "epair", "create")
    if first.code:
        raise Skip("no epair can be made")
    pair = first.out.strip()
    inner = pair[:-1] + "b"
    try:
        bundle = host.bundle()
        bundle.jail.update({"vnet": "new", "vnetInterfaces": [inner]})
        container = host.start(bundle)
        assert inner not in listed(host)
        second = host.bundle()
        second.jail.update({"vnet": "new", "vnetInterfaces": [inner]})
        host.refuses(second, inner, container.id)
        container.delete("--force").ok()
        poll(lambda: inner in listed(host), "the interface after delete")
        bundle.process["args"] = ["/bin/nosuch"]
        host.refuses(bundle, "/bin/nosuch")
        poll(lambda: inner in listed(host), "the interface after a create that failed")
        bundle.process["args"] = ["/bin/sleep", "1000"]
        gone = host.start(bundle)
        host.tool("jail", "-r", gone.jid).ok()
        gone.delete("--force").ok()
        poll(lambda: inner in listed(host), "the interface after its jail was removed")
    finally:
        host.tool("ifconfig", pair, "destroy").ok()


def listed(host: Host) -> list[str]:
    """The host's interfaces."""
    return host.tool("ifconfig", "-l").ok().out.split()


def test_the_hosts_stack_and_none(host: Host) -> None:
    """JAIL-NET-01, JAIL-CFG-06: inherit reaches the host's loopback, and without a word there is no network at all."""
    if host.is_standin:
        raise Skip("the stand-ins have no network stacks")
    bundle = host.bundle("/bin/nc", "-w", "5", "127.0.0.1", "1")
    bring_nc(bundle.rootfs)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        bundle.process["args"][-1] = str(server.getsockname()[1])
        served = threading.Thread(target=serve, args=(server,))
        served.start()
        bundle.write()
        refused = host.run("run", "--bundle", bundle.path, host.name())
        assert refused.code != 0
        assert "served" not in refused.out
        bundle.jail["ip4"] = "inherit"
        found = host.output(bundle)
        served.join()
        assert found == "served\n"


def bring_nc(rootfs: str) -> None:
    """Put nc and the libraries that it needs into a root.

    Raises:
        Skip: the host has none, or not the means to find these.
    """
    tools = ("/usr/bin/nc", "/usr/bin/ldd")
    if not all(os.path.exists(tool) for tool in tools):
        raise Skip("there is no nc to connect with")
    listed = subprocess.run([tools[1], tools[0]], capture_output=True, text=True, check=True).stdout
    libraries = [word for line in listed.splitlines() for word in line.split() if word.startswith("/")]
    for path in (tools[0], *libraries):
        target = f"{rootfs}/{'bin' if path == tools[0] else 'lib'}/{os.path.basename(path)}"
        if os.path.isfile(path) and not os.path.exists(target):
            shutil.copyfile(path, target)
            os.chmod(target, 0o755)


def serve(server: socket.socket) -> None:
    """Greet the first who comes."""
    try:
        connection, _ = server.accept()
    except TimeoutError:
        return
    with connection:
        connection.sendall(b"served\n")
