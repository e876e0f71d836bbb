"""What CRIU is told about a container."""

from __future__ import annotations

from typing import Any

import pytest

from ringfence.cgroups.paths import CgroupDir
from ringfence.cli.criu import empty_network, page_server
from ringfence.criu.options import (
    CriuOptions,
    dump_options,
    outer_mounts,
    outer_namespaces,
    pipes,
    restore_options,
)
from ringfence.errors import RingfenceError
from ringfence.host.facts import Hierarchy, Host
from ringfence.jsontext import dumps
from ringfence.spec.load import load_config
from ringfence.spec.template import template
from ringfence.spec.types import Config


def config(**changes: Any) -> Config:
    held = template(True, "x")
    del held["hostname"]
    held.update(changes)
    return load_config(dumps(held))


def host(mode: str) -> Host:
    return Host(0, 0, (6, 12), "x86_64", mode, (Hierarchy(("",), "/sys/fs/cgroup", "/", "/"),))


def test_a_plain_dump() -> None:
    """LNX-CR-02: every option of a dump, those that are not asked for off or left out."""
    assert dump_options(config(), CriuOptions("/i"), 7, "/r", "/f") == {
        "log_level": 4,
        "notify_scripts": True,
        "manage_cgroups": True,
        "manage_cgroups_mode": 3,
        "shell_job": False,
        "ext_unix_sk": False,
        "tcp_established": False,
        "file_locks": False,
        "empty_ns": 0,
        "orphan_pts_master": True,
        "auto_dedup": False,
        "lazy_pages": False,
        "config_file": "/etc/criu/runc.conf",
        "pid": 7,
        "root": "/r",
        "log_file": "dump.log",
        "leave_running": False,
        "tcp_skip_in_flight": False,
        "link_remap": False,
        "freeze_cgroup": "/f",
        "ps": None,
        "parent_img": None,
        "track_mem": None,
    }


def test_asked_options() -> None:
    """LNX-CR-02, LNX-CR-03, LNX-CR-05: what is asked for gets to CRIU; a pre-dump tracks memory."""
    asked = CriuOptions("/i", pre_dump=True, parent_path="../p", cgroups_mode="ignore", empty_network=True)
    made = dump_options(config(), asked, 7, "/r", "")
    assert (made["track_mem"], made["parent_img"], made["manage_cgroups_mode"]) == (True, "../p", 0)
    assert made["empty_ns"] == 0x40000000
    back = restore_options(config(), CriuOptions("/i", lsm_profile="apparmor:x", shell_job=True), "/root")
    assert (back["root"], back["rst_sibling"], back["lsm_profile"], back["shell_job"]) == (
        "/root",
        True,
        "apparmor:x",
        True,
    )


@pytest.mark.parametrize(
    ("annotations", "file"),
    [({}, "/etc/criu/runc.conf"), ({"org.criu.config": ""}, None), ({"org.criu.config": "/x"}, "/x")],
)
def test_configuration_files(annotations: dict[str, str], file: str | None) -> None:
    """LNX-CR-13, LNX-ANN-02: unset is the default file, empty none, else the one that is named."""
    made = dump_options(config(annotations=annotations), CriuOptions("/i"), 7, "/r", "")
    assert made["config_file"] == file


def test_unknown_modes() -> None:
    """LNX-CR-02: other words for the handling of cgroups are refused."""
    with pytest.raises(RingfenceError, match="invalid manage-cgroups-mode value"):
        dump_options(config(), CriuOptions("/i", cgroups_mode="loud"), 7, "/r", "")


def test_mounts_outside_the_image() -> None:
    """LNX-CR-10: bind mounts stay outside, with sources of the bundle; on v1 so do the cgroups that are bound."""
    mounts = [
        {"destination": "/data/", "source": "/srv", "options": ["rbind"]},
        {"destination": "/own", "source": "files", "options": ["bind"]},
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup"},
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"},
    ]
    groups = (CgroupDir(("cpu", "cpuacct"), "/c/cpu"), CgroupDir(("",), "/c/unified"))
    namespaces = {"namespaces": [{"type": "mount"}]}
    held = config(mounts=mounts, linux=namespaces)
    outer = [("/data", "/srv"), ("/own", "/b/files")]
    assert outer_mounts(held, host("v2"), groups, "/b") == outer
    assert outer_mounts(held, host("v1"), groups, "/b") == [*outer, ("/sys/fs/cgroup/cpu,cpuacct", "/c/cpu")]


def test_namespaces_outside_the_image() -> None:
    """LNX-CR-09: a network or pid namespace by path stays outside; others cannot."""
    given = [{"type": "mount"}, {"type": "network", "path": "/n"}, {"type": "pid", "path": "/p"}]
    assert outer_namespaces(config(linux={"namespaces": given})) == [
        ("net", "extRootNetNS", "/n"),
        ("pid", "extRootPidNS", "/p"),
    ]
    with pytest.raises(RingfenceError, match="ipc") as caught:
        outer_namespaces(config(linux={"namespaces": [{"type": "mount"}, {"type": "ipc", "path": "/i"}]}))
    assert caught.value.field == "/linux/namespaces/1"


def test_pipes_are_taken_over() -> None:
    """LNX-CR-07: only pipes get others in their place, by the number they had; the file may hold anything."""
    assert pipes(["/dev/null", "pipe:[5]", "pipe:[6]"]) == [("pipe:[5]", 1), ("pipe:[6]", 2)]
    assert pipes([None, 5, ["pipe:"], "pipe:[9]"]) == []


def test_page_servers() -> None:
    """LNX-CR-12, OLD-CLI-11: ADDRESS:PORT, also of IPv6; anything else has the words of runc."""
    assert page_server("") is None
    assert page_server("10.0.0.1:80") == ("10.0.0.1", 80)
    assert page_server("[::1]:80") == ("::1", 80)
    for text, words in (
        ("nothing", "Use --page-server ADDRESS:PORT"),
        ("a:b", "Invalid port number"),
        ("a:0", "Invalid"),
    ):
        with pytest.raises(RingfenceError, match=words):
            page_server(text)


def test_empty_namespaces() -> None:
    """LNX-CR-02: only network can come back empty."""
    assert empty_network(("network",))
    assert not empty_network(())
    with pytest.raises(RingfenceError, match="'ipc'"):
        empty_network(("ipc",))
