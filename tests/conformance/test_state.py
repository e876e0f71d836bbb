"""The answers of state and list."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from datetime import UTC, datetime

import pytest

from tests.support import Bundle, Container, Runtime, cgroup, wait_until
from tests.support.mark import unlike_runc
from tests.support.process import alive, stat_fields

KEYS = ["ociVersion", "id", "pid", "status", "bundle", "rootfs", "created", "annotations", "owner"]


def listed(runtime: Runtime) -> list[dict[str, object]]:
    """The array of ``list -f json``, empty for null."""
    return json.loads(runtime.run("list", "-f", "json").ok().out) or []


def test_the_form_of_state(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-STATE-01: one JSON object with 2-space indent and keys in their order."""
    bundle.config["annotations"] = {"org.example.key": "value", "a": ""}
    container = runtime.create(bundle)
    text = runtime.run("state", container.id).ok().out
    held = json.loads(text)
    assert list(held) == KEYS
    assert text.rstrip("\n") == json.dumps(held, indent=2)
    assert held["annotations"] == {"org.example.key": "value", "a": ""}
    assert held["id"] == container.id


def test_annotations_only_when_there_are_any(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-STATE-01: without annotations the key is left out."""
    assert list(runtime.create(bundle).state()) == [key for key in KEYS if key != "annotations"]


@unlike_runc("reports 1.0.2-dev")
def test_the_version_of_state(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-STATE-02: ociVersion is the runtime's own, not the bundle's."""
    bundle.config["ociVersion"] = "1.0.0"
    assert runtime.create(bundle).state()["ociVersion"] == "1.3.0"


def test_paths_and_pid(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-STATE-03: pid is the init's, 0 when stopped; bundle and rootfs are absolute; owner is empty."""
    bundle.write()
    name = runtime.new_id()
    runtime.run("create", "-b", os.path.basename(bundle.path), name, cwd=os.path.dirname(bundle.path)).ok()
    container = runtime.container(name)
    held = container.state()
    assert (held["bundle"], held["rootfs"], held["owner"]) == (bundle.path, bundle.rootfs, "")
    assert alive(held["pid"])
    container.end()
    assert container.state()["pid"] == 0


def test_the_time_of_creation(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-STATE-04: created is RFC 3339 with nanoseconds in UTC, the same on every call."""
    before = datetime.now(UTC)
    container = runtime.create(bundle)
    after = datetime.now(UTC)
    created = container.state()["created"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", created)
    assert before <= datetime.fromisoformat(f"{created[:26].rstrip('Z')}+0000") <= after
    container.start()
    assert container.state()["created"] == created


def test_every_status(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-STATE-05: created, running, paused, running, stopped."""
    bundle.sleep()
    container = runtime.create(bundle)
    seen = [container.status()]
    container.start()
    seen.append(container.status())
    for verb in ("pause", "resume"):
        runtime.run(verb, container.id).ok()
        seen.append(container.status())
    container.end()
    seen.append(container.status())
    assert seen == ["created", "running", "paused", "running", "stopped"]


@pytest.mark.parametrize("start", [False, True])
def test_a_zombie_is_stopped(runtime: Runtime, bundle: Bundle, start: bool) -> None:
    """LNX-STATE-06: an init that has ended but is not reaped counts as gone."""
    bundle.sleep()
    container = runtime.create(bundle)
    if start:
        container.start()
    os.kill(container.pid, signal.SIGKILL)
    wait_until(lambda: stat_fields(container.pid)[0] == "Z", "the zombie")
    assert container.status() == "stopped"
    assert container.state()["pid"] == 0


def move_to_another_process(container: Container) -> None:
    """Let the stored state of a stopped container name the pid of a live process, as a reused pid would."""
    path = os.path.join(container.state_folder, "state.json")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    old = container.pid
    container.end()
    with open(path, "w", encoding="utf-8") as file:
        file.write(re.sub(rf'("\w*pid":\s*){old}\b', rf"\g<1>{os.getpid()}", text))


def test_a_reused_pid(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-STATE-07: a process with the stored pid but another start time is not the container."""
    container = runtime.create(bundle)
    move_to_another_process(container)
    assert container.status() == "stopped"


@pytest.mark.parametrize("words", [["KILL"], ["TERM"], ["0"]])
def test_a_reused_pid_is_not_signalled(runtime: Runtime, bundle: Bundle, words: list[str]) -> None:
    """LNX-KILL-10: nor is that process signalled, here the test itself."""
    container = runtime.create(bundle)
    move_to_another_process(container)
    runtime.refuses("container not running", "kill", container.id, *words)
    container.delete("--force").ok()


def test_a_created_container_can_be_paused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-STATE-08: paused is reported for a container that was only created, too."""
    container = runtime.create(bundle)
    runtime.run("pause", container.id).ok()
    assert container.status() == "paused"
    runtime.run("resume", container.id).ok()
    assert container.status() == "created"


def test_a_vanished_cgroup(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-STATE-09: state answers although the cgroup has gone."""
    bundle.sleep()
    container = runtime.started(bundle)
    for name, folder in cgroup.of_process(container.pid).items():
        for pid in cgroup.members(folder):
            cgroup.write(cgroup.hierarchies()[name], "cgroup.procs", str(pid))
    for folder in cgroup.folders_named(runtime.token):
        cgroup.remove(folder)
    assert container.status() == "running"


def test_the_table_of_list(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-STATE-10: six columns, left aligned, at least 12 wide with 3 blanks of padding, rows in id order."""
    second = runtime.create(bundle, name=f"{runtime.token}-z")
    first = runtime.create(bundle, name=f"{runtime.token}-a")
    lines = runtime.run("list").ok().out.splitlines()
    rows = [[line[start:].split()[0] for start in _columns(lines[0])] for line in lines[1:]]
    assert lines[0].split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    assert rows == [
        [box.id, str(box.pid), "created", bundle.path, box.state()["created"], "root"] for box in (first, second)
    ]
    starts = _columns(lines[0])
    assert starts[1] == len(first.id) + 3
    assert starts[2] - starts[1] == 12


def _columns(header: str) -> list[int]:
    return [found.start() for found in re.finditer(r"\S+", header)]


def test_the_empty_table_of_list(runtime: Runtime) -> None:
    """LNX-STATE-10: the header is printed even when there is nothing to list."""
    os.makedirs(runtime.root)
    assert runtime.run("list").ok().out == "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n"


def test_list_as_json(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-STATE-11: one line with an array of state objects whose owner is a name."""
    container = runtime.create(bundle)
    text = runtime.run("list", "--format", "json").ok().out
    assert text.count("\n") <= 1
    held = json.loads(text)
    assert held == [{**container.state(), "owner": "root"}]
    assert listed(runtime) == held


def test_the_owner_of_a_container(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-STATE-11: an owner without a name is shown as ``#UID``."""
    container = runtime.create(bundle)
    os.chown(container.state_folder, 54321, 54321)
    assert [entry["owner"] for entry in listed(runtime)] == ["#54321"]
    os.chown(container.state_folder, 1, 1)
    assert [entry["owner"] for entry in listed(runtime)] == ["daemon"]


def test_the_empty_list_as_json(runtime: Runtime) -> None:
    """LNX-STATE-11: null or an empty array when there is none."""
    os.makedirs(runtime.root)
    assert runtime.run("list", "-f", "json").ok().out.strip() in ("null", "[]")


def test_quiet_list(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-STATE-12: ``list -q`` prints ids only."""
    names = sorted(runtime.create(bundle).id for _ in range(3))
    for flag in ("-q", "--quiet"):
        assert runtime.run("list", flag).ok().out.splitlines() == names


def test_another_format_of_list(runtime: Runtime) -> None:
    """LNX-STATE-12: another format word is refused."""
    os.makedirs(runtime.root)
    runtime.refuses("invalid format option", "list", "-f", "xml")


@unlike_runc("makes the folder and lists nothing")
def test_list_of_a_missing_root(runtime: Runtime) -> None:
    """LNX-STATE-13: an explicit ``--root`` that is not there is an error."""
    runtime.refuses("no such file or directory", "list")


def test_list_of_the_missing_default_root(runtime: Runtime) -> None:
    """LNX-STATE-13: a default root that is not there lists nothing."""
    runtime.prefix = ["/usr/bin/unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /run && "$@"', "sh"]
    assert runtime.run("list", options=[]).ok().out.split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    assert runtime.run("list", "-q", options=[]).ok().out == ""


def test_list_passes_over_what_is_broken(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-STATE-14: a broken entry is told on standard error, files are skipped, the rest is listed."""
    container = runtime.create(bundle)
    os.mkdir(os.path.join(runtime.root, "empty"))
    os.mkdir(os.path.join(runtime.root, "broken"))
    with open(os.path.join(runtime.root, "broken", "state.json"), "w", encoding="utf-8") as file:
        file.write('{"id": "bro')
    with open(os.path.join(runtime.root, "plain"), "w", encoding="utf-8"):
        pass
    result = runtime.run("list", "-q")
    assert result.code == 0
    assert container.id in result.out.split()
    table = runtime.run("list").ok()
    assert [line.split()[0] for line in table.out.splitlines()[1:]] == [container.id]
    assert "load container broken: " in table.err
    assert "load container empty: " in table.err
    assert "plain" not in table.err
    for name in ("empty", "broken"):
        shutil.rmtree(os.path.join(runtime.root, name))
