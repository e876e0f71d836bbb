"""Host facts as JSON and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ringfence.errors import RingfenceError
from ringfence.host.facts import HYBRID, Hierarchy, Host
from ringfence.host.probe import probe
from ringfence.host.transfer import host_from_json, host_to_json
from ringfence.record import Record

MINIMAL: dict[str, Any] = {
    "uid": 0,
    "gid": 0,
    "kernel": [6, 1],
    "machine": "aarch64",
    "cgroup_mode": "v2",
    "hierarchies": [{"controllers": [""], "mount": "/sys/fs/cgroup", "root": "/", "own": "/"}],
}


def test_the_facts_of_this_machine_come_back() -> None:
    facts = probe()
    assert host_from_json(json.loads(json.dumps(host_to_json(facts)))) == facts


def test_every_fact_is_told() -> None:
    assert list(host_to_json(probe())) == list(Host.fields())


def test_what_a_person_leaves_out_has_its_default() -> None:
    host = host_from_json(MINIMAL)
    assert (host.last_capability, host.huge_pages) == (Host.last_capability, ())
    assert host.hierarchies == (Hierarchy(("",), "/sys/fs/cgroup", "/", "/"),)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"uid": "0"}, "/uid"),
        ({"uid": True}, "/uid"),
        ({"apparmor": 1}, "/apparmor"),
        ({"kernel": [6]}, "/kernel"),
        ({"kernel": "6.1"}, "/kernel"),
        ({"huge_pages": [2]}, "/huge_pages"),
        ({"cgroup_mode": "v3"}, "/cgroup_mode"),
        ({"colour": "red"}, "/colour"),
        ({"hierarchies": {}}, "/hierarchies"),
        ({"hierarchies": [7]}, "/hierarchies/0"),
        ({"hierarchies": [{"controllers": ["cpu"], "mount": "/cg", "root": "/"}]}, "/hierarchies/0/own"),
        (
            {"hierarchies": [{"controllers": "cpu", "mount": "/c", "root": "/", "own": "/"}]},
            "/hierarchies/0/controllers",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(change: dict[str, Any], field: str) -> None:
    with pytest.raises(RingfenceError, match="invalid host facts") as caught:
        host_from_json({**MINIMAL, **change})
    assert caught.value.field == field


@pytest.mark.parametrize("name", list(MINIMAL))
def test_a_missing_fact_is_told(name: str) -> None:
    with pytest.raises(RingfenceError, match="is missing") as caught:
        host_from_json({key: value for key, value in MINIMAL.items() if key != name})
    assert caught.value.field == f"/{name}"


@pytest.mark.parametrize("facts", [None, [], "host", 7])
def test_facts_are_an_object(facts: object) -> None:
    with pytest.raises(RingfenceError, match="is not an object"):
        host_from_json(facts)


def test_records_know_every_mode() -> None:
    assert issubclass(Host, Record)
    assert host_from_json({**MINIMAL, "cgroup_mode": HYBRID}).cgroup_mode == HYBRID
