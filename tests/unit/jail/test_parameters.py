"""The freebsd section: what it may say, and the parameters of jail(8) that come of it."""

from __future__ import annotations

from typing import Any

import pytest

from ringfence.drivers.jail.parameters import notes, with_looser_defaults
from ringfence.drivers.jail.plan import Context, host_steps
from ringfence.drivers.jail.steps import CreateJail
from ringfence.spec.rules.jail.policy import Policy
from tests.unit.jail.configs import Document, jail, loaded, plain, plan_of, refusal, refused_at, words_of

DEFAULTS = ["sysvmsg=new", "sysvsem=new", "sysvshm=new", "enforce_statfs=2"]


def test_what_is_passed_when_nothing_is_said() -> None:
    """JAIL-CFG-01, JAIL-CFG-02, JAIL-CFG-06, JAIL-CFG-07, JAIL-CFG-08: each default is explicit, allow.* is not."""
    assert words_of(plain(hostname=None)) == ["host=new", "ip4=disable", "ip6=disable", *DEFAULTS]
    told = " ".join(notes(loaded(plain()).config))
    assert "IPv4 and IPv6 are disabled" in told
    assert "allow.setHostname" in told


@pytest.mark.parametrize("version", ["1.0.0", "1.0.2-dev", "1.1.0", "1.2.0", "1.3.0"])
def test_versions(version: str) -> None:
    """JAIL-CFG-01."""
    assert loaded(plain(ociVersion=version)).config.oci_version == version


def test_another_major_version() -> None:
    """JAIL-CFG-01."""
    assert refused_at(plain(ociVersion="2.0.0")) == "/ociVersion"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"host": "inherit"}, ["host=inherit"]),
        ({"ip4": "inherit"}, ["ip4=inherit"]),
        ({"ip6": "disable"}, ["ip6=disable"]),
        ({"ip4": "new"}, ["ip4=new"]),
        ({"ip4Addr": ["10.0.0.1", "10.0.0.2"]}, ["ip4.addr=10.0.0.1,10.0.0.2"]),
        ({"ip4": "inherit", "ip4Addr": ["10.0.0.1"]}, ["ip4.addr=10.0.0.1"]),
        ({"ip6": "new", "ip6Addr": ["FE80:0::1"]}, ["ip6.addr=fe80::1"]),
        ({"vnet": "new"}, ["vnet=new"]),
        ({"vnet": "inherit"}, ["ip4=disable"]),
        ({"sysvmsg": "disable", "sysvsem": "inherit"}, ["sysvmsg=disable", "sysvsem=inherit", "sysvshm=new"]),
        ({"enforceStatfs": 1}, ["enforce_statfs=1"]),
        ({"parent": "pod"}, ["ip4=inherit", "ip6=inherit"]),
        ({"allow": {"rawSockets": True, "chflags": False}}, ["allow.raw_sockets", "allow.nochflags"]),
        ({"allow": {"socketAf": True, "mlock": True, "quotas": True}}, ["allow.quotas", "allow.socket_af"]),
        ({"allow": {"reservedPorts": False, "setHostname": False}}, ["allow.noset_hostname"]),
        ({"allow": {"suser": False}}, ["allow.nosuser"]),
        ({"enforceStatfs": 1, "allow": {"mount": ["tmpfs"]}}, ["allow.mount", "allow.mount.tmpfs"]),
    ],
)
def test_a_field_becomes_a_parameter(fields: Document, words: list[str]) -> None:
    """JAIL-CFG-01, JAIL-CFG-02, JAIL-CFG-03, JAIL-CFG-04, JAIL-CFG-05, JAIL-CFG-07, JAIL-CFG-08, JAIL-CFG-09."""
    assert set(words) <= set(words_of(jail(**fields) if "host" not in fields else jail(**fields) | {"hostname": ""}))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"host": "disable"}, "host"),
        ({"host": 1}, "host"),
        ({"ip4": "maybe"}, "ip4"),
        ({"ip4": "disable", "ip4Addr": ["10.0.0.1"]}, "ip4Addr"),
        ({"ip4Addr": "10.0.0.1"}, "ip4Addr"),
        *[
            ({"ip4Addr": [text]}, "ip4Addr/0")
            for text in ("", "10.0.0.300", "10.0.0.1/24", "lo0|10.0.0.1", "::1", "a,b")
        ],
        *[
            ({"ip6Addr": [text]}, "ip6Addr/0")
            for text in ("10.0.0.1", "::ffff:10.0.0.1", "fe80::1%em0", "[::1]:80", "x")
        ],
        ({"vnet": "disable"}, "vnet"),
        ({"vnet": "new", "ip4": "inherit"}, "ip4"),
        ({"vnet": "new", "ip6Addr": ["::1"]}, "ip6Addr"),
        ({"vnet": "new", "interface": "em0"}, "interface"),
        ({"vnetInterfaces": ["em0"]}, "vnetInterfaces"),
        ({"vnet": "new", "vnetInterfaces": ["-a"]}, "vnetInterfaces/0"),
        ({"interface": "em0"}, "interface"),
        *[
            ({"interface": name, "ip4Addr": ["10.0.0.1"]}, "interface")
            for name in ("", "-em0", "a b", "x" * 16, "em0|")
        ],
        ({"sysvshm": "yes"}, "sysvshm"),
        ({"enforceStatfs": 3}, "enforceStatfs"),
        ({"enforceStatfs": 1.0}, "enforceStatfs"),
        ({"enforceStatfs": "1"}, "enforceStatfs"),
        *[({"parent": name}, "parent") for name in ("0", "7", "a..b", ".a", "", "a.5", "-x", "a b")],
        ({"allow": {"rawSockets": "true"}}, "allow/rawSockets"),
        ({"allow": {"rawSockets": None}}, "allow/rawSockets"),
        ({"allow": {"mount": ["tmpfs"]}}, "allow/mount"),
        ({"enforceStatfs": 1, "allow": {"mount": ["ext2fs"]}}, "allow/mount/0"),
        ({"enforceStatfs": 1, "allow": {"mount": ["nullfs"]}}, "allow/mount/0"),
    ],
)
def test_a_field_that_is_wrong(fields: Document, field: str) -> None:
    """JAIL-CFG-01 to JAIL-CFG-11, JAIL-NET-03: refused with its place, before jail(8) sees it."""
    assert refused_at(jail(**fields)) == f"/freebsd/jail/{field}"


def test_fields_that_contradict_each_other() -> None:
    """JAIL-CFG-02, JAIL-CFG-05: both fields are named."""
    error = refusal(jail(host="inherit"))
    assert error.field == "/hostname"
    assert "/freebsd/jail/host" in str(error)
    error = refusal(jail(vnet="new", ip4Addr=["10.0.0.1"]))
    assert "vnet jails cannot have IP address restrictions" in str(error)


def test_what_is_doubtful_is_said() -> None:
    """JAIL-CFG-03, JAIL-CFG-07, JAIL-CFG-14."""
    assert "the container has none to use" in loaded(jail(ip4="new")).warnings[0]
    assert "sees every mount" in loaded(jail(enforceStatfs=0)).warnings[0]
    assert "sysvipc" in loaded(jail(allow={"sysvipc": True})).warnings[0]


def test_what_the_administrator_permits() -> None:
    """JAIL-CFG-09, JAIL-COMPAT-06: nullfs inside a jail, and ocijail's looser defaults, by the operator alone."""
    document = jail(enforceStatfs=1, allow={"mount": ["nullfs"]})
    assert "allow.mount.nullfs" in words_of(document, Policy(nullfs=True))
    config = with_looser_defaults(loaded(plain(hostname=None)).config)
    made = next(step for step in host_steps(config, Context("a", "/b", "/r", "/s")) if isinstance(step, CreateJail))
    assert {"host=inherit", "ip4=inherit", "enforce_statfs=1", "allow.raw_sockets", "allow.chflags"} <= {*made.words}
    strict = with_looser_defaults(loaded(jail(allow={"chflags": False}, ip4="disable")).config)
    made = next(step for step in host_steps(strict, Context("a", "/b", "/r", "/s")) if isinstance(step, CreateJail))
    assert {"allow.nochflags", "ip4=disable"} <= {*made.words}


@pytest.mark.parametrize(
    ("devices", "field"),
    [
        ([{"path": "../mem"}], "/0/path"),
        ([{"path": "/mem"}], "/0/path"),
        ([{"path": "pts/*"}], "/0/path"),
        ([{"path": "a b"}], "/0/path"),
        ([{"path": ""}], "/0/path"),
        ([{"path": "mem", "mode": 512}], "/0/mode"),
    ],
)
def test_devices_that_cannot_be_shown(devices: list[Any], field: str) -> None:
    """JAIL-CFG-12."""
    assert refused_at(plain(freebsd={"devices": devices})) == f"/freebsd/devices{field}"


def test_devices_need_a_devfs() -> None:
    """JAIL-CFG-12."""
    assert refused_at(plain(freebsd={"devices": [{"path": "bpf"}]}, mounts=[])) == "/freebsd/devices"


def test_a_device_is_shown_with_its_folders_and_mode() -> None:
    """JAIL-MNT-14, JAIL-CFG-12."""
    plan = plan_of(plain(freebsd={"devices": [{"path": "a/b", "mode": 0o640}]}))
    rules = [row.text for row in plan.rows() if row.verb == "devfs"]
    assert rules == ["path a unhide  on /dev", "path a/b unhide  on /dev", "path a/b mode 0640  on /dev"]
