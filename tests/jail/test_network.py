"""Addresses, interfaces and the network stacks."""

from __future__ import annotations

import os
import socket
import threading

from tests.jail.harness import Host, Skip

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
        assert inner in listed(host)
        bundle.process["args"] = ["/bin/nosuch"]
        host.refuses(bundle, "/bin/nosuch")
        assert inner in listed(host)
        bundle.process["args"] = ["/bin/sleep", "1000"]
        gone = host.start(bundle)
        host.tool("jail", "-r", gone.jid).ok()
        gone.delete("--force").ok()
        assert inner in listed(host)
    finally:
        host.tool("ifconfig", pair, "destroy").ok()


def listed(host: Host) -> list[str]:
    """The host's interfaces."""
    return host.tool("ifconfig", "-l").ok().out.split()


def test_the_hosts_stack_and_none(host: Host) -> None:
    """JAIL-NET-01, JAIL-CFG-06: inherit reaches the host's loopback, and without a word there is no network at all."""
    if host.is_standin:
        raise Skip("the stand-ins have no network stacks")
    if not os.path.exists("/usr/bin/nc"):
        raise Skip("there is no nc to connect with")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        port = str(server.getsockname()[1])
        served = threading.Thread(target=serve, args=(server,))
        served.start()
        bundle = host.bundle("/bin/nc", "-N", "127.0.0.1", port)
        with open("/usr/bin/nc", "rb") as program, open(f"{bundle.rootfs}/bin/nc", "wb") as target:
            target.write(program.read())
        os.chmod(f"{bundle.rootfs}/bin/nc", 0o755)
        for name in os.listdir("/usr/lib"):
            if name.startswith(("libipsec.so", "libutil.so", "libcasper", "libcap_")):
                raise_to(f"/usr/lib/{name}", f"{bundle.rootfs}/lib/{name}")
        bundle.write()
        assert host.run("run", "--bundle", bundle.path, host.name()).code != 0
        bundle.jail["ip4"] = "inherit"
        assert host.output(bundle) == "served\n"
        served.join()


def serve(server: socket.socket) -> None:
    """Greet the first who comes."""
    try:
        connection, _ = server.accept()
    except TimeoutError:
        return
    with connection:
        connection.sendall(b"served\n")


def raise_to(source: str, target: str) -> None:
    """Copy a library that the root has not."""
    if os.path.isfile(source) and not os.path.exists(target):
        with open(source, "rb") as read, open(target, "wb") as write:
            write.write(read.read())
