"""The command line of Clear Containers' runtime with real machines."""

from __future__ import annotations

import json
import os
import termios
import time
from collections.abc import Iterator

import pytest

from tests.support import Bundle, Container, Runtime
from tests.support.console import read_until


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


def test_the_environment_and_the_form_of_configurations(clear: Runtime, bundle: Bundle) -> None:
    """MVM-CCOR-22: HOME is that of the container's passwd, else /; a version of today, and keys in any order."""
    bundle.config["ociVersion"] = "1.3.0"
    bundle.process["env"] = ["PATH=/bin"]
    bundle.process["args"] = ["sh", "-c", "echo $HOME"]
    for uid, home in ((1000, "/home/alice"), (4242, "/")):
        bundle.process["user"] = {"uid": uid, "gid": uid}
        assert clear.run_bundle(bundle).ok().out == f"{home}\n"
        bundle.config = dict(reversed(bundle.config.items()))


def test_attach_needs_a_console(box: Container) -> None:
    """MVM-CCOR-22: without a file hypervisor.args machines have none of their own."""
    refused = box.runtime.run("attach", box.id)
    assert refused.code == 1
    assert "the container's machine has no console to attach to" in refused.err


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
    """MVM-CCOR-15, MVM-CCOR-17: and an id that is taken is refused."""
    bundle.sh("exit 7")
    bundle.write()
    container = clear.new_id()
    assert clear.run("run", container, bundle.path).code == 7
    clear.run("create", container, bundle.path).ok()
    taken = clear.run("create", container, bundle.path)
    assert taken.code == 1
    assert f"container {container} already exists" in taken.err
    clear.run("delete", container).ok()


@pytest.fixture
def pty() -> Iterator[tuple[int, str]]:
    """The master of a pseudo terminal, and the other end's path."""
    master, peer = os.openpty()
    yield master, os.ttyname(peer)
    os.close(peer)
    os.close(master)


def shell(bundle: Bundle) -> None:
    """A program with a terminal that tells its size, reads a line, and ends."""
    bundle.process["terminal"] = True
    bundle.sh("stty size; read line; echo got $line; exit 7")
    bundle.write()


@pytest.mark.parametrize("style", ["--console={}", "--console {}"])
def test_a_given_terminal(clear: Runtime, bundle: Bundle, pty: tuple[int, str], style: str) -> None:
    """MVM-CCOR-15: of create, whose pid file may be relative; the supervisor holds it and passes its bytes."""
    master, path = pty
    termios.tcsetwinsize(master, (33, 99))
    shell(bundle)
    name = clear.new_id()
    words = style.format(path).split()
    clear.run("create", *words, "--pid-file", "pid", name, bundle.path, cwd=clear.folder).ok()
    box = clear.container(name)
    with open(os.path.join(clear.folder, "pid"), encoding="ascii") as file:
        assert int(file.read()) == box.pid
    clear.run("start", name).ok()
    assert "33 99" in read_until(master, "33 99")
    os.write(master, b"typed\n")
    read_until(master, "got typed")
    assert box.reap() == 7
    clear.run("stop", name).ok()


def test_start_of_2016(clear: Runtime, bundle: Bundle, pty: tuple[int, str]) -> None:
    """MVM-CCOR-16: create and start in one; the second start finds the id and says that it runs."""
    master, path = pty
    termios.tcsetwinsize(master, (33, 99))
    shell(bundle)
    name = clear.new_id()
    pid_file = os.path.join(clear.folder, "pid")
    clear.run("start", "--bundle", bundle.path, "--console", path, "-d", "--pid-file", pid_file, name).ok()
    read_until(master, "33 99")
    assert clear.container(name).status() == "running"
    assert clear.run("start", name).code == 1
    clear.run("stop", name).ok()


def test_start_of_2016_in_the_foreground(clear: Runtime, bundle: Bundle, pty: tuple[int, str]) -> None:
    """MVM-CCOR-16: with the log on standard output and the bundle as a word it waits for the program."""
    master, path = pty
    bundle.process["terminal"] = True
    bundle.sh("echo seen; exit 7")
    bundle.write()
    name = clear.new_id()
    options = ["--personality", "cc-oci-runtime", "--root", clear.root, "--debug", "--log", "/dev/stdout"]
    pid_file = os.path.join(clear.folder, "pid")
    result = clear.run("start", "--console", path, "--pid-file", pid_file, name, bundle.path, options=options)
    assert result.code == 7, result
    assert ":cc-oci-runtime:debug:" in result.out
    assert "seen" in read_until(master, "seen")


def test_a_console_that_is_no_terminal(clear: Runtime, bundle: Bundle) -> None:
    """MVM-CCOR-15."""
    shell(bundle)
    result = clear.run("create", "--console", "/dev/null", clear.new_id(), bundle.path)
    assert result.code == 1
    assert "console /dev/null is no terminal" in result.err


def test_events_have_the_form_of_their_day(box: Container) -> None:
    """MVM-CCOR-20: an interval in whole seconds or with a unit; they end with the container."""
    told = json.loads(box.runtime.run("events", "--stats", box.id).ok().out)
    assert told["data"]["CgroupStats"]["memory_stats"]["usage"]["usage"] > 0
    assert told["data"]["CgroupStats"]["cpu_stats"]["cpu_usage"]["total_usage"] > 0
    process = box.runtime.spawn("events", "--interval", "1", box.id)
    time.sleep(2)
    box.runtime.run("stop", box.id).ok()
    ended = process.wait().ok()
    assert '"CgroupStats"' in ended.out
    assert box.runtime.run("events", "--interval", "0", box.id).code == 1
