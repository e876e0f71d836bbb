"""Addresses are reserved once and given back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ringfence.errors import RingfenceError
from ringfence.network.cni_plugin import release, reserve
from ringfence.network.netconf import Dns, Netconf, parse_netconf

STAND_IN = """#!/bin/sh
cat >"$0.input"
env | grep ^CNI_ | sort >"$0.$CNI_COMMAND"
[ ! -e "$0.answer" ] || cat "$0.answer"
[ ! -e "$0.status" ] || exit "$(cat "$0.status")"
"""


def network(store: Path, ip: str = "") -> Netconf:
    ipam = {"type": "host-local", "subnet": "10.9.0.0/24", "dataDir": str(store)}
    text = json.dumps({"name": "web", "type": "bridge", "bridge": "br0", "ipam": ipam})
    return parse_netconf(text, "/f", "web", ip, "/process/env/0")


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """A folder with a plugin that tells what it was asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "host-local").write_text(STAND_IN)
    (folder / "host-local").chmod(0o755)
    return folder


def asked(plugins: Path, command: str) -> dict[str, str]:
    lines = (plugins / f"host-local.{command}").read_text().splitlines()
    return dict(line.partition("=")[::2] for line in lines)


def test_the_plugin_gives_the_address(plugins: Path, tmp_path: Path) -> None:
    """XEN-NET-05: by the protocol of CNI; address, gateway and resolver are what it says."""
    told = {"ips": [{"address": "10.9.0.5/24", "gateway": "10.9.0.1"}], "dns": {"nameservers": ["10.9.0.1"]}}
    (plugins / "host-local.answer").write_text(json.dumps(told))
    found = reserve(network(tmp_path), "web1", str(plugins))
    assert (found.addresses, found.routes) == (("10.9.0.5/24",), (("0.0.0.0/0", "10.9.0.1"),))
    assert found.dns == Dns(("10.9.0.1",))
    given = asked(plugins, "ADD")
    assert (given["CNI_CONTAINERID"], given["CNI_IFNAME"], given["CNI_PATH"]) == ("web1", "eth0", str(plugins))
    assert json.loads((plugins / "host-local.input").read_text())["name"] == "web"


def test_a_static_address_is_reserved_by_the_plugin_too(plugins: Path, tmp_path: Path) -> None:
    """XEN-NET-06."""
    told = {"ips": [{"address": "10.9.0.7/24", "gateway": "10.9.0.1"}]}
    (plugins / "host-local.answer").write_text(json.dumps(told))
    found = reserve(network(tmp_path, "10.9.0.7"), "web1", str(plugins))
    assert found.addresses == ("10.9.0.7/24",)
    assert asked(plugins, "ADD")["CNI_ARGS"] == "IgnoreUnknown=1;IP=10.9.0.7"


def test_the_plugins_own_words_are_told(plugins: Path, tmp_path: Path) -> None:
    """XEN-NET-05: no address left."""
    (plugins / "host-local.answer").write_text('{"code": 11, "msg": "no IP addresses available", "details": "in\\nit"}')
    (plugins / "host-local.status").write_text("1")
    with pytest.raises(RingfenceError, match="no IP addresses available in it") as caught:
        reserve(network(tmp_path), "web1", str(plugins))
    assert caught.value.field == "/process/env/0"


@pytest.mark.parametrize("answer", ["", "{}", "[]", "no JSON"])
def test_a_plugin_that_gives_nothing(plugins: Path, tmp_path: Path, answer: str) -> None:
    """XEN-NET-05."""
    (plugins / "host-local.answer").write_text(answer)
    with pytest.raises(RingfenceError, match="has given no address"):
        reserve(network(tmp_path), "web1", str(plugins))


def test_release_asks_the_plugin_with_the_words_of_the_record(plugins: Path, tmp_path: Path) -> None:
    """XEN-NET-06: the file of the network may be gone by then."""
    release(network(tmp_path).to_words(), "web1", str(plugins))
    assert asked(plugins, "DEL")["CNI_CONTAINERID"] == "web1"
    assert json.loads((plugins / "host-local.input").read_text())["ipam"]["dataDir"] == str(tmp_path)


def test_without_the_plugin_the_store_is_kept(tmp_path: Path) -> None:
    """XEN-NET-03, XEN-NET-06: an address is its owner's until that gives it back, which may be done twice."""
    (tmp_path / "web").mkdir()
    netconf = network(tmp_path, "10.9.0.7")
    held = tmp_path / "web/10.9.0.7"
    assert reserve(netconf, "web1", "/nowhere") == netconf
    assert held.read_bytes() == b"web1\r\neth0"
    with pytest.raises(RingfenceError, match=r"10\.9\.0\.7 is reserved by the container web1"):
        reserve(netconf, "web2", "/nowhere")
    release(netconf.to_words(), "web2", "/nowhere")
    assert held.exists()
    for _ in range(2):
        release(netconf.to_words(), "web1", "/nowhere")
    assert not held.exists()


def test_without_plugin_and_store_nothing_is_made(tmp_path: Path) -> None:
    """XEN-NET-05, XEN-NET-06: whoever has asked for no address is told so, since no guest's kernel has DHCP."""
    assert reserve(network(tmp_path, "10.9.0.7"), "web1", "/nowhere").addresses == ("10.9.0.7/24",)
    with pytest.raises(RingfenceError, match="would come by DHCP") as caught:
        reserve(network(tmp_path), "web1", "/nowhere")
    assert "NETCONF=/f,web,IP" in caught.value.hint
    assert not list(tmp_path.iterdir())
