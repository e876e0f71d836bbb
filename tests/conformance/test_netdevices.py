"""linux.netDevices. runc 1.1 does not know them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.inside import inside, refused
from tests.support import Bundle, Runtime, wait_until

PEER = "rfp"


def ip(*words: str) -> str:
    """Standard output of ip(8).

    Raises:
        subprocess.CalledProcessError: when it fails.
    """
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


def names() -> set[str]:
    """The interfaces of the test's network namespace."""
    return {line.split(": ")[1].partition("@")[0] for line in ip("-o", "link").splitlines()}


@pytest.fixture
def device() -> Iterator[str]:
    """One end of a veth pair with a MAC address, an MTU and addresses of its own."""
    name = "rfd0"
    ip("link", "add", name, "address", "02:11:22:33:44:55", "mtu", "1789", "type", "veth", "peer", "name", PEER)
    ip("addr", "add", "192.0.2.7/24", "dev", name)
    ip("-6", "addr", "add", "2001:db8::7/64", "dev", name, "nodad")
    ip("addr", "add", "169.254.3.4/16", "dev", name, "scope", "link")
    yield name
    # The end of a namespace takes its devices along a moment later, between a look and a delete as well.
    subprocess.run(["ip", "link", "delete", PEER], check=False, capture_output=True)
    wait_until(lambda: PEER not in names(), "the pair to be gone")


def test_device_is_moved(runtime: Runtime, bundle: Bundle, device: str) -> None:
    """LNX-NET-01: the device is moved and set up; MTU, MAC and global permanent addresses are kept, others not."""
    bundle.linux["netDevices"] = {device: {}}
    out = inside(runtime, bundle, f"ip addr show {device}")
    assert ",UP" in out
    for kept in ("mtu 1789", "02:11:22:33:44:55", "inet 192.0.2.7/24", "inet6 2001:db8::7/64"):
        assert kept in out
    assert "169.254.3.4" not in out
    assert device not in names()


def test_device_is_renamed(runtime: Runtime, bundle: Bundle, device: str) -> None:
    """LNX-NET-01: it is renamed to `name` if that is given."""
    bundle.linux["netDevices"] = {device: {"name": "inner0"}}
    out = inside(runtime, bundle, "ip -o link; ip addr show inner0")
    assert device not in out
    assert "inet 192.0.2.7/24" in out


def test_device_of_a_user_namespace(runtime: Runtime, bundle: Bundle, device: str) -> None:
    """LNX-NET-01: the runtime moves it, with its own rights, into the namespace of a mapped container too."""
    bundle.user_namespace()
    bundle.linux["netDevices"] = {device: {"name": "inner0"}}
    out = inside(runtime, bundle, "ip addr show inner0")
    assert "inet 192.0.2.7/24" in out
    assert ",UP" in out


def test_hooks_find_the_device_moved(runtime: Runtime, bundle: Bundle, device: str, tmp_path: Path) -> None:
    """LNX-NET-01: prestart hooks see the container's namespace with the device in it."""
    shown = tmp_path / "links"
    script = f"pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/'); nsenter --net=/proc/$pid/ns/net ip -o link > {shown}"
    bundle.config["hooks"] = {"prestart": [{"path": "/bin/sh", "args": ["sh", "-c", script]}]}
    bundle.linux["netDevices"] = {device: {}}
    inside(runtime, bundle, "true")
    assert device in shown.read_text()


def test_pattern_of_a_name(runtime: Runtime, bundle: Bundle, device: str) -> None:
    """LNX-NET-02: a new name may hold `%d`, for which the kernel finds a number."""
    bundle.linux["netDevices"] = {device: {"name": "inner%d"}}
    assert "inner0" in inside(runtime, bundle, "ip -o link")


@pytest.fixture
def joined() -> Iterator[str]:
    """The path of a network namespace that a helper process keeps."""
    with subprocess.Popen(["unshare", "--net", "sh", "-c", "echo ready; exec sleep 1000"], stdout=-1) as helper:
        assert helper.stdout
        helper.stdout.readline()
        yield f"/proc/{helper.pid}/ns/net"
        helper.kill()


def in_namespace(path: str, *words: str) -> str:
    """Standard output of ip(8) in a network namespace."""
    words = ("nsenter", f"--net={path}", "ip", *words)
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def test_device_stays_in_a_joined_namespace(runtime: Runtime, bundle: Bundle, device: str, joined: str) -> None:
    """LNX-NET-01, LNX-NET-03: it goes to a joined namespace as well, and stays there after delete."""
    bundle.namespace("network", joined)
    bundle.linux["netDevices"] = {device: {}}
    inside(runtime, bundle, "true")
    assert device in in_namespace(joined, "-o", "link")
    assert device not in names()


def test_virtual_device_ends_with_its_namespace(runtime: Runtime, bundle: Bundle, device: str) -> None:
    """LNX-NET-03: with a fresh namespace a virtual device vanishes, it is never moved back."""
    bundle.linux["netDevices"] = {device: {}}
    inside(runtime, bundle, "true")
    assert device not in names()


def test_name_that_is_taken_is_refused(runtime: Runtime, bundle: Bundle, device: str, joined: str) -> None:
    """LNX-NET-02: a name that is already present in the container's namespace is an error."""
    in_namespace(joined, "link", "add", "taken0", "type", "veth", "peer", "name", "taken1")
    bundle.namespace("network", joined)
    bundle.linux["netDevices"] = {device: {"name": "taken0"}}
    refused(runtime, bundle, "the container's network namespace has a device taken0")
    assert device in names()


def test_unknown_device_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-NET-02: an unknown device is an error."""
    bundle.linux["netDevices"] = {"no-such-dev0": {}}
    refused(runtime, bundle, "there is no network device no-such-dev0: no such device")


def test_one_bad_entry_moves_none(runtime: Runtime, bundle: Bundle, device: str) -> None:
    """LNX-NET-02: an error of a later entry is found before an earlier device has gone."""
    bundle.linux["netDevices"] = {device: {}, "no-such-dev0": {}}
    refused(runtime, bundle, "there is no network device no-such-dev0")
    assert device in names()


def test_two_devices_of_one_name_are_refused(runtime: Runtime, bundle: Bundle, device: str) -> None:
    """LNX-NET-02: a name can be taken by an entry before."""
    bundle.linux["netDevices"] = {device: {"name": "eth0"}, PEER: {"name": "eth0"}}
    refused(runtime, bundle, f"#/linux/netDevices/{PEER}", "eth0")
    assert {device, PEER} <= names()


def test_no_own_namespace_is_refused(runtime: Runtime, bundle: Bundle, device: str) -> None:
    """LNX-NET-02: without a network namespace of its own it is an error."""
    bundle.drop_namespace("network")
    bundle.linux["netDevices"] = {device: {}}
    refused(runtime, bundle, "#/linux/netDevices")
    assert device in names()


@pytest.mark.parametrize("name", [".", "..", "a/b", "a:b", "a b", "a" * 16])
def test_invalid_new_name_is_refused(runtime: Runtime, bundle: Bundle, device: str, name: str) -> None:
    """LNX-NET-02: a name the kernel would refuse is an error, and the device stays where it is."""
    bundle.linux["netDevices"] = {device: {"name": name}}
    refused(runtime, bundle, f"#/linux/netDevices/{device}/name")
    assert device in names()


@pytest.mark.parametrize("devices", [{"": {}}, {"a/b": {}}, {"a" * 16: {}}], ids=str)
def test_invalid_device_is_refused(runtime: Runtime, bundle: Bundle, devices: dict[str, Any]) -> None:
    """LNX-NET-02: the same holds for the name on the host."""
    bundle.linux["netDevices"] = devices
    refused(runtime, bundle)
