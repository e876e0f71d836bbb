"""How a plan is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ringfence.cli.explain import as_json, as_table, default_id, read_host, shown_path
from ringfence.cli.log import Log
from ringfence.container.choice import Choice
from ringfence.container.runtime import Runtime
from ringfence.errors import RingfenceError
from ringfence.host.facts import V2, Host
from ringfence.host.transfer import host_to_json
from ringfence.jsontext import dumps, loads
from ringfence.plan.plan import Plan
from ringfence.plan.step import HostStep

CHOICE = Choice("namespaces", "--driver", (("default", "microvm"),))


class Made(HostStep):
    """A step for these tests."""

    text: str

    def describe(self) -> tuple[str, str]:
        return "make", self.text


def plan(*texts: str) -> Plan:
    return Plan(host=tuple(Made("/linux/x" if text else "", text) for text in texts), birth=(), inside=())


def runtime(cwd: Path) -> Runtime:
    return Runtime(root="/run/x", log=Log(), environment={}, cwd=str(cwd))


def test_a_step_is_a_line_with_the_field_that_asked_for_it() -> None:
    head, chosen, header, first, second = as_table(plan("a cgroup", ""), "./hello", CHOICE).splitlines()
    assert head == "bundle ./hello   driver namespaces   2 steps, none performed"
    assert chosen == "driver chosen by --driver; overruled: default (microvm)"
    assert header.split() == ["no", "phase", "step", "from", "config.json"]
    assert first.split() == ["1", "host", "make", "a", "cgroup", "#/linux/x"]
    assert first.index("#") == header.index("from config.json")
    assert second.split() == ["2", "host", "make"]


def test_one_long_step_does_not_widen_the_table() -> None:
    lines = as_table(plan("x" * 500, "y"), ".", CHOICE).splitlines()
    assert len(lines[4]) < 100


def test_a_step_stays_one_line_whatever_the_config_says() -> None:
    lines = as_table(plan("a\nb\x1b[2Jc\udcff"), ".", CHOICE).splitlines()
    assert len(lines) == 4
    assert r"a\nb\x1b[2Jc\udcff" in lines[3]


def test_notes_stand_before_the_steps() -> None:
    """MVM-CCOR-09: in one line each."""
    assert as_table(plan("a"), ".", CHOICE, ("pc-lite\nis q35",)).splitlines()[2] == r"note: pc-lite\nis q35"


def test_the_plan_as_json() -> None:
    found = loads(dumps(as_json(plan("a cgroup"), "/hello", CHOICE)))
    assert found == {
        "bundle": "/hello",
        "driver": "namespaces",
        "chosenBy": "--driver",
        "overruled": [{"by": "default", "driver": "microvm"}],
        "notes": [],
        "steps": [{"number": 1, "phase": "host", "verb": "make", "text": "a cgroup", "pointer": "/linux/x"}],
    }


@pytest.mark.parametrize(
    ("path", "shown"), [("/a/hello", "./hello"), ("/a", "."), ("/b", "/b"), ("/ab", "/ab"), ("/a/b/c", "./b/c")]
)
def test_a_path_is_shown_as_the_caller_would_write_it(path: str, shown: str) -> None:
    assert shown_path(path, "/a") == shown


@pytest.mark.parametrize(("bundle", "name"), [("/a/hello", "hello"), ("/", "container"), ("/a/b c", "container")])
def test_the_id_is_the_bundles_name_if_it_can_be(bundle: str, name: str) -> None:
    assert default_id(bundle) == name


def test_the_host_comes_from_a_file(tmp_path: Path) -> None:
    host = Host(uid=0, gid=0, kernel=(6, 1), machine="x86_64", cgroup_mode=V2, hierarchies=())
    (tmp_path / "h.json").write_text(json.dumps(host_to_json(host)))
    assert read_host(runtime(tmp_path), "h.json") == host
    assert read_host(runtime(tmp_path), "") is None


@pytest.mark.parametrize("text", ["", "{", "{}"])
def test_a_file_that_is_no_host(text: str, tmp_path: Path) -> None:
    (tmp_path / "h.json").write_text(text)
    with pytest.raises(RingfenceError) as caught:
        read_host(runtime(tmp_path), "h.json")
    assert str(caught.value).startswith("h.json: ")
    assert caught.value.field == "", "it would be taken for a place in config.json"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RingfenceError, match=r"open h\.json: no such file or directory"):
        read_host(runtime(tmp_path), "h.json")
