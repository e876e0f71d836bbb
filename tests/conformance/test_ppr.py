"""ps, pause and resume."""

from __future__ import annotations

import json

import pytest

from tests.support import Bundle, Container, Runtime, cgroup, wait_until
from tests.support.mark import needs
from tests.support.process import read_text


@pytest.fixture
def box(runtime: Runtime, bundle: Bundle) -> Container:
    """A running container with two processes."""
    bundle.sh("sleep 9000 & sleep 9001 & echo ready; wait")
    container = runtime.started(bundle)
    container.wait_output("ready")
    wait_until(lambda: len(runtime.leaks.processes()) == 3, "three processes")
    return container


def test_the_table_of_processes(box: Container) -> None:
    """LNX-PPR-01: ps runs ``ps -ef`` and prints the header and the container's processes."""
    lines = box.runtime.run("ps", box.id).ok().out.splitlines()
    assert lines[0].split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert {int(line.split()[1]) for line in lines[1:]} == set(box.runtime.leaks.processes())
    assert any(line.endswith("sleep 9000") for line in lines[1:])


def test_other_words_for_ps(box: Container) -> None:
    """LNX-PPR-02: words after the id replace ``-ef``."""
    lines = box.runtime.run("ps", box.id, "-e", "-o", "pid,comm").ok().out.splitlines()
    assert lines[0].split() == ["PID", "COMMAND"]
    assert {int(line.split()[0]) for line in lines[1:]} == set(box.runtime.leaks.processes())


def test_a_listing_without_pids(box: Container) -> None:
    """LNX-PPR-02: a listing without a PID column is refused."""
    box.runtime.refuses("couldn't find PID field in ps output", "ps", box.id, "-e", "-o", "comm")


@pytest.mark.parametrize("flag", ["-f", "--format"])
def test_processes_as_json(box: Container, flag: str) -> None:
    """LNX-PPR-03: one line with an array of host pids, ps words ignored."""
    text = box.runtime.run("ps", flag, "json", box.id, "-x").ok().out
    assert set(json.loads(text)) == set(box.runtime.leaks.processes())
    assert text.count("\n") <= 1


def test_another_format_of_ps(box: Container) -> None:
    """LNX-PPR-03: another format is refused."""
    box.runtime.refuses("invalid format option", "ps", "-f", "xml", box.id)


def test_processes_of_a_stopped_container(box: Container) -> None:
    """LNX-PPR-04: of a stopped container only the header is printed."""
    box.end()
    lines = box.runtime.run("ps", box.id).ok().out.splitlines()
    assert len(lines) == 1
    assert "PID" in lines[0]


def ticks(container: Container) -> str:
    """What changes in /proc/PID/stat while the init runs."""
    return read_text(f"/proc/{container.pid}/stat").split()[13]


def test_pause(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-PPR-05: pause freezes the cgroup and returns when it is frozen."""
    bundle.sh("while :; do :; done")
    container = runtime.started(bundle)
    runtime.run("pause", container.id).ok()
    first = ticks(container)
    assert container.status() == "paused"
    assert ticks(container) == first


@pytest.mark.skipif("freezer" not in cgroup.hierarchies(), reason="needs the v1 freezer")
def test_the_freezer(box: Container) -> None:
    """LNX-PPR-08: v1 writes FROZEN and THAWED to freezer.state."""
    folder = cgroup.of_process(box.pid)["freezer"]
    box.runtime.run("pause", box.id).ok()
    assert cgroup.read(folder, "freezer.state") == "FROZEN"
    box.runtime.run("resume", box.id).ok()
    assert cgroup.read(folder, "freezer.state") == "THAWED"


@needs("pids")
def test_pause_and_resume_under_load(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-PPR-08: freezing is tried again while the kernel is still FREEZING."""
    bundle.resources["pids"] = {"limit": 60}
    bundle.sh("f() { while :; do sleep 0.01 & wait $!; done; }; f & f & f & f & f")
    container = runtime.started(bundle)
    for _ in range(10):
        runtime.run("pause", container.id).ok()
        assert container.status() == "paused"
        runtime.run("resume", container.id).ok()
        assert container.status() == "running"


@pytest.mark.parametrize("status", ["paused", "stopped"])
def test_what_cannot_be_paused(box: Container, status: str) -> None:
    """LNX-PPR-06: pause of a container that is neither running nor created is an error."""
    if status == "paused":
        box.runtime.run("pause", box.id).ok()
    else:
        box.end()
    box.runtime.refuses("container not running", "pause", box.id)
    assert box.status() == status


@pytest.mark.parametrize("start", [True, False])
def test_resume(runtime: Runtime, bundle: Bundle, start: bool) -> None:
    """LNX-PPR-07: resume thaws, and the status is what it was."""
    bundle.sh("while :; do echo again; sleep 0.05; done")
    container = runtime.create(bundle)
    if start:
        container.start()
    before = container.status()
    runtime.run("pause", container.id).ok()
    length = len(container.output())
    runtime.run("resume", container.id).ok()
    assert container.status() == before
    if start:
        wait_until(lambda: len(container.output()) > length, "more output")


@pytest.mark.parametrize("status", ["created", "running", "stopped"])
def test_what_cannot_be_resumed(runtime: Runtime, bundle: Bundle, status: str) -> None:
    """LNX-PPR-07: resume of a container that is not paused is an error."""
    bundle.sleep()
    container = runtime.create(bundle)
    if status != "created":
        container.start()
    if status == "stopped":
        container.end()
    runtime.refuses("container not paused", "resume", container.id)
    assert container.status() == status
