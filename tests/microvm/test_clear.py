"""The command line of Clear Containers' runtime with real machines."""

from __future__ import annotations

import json

import pytest

from tests.support import Bundle, Container, Runtime


@pytest.fixture
def clear(runtime: Runtime, kernel: str) -> Runtime:
    """The runtime as cc-oci-runtime, whose containers get machines by that name alone."""
    plain = runtime.globals()
    runtime.globals = lambda: ["--personality", "cc-oci-runtime", *plain]  # type: ignore[method-assign]
    return runtime


@pytest.fixture
def box(clear: Runtime, bundle: Bundle) -> Container:
    """A running container that says when it gets TERM."""
    bundle.sh("trap 'echo trapped; exit 3' TERM; echo ready; while :; do sleep 0.1; done")
    container = clear.started(bundle)
    container.wait_output("ready\n")
    return container


def test_state_has_the_keys_of_that_runtime(box: Container, bundle: Bundle) -> None:
    """MVM-CCOR-19: beside those of the specification."""
    told = json.loads(box.runtime.run("state", box.id).ok().out)
    assert (told["id"], told["status"], told["bundle"]) == (box.id, "running", bundle.path)
    assert told["bundlePath"] == bundle.path
    assert told["vm"]["pid"] > 0
    assert told["vm"]["kernel_path"].startswith("/")
    assert told["process"]["args"] == bundle.process["args"]
    assert {"console", "pod"} <= set(told)


def test_list_has_its_columns(box: Container) -> None:
    """MVM-CCOR-19: no owner; one blank between the longest entry and the next column."""
    head, line = box.runtime.run("list").ok().out.splitlines()
    assert head.split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED"]
    assert line.split(" ")[0] == box.id
    assert line.index("running") == head.index("STATUS")
    (entry,) = json.loads(box.runtime.run("list", "--all", "-f", "json").ok().out)
    assert set(entry) == {"id", "pid", "status", "bundle", "created", "hypervisor", "kernel", "image"}


def test_pause_resume_and_stop_tell_what_they_did(box: Container) -> None:
    """MVM-CCOR-17."""
    run = box.runtime.run
    assert run("pause", box.id).ok().out == f"paused container {box.id}\n"
    assert run("resume", box.id).ok().out == f"resumed container {box.id}\n"
    refused = run("delete", box.id)
    assert refused.code == 1
    assert "cannot delete container, it is not stopped" in refused.err
    assert box.status() == "running"
    assert run("stop", box.id).ok().out == f"stopped container {box.id}\n"
    assert not box.exists()
    assert run("stop", box.id).ok().out == ""


@pytest.mark.parametrize("word", ["TERM", "SIGTERM", "15", ""])
def test_kill_takes_names_and_numbers(box: Container, word: str) -> None:
    """MVM-CCOR-18: TERM by any name, or by none; what is no signal does nothing."""
    refused = box.runtime.run("kill", box.id, "FOO")
    assert (refused.code, box.status()) == (1, "running")
    assert "signal FOO is not supported" in refused.err
    box.runtime.run("kill", box.id, *([word] if word else [])).ok()
    box.wait_output("ready\ntrapped\n")


def test_kill_all_runs_the_trap(box: Container) -> None:
    """MVM-CCOR-18."""
    box.runtime.run("kill", "--all", box.id, "TERM").ok()
    box.wait_output("ready\ntrapped\n")


def test_the_bundle_may_be_a_word(clear: Runtime, bundle: Bundle) -> None:
    """MVM-CCOR-17: and an id that is taken is refused."""
    bundle.sh("exit 7")
    bundle.write()
    container = clear.new_id()
    assert clear.run("run", container, bundle.path).code == 7
    clear.run("create", container, bundle.path).ok()
    taken = clear.run("create", container, bundle.path)
    assert taken.code == 1
    assert f"container {container} already exists" in taken.err
    clear.run("delete", container).ok()
