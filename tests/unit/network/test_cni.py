"""Whose file may describe a network, and whether its bridge is one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ringfence.errors import RingfenceError
from ringfence.network.cni import on_bridge, read_netconf
from ringfence.network.netconf import Netconf

NETWORK = {"name": "web", "type": "bridge", "bridge": "br7", "ipam": {"type": "host-local", "subnet": "10.9.0.0/24"}}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="the file has to be root's")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of CNI files with one network."""
    made = tmp_path / "net.d"
    made.mkdir()
    (made / "web.conf").write_text(json.dumps(NETWORK))
    (made / "web.conf").chmod(0o644)
    return made


def read(path: Path, folder: Path) -> Netconf:
    return read_netconf(f"{path},web,10.9.0.7", "/process/env/0", (str(folder),))


@needs_root
def test_a_file_of_the_administrators_is_read(folder: Path) -> None:
    """XEN-ENV-05."""
    assert read(folder / "web.conf", folder).addresses == ("10.9.0.7/24",)


def test_a_file_elsewhere_is_refused(folder: Path, tmp_path: Path) -> None:
    """XEN-ENV-05: the folders are the administrator's."""
    (tmp_path / "own.conf").write_text(json.dumps(NETWORK))
    for path in (tmp_path / "own.conf", Path(f"{folder}x/web.conf"), Path(f"{folder}/../own.conf"), Path("web.conf")):
        with pytest.raises(RingfenceError, match=r"lies in none|no plain absolute path"):
            read_netconf(f"{path},web", "", (str(folder),))


@needs_root
def test_links_and_others_files_are_refused(folder: Path) -> None:
    """XEN-ENV-05, as XEN-ENV-02 has it: no link on the way, root's, and nobody else writes to it."""
    (folder / "link.conf").symlink_to(folder / "web.conf")
    (folder / "deep").symlink_to(folder)
    (folder / "open.conf").write_text("{}")
    (folder / "open.conf").chmod(0o666)
    (folder / "theirs.conf").write_text("{}")
    os.chown(folder / "theirs.conf", 1000, 0)
    os.mkfifo(folder / "pipe.conf")
    for name in ("link.conf", "deep/web.conf", "open.conf", "theirs.conf", "pipe.conf", "missing.conf"):
        with pytest.raises(RingfenceError, match=r"cannot read|root alone"):
            read(folder / name, folder)


@needs_root
def test_a_file_has_a_bound(folder: Path) -> None:
    """XEN-ENV-05."""
    (folder / "web.conf").write_text(" " * (2 << 20))
    with pytest.raises(RingfenceError, match="larger"):
        read(folder / "web.conf", folder)


def test_the_bridge_must_be_one(tmp_path: Path) -> None:
    """XEN-ERR-07: bridge, file and network are named, and how to make it; else its MTU is the device's (XEN-NET-04)."""
    netconf = Netconf("/f", "web", "/process/env/0", "br7")
    (tmp_path / "br7").mkdir()
    (tmp_path / "br7/mtu").write_text("1400\n")
    with pytest.raises(RingfenceError, match="no bridge br7, which /f names for the network web") as caught:
        on_bridge(netconf, str(tmp_path))
    assert "ip link add br7 type bridge" in caught.value.hint
    (tmp_path / "br7/bridge").mkdir()
    assert on_bridge(netconf, str(tmp_path)).mtu == 1400
    assert on_bridge(Netconf("/f", "web", "", "br7", mtu=1300), str(tmp_path)).mtu == 1300
