"""Sections of other walls, annotations, runj's extension and signals."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RingfenceError
from ringfence.features import features
from ringfence.spec.rules.jail.annotations import ALLOW, ALLOWED, KEYS
from ringfence.spec.rules.jail.extension import with_extension
from ringfence.spec.rules.jail.policy import Policy
from ringfence.spec.rules.jail.signals import SIGNALS
from tests.unit.jail.configs import Document, jail, loaded, plain, refusal, refused_at, words_of

IMPOSSIBLE: dict[str, Any] = {
    "seccomp": {"defaultAction": "SCMP_ACT_ALLOW"},
    "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}],
    "gidMappings": [{"containerID": 0, "hostID": 0, "size": 1}],
    "devices": [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3}],
    "sysctl": {"kernel.msgmax": "1"},
    "intelRdt": {"closID": "x"},
    "netDevices": {"em0": {}},
    "personality": {"domain": "LINUX32"},
    "memoryPolicy": {"mode": "MPOL_BIND"},
    "timeOffsets": {"monotonic": {"secs": 1}},
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_fields_of_linux_that_a_jail_cannot_have(name: str) -> None:
    """JAIL-CFG-13."""
    assert refused_at(plain(linux={name: IMPOSSIBLE[name]})) == f"/linux/{name}"


@pytest.mark.parametrize("name", ["windows", "solaris", "vm", "zos"])
def test_sections_of_other_walls(name: str) -> None:
    """JAIL-CFG-13."""
    assert refused_at(plain(**{name: {}})) == f"/{name}"


def test_unknown_keys_are_ignored() -> None:
    """JAIL-CFG-13: as the specification wants."""
    assert loaded(plain(more={}, freebsd={"jail": {"odd": 1}, "other": []})).warnings == ()


def test_fields_without_meaning_are_ignored_with_a_warning_each() -> None:
    """JAIL-CFG-14."""
    linux = {"namespaces": [{"type": "pid"}], "cgroupsPath": "/x", "rootfsPropagation": "private"}
    told = loaded(plain(linux=linux)).warnings
    assert [text.split()[0] for text in told] == ["/linux/namespaces", "/linux/cgroupsPath", "/linux/rootfsPropagation"]
    assert refused_at(plain(linux={"namespaces": [{"type": "network", "path": "/x"}]})) == "/linux/namespaces/0/path"


@pytest.mark.parametrize(
    ("resources", "field"),
    [
        ({"memory": {"reservation": 1}}, "memory/reservation"),
        ({"memory": {"kernel": 1}}, "memory/kernel"),
        ({"memory": {"swappiness": 1}}, "memory/swappiness"),
        ({"memory": {"swap": 5}}, "memory/swap"),
        ({"memory": {"limit": 10, "swap": 5}}, "memory/swap"),
        ({"memory": {"limit": -2}}, "memory/limit"),
        ({"cpu": {"shares": 2}}, "cpu/shares"),
        ({"cpu": {"mems": "0"}}, "cpu/mems"),
        ({"cpu": {"burst": 1}}, "cpu/burst"),
        ({"cpu": {"idle": 1}}, "cpu/idle"),
        ({"cpu": {"realtimeRuntime": 1}}, "cpu/realtimeRuntime"),
        ({"cpu": {"cpus": "0-x"}}, "cpu/cpus"),
        ({"cpu": {"quota": 1, "period": 0}}, "cpu/period"),
        ({"hugepageLimits": [{"pageSize": "2MB", "limit": 1}]}, "hugepageLimits"),
        ({"rdma": {"x": {"hcaHandles": 1}}}, "rdma"),
        ({"network": {"classID": 1}}, "network"),
        ({"unified": {"a": "b"}}, "unified"),
        ({"blockIO": {"weight": 10}}, "blockIO/weight"),
        ({"devices": [{"allow": True}]}, "devices/0"),
        ({"devices": [{"allow": False, "type": "c", "major": 1, "minor": 3}]}, "devices/0"),
        (
            {
                "blockIO": {
                    "throttleReadIOPSDevice": [
                        {"major": 8, "minor": 0, "rate": 1},
                        {"major": 8, "minor": 1, "rate": 2},
                    ]
                }
            },
            "blockIO/throttleReadIOPSDevice",
        ),
    ],
)
def test_limits_that_a_jail_has_not(resources: Document, field: str) -> None:
    """JAIL-UPD-02, JAIL-UPD-03."""
    assert refused_at(plain(linux={"resources": resources})) == f"/linux/resources/{field}"


def test_limits_that_say_nothing_are_accepted() -> None:
    """JAIL-UPD-02: absent or zero, and the lone entry that denies all devices."""
    resources = {
        "devices": [{"allow": False, "access": "rwm"}],
        "memory": {"reservation": 0, "swappiness": 0},
        "cpu": {"shares": 0, "mems": ""},
        "network": {},
    }
    loaded(plain(linux={"resources": resources}))


@pytest.mark.parametrize(
    ("key", "text", "word"),
    [
        ("org.freebsd.jail.vnet", "new", "vnet=new"),
        ("org.freebsd.jail.sysvmsg", "disable", "sysvmsg=disable"),
        ("org.freebsd.jail.sysvsem", "inherit", "sysvsem=inherit"),
        ("org.freebsd.jail.sysvshm", "new", "sysvshm=new"),
        ("org.freebsd.jail.ip4.addr", "10.0.0.1, 10.0.0.2", "ip4.addr=10.0.0.1,10.0.0.2"),
        ("org.freebsd.jail.ip6.addr", "FD00::1", "ip6.addr=fd00::1"),
        ("org.freebsd.parentJail", "pod", "ip4=inherit"),
        *[(f"{ALLOW}{name}", "true", f"allow.{name}") for name in ALLOWED],
        (f"{ALLOW}raw_sockets", "0", "allow.noraw_sockets"),
    ],
)
def test_annotations_are_another_spelling(key: str, text: str, word: str) -> None:
    """JAIL-CFG-15."""
    assert word in words_of(plain(annotations={key: text}))


def test_annotation_and_field() -> None:
    """JAIL-CFG-15: they may agree; where they do not, both are named."""
    agreeing = jail(sysvmsg="disable") | {"annotations": {"org.freebsd.jail.sysvmsg": "disable"}}
    assert "sysvmsg=disable" in words_of(agreeing)
    error = refusal(jail(sysvmsg="new") | {"annotations": {"org.freebsd.jail.sysvmsg": "disable"}})
    assert error.field == "/annotations/org.freebsd.jail.sysvmsg"
    assert "/freebsd/jail/sysvmsg" in str(error)


def test_an_allowance_that_is_not_known() -> None:
    """JAIL-CFG-15: a warning, and nothing is allowed."""
    document = plain(annotations={f"{ALLOW}everything": "true"})
    assert "everything" in loaded(document).warnings[0]
    assert not [word for word in words_of(document) if word.startswith("allow")]


@given(st.sampled_from(KEYS), st.text(string.printable, max_size=30))
def test_no_annotation_becomes_an_argument(key: str, text: str) -> None:
    """JAIL-CFG-16: what gets through is a word of ours, an address or a name."""
    try:
        words = words_of(plain(annotations={key: text}))
    except RingfenceError as error:
        assert error.field.startswith(("/annotations/", "/freebsd/jail/"))
        return
    letters = set(string.ascii_letters + string.digits + "_.=,:")
    assert all(letters.issuperset(word) for word in words)


def test_annotations_can_be_switched_off() -> None:
    """JAIL-CFG-16: by ringfence.toml, with a warning; features names them as unsafe."""
    document = plain(annotations={"org.freebsd.jail.vnet": "new"})
    assert "vnet=new" not in words_of(document, Policy(annotations=False))
    assert "switched off" in loaded(document, Policy(annotations=False)).warnings[0]
    unsafe = features("ringfence")["potentiallyUnsafeConfigAnnotations"]
    assert isinstance(unsafe, list)
    assert {"org.freebsd.jail.", "org.freebsd.parentJail"} <= {*unsafe}


def test_runjs_extension_is_merged() -> None:
    """JAIL-CFG-17: modes replace, lists are added to."""
    told = {"network": {"ipv4": {"mode": "inherit", "addr": ["10.0.0.2"]}, "vnet": {"mode": "inherit"}}}
    made = with_extension(jail(ip4="disable", ip4Addr=["10.0.0.1"]), told)
    assert "ip4.addr=10.0.0.1,10.0.0.2" in words_of(made)
    both = with_extension(plain(), {"network": {"vnet": {"mode": "new", "interfaces": ["epair0b"]}}})
    assert both["freebsd"] == {"jail": {"vnet": "new", "vnetInterfaces": ["epair0b"]}}


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"net": {}}, "/net"),
        ({"network": {"ipv6": {}}}, "/network/ipv6"),
        ({"network": {"ipv4": {"more": 1}}}, "/network/ipv4/more"),
        ({"network": []}, "/network"),
        ([], ""),
    ],
)
def test_an_extension_that_is_wrong(told: object, field: str) -> None:
    """JAIL-CFG-17: unknown keys are refused."""
    with pytest.raises(RingfenceError) as caught:
        with_extension(plain(), told)
    assert caught.value.field == field


def test_signals_by_freebsds_names() -> None:
    """JAIL-KILL-02, JAIL-KILL-03."""
    known = {"USR1": 30, "USR2": 31, "CHLD": 20, "STOP": 17, "TSTP": 18, "CONT": 19, "BUS": 10, "SYS": 12, "URG": 16}
    known |= {"IO": 23, "TTIN": 21, "TTOU": 22, "INFO": 29, "EMT": 7, "TERM": 15, "KILL": 9, "HUP": 1}
    known |= {"RTMIN": 65, "RTMIN+1": 66, "RTMAX-1": 125, "RTMAX": 126}
    assert {name: SIGNALS[name] for name in known} == known
    assert not SIGNALS.keys() & {"PWR", "STKFLT", "POLL", "CLD"}
