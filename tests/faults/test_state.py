"""State files that lie, bundles that vanish, sockets nobody listens on, and memory that is not there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from typing import Any

import pytest

from tests.support import Bundle, Container, Runtime, wait_until
from tests.support.mark import unlike_runc
from tests.support.process import alive, reap


def state_path(container: Container) -> str:
    """Where the container's state is kept."""
    return os.path.join(container.state_folder, "state.json")


def read_state(container: Container) -> str:
    """The text of the state file."""
    with open(state_path(container), encoding="utf-8") as file:
        return file.read()


def write_state(container: Container, text: str) -> None:
    """Replace the state file."""
    with open(state_path(container), "w", encoding="utf-8") as file:
        file.write(text)


def pid_keys(state: dict[str, Any], pid: int) -> list[str]:
    """The keys under which the pid is kept."""
    return [key for key, value in state.items() if value == pid and not isinstance(value, bool)]


def test_a_dead_pid(runtime: Runtime, bundle: Bundle) -> None:
    """A container whose process has died, and was reaped, is stopped and can be deleted."""
    container = runtime.create(bundle)
    os.kill(container.pid, signal.SIGKILL)
    container.reap()
    assert container.status() == "stopped"
    runtime.refuses("container not running", "kill", container.id, "KILL")
    runtime.refuses("cannot start a container that has stopped", "start", container.id)
    container.delete().ok()
    assert runtime.leaks.settled() == []


@pytest.mark.parametrize("foreign", ["own", "one", "huge", "zero", "negative"])
def test_a_foreign_pid(runtime: Runtime, bundle: Bundle, foreign: str) -> None:
    """A state file that names another process: that one is neither taken for the container nor touched."""
    number = {"own": os.getpid(), "one": 1, "huge": 2**31 - 1, "zero": 0, "negative": -1}[foreign]
    container = runtime.create(bundle)
    text = read_state(container)
    state = json.loads(text)
    keys = pid_keys(state, container.pid)
    assert keys
    os.kill(container.pid, signal.SIGKILL)
    container.reap()
    write_state(container, json.dumps({**state, **dict.fromkeys(keys, number)}))
    assert container.status() == "stopped"
    runtime.refuses("container not running", "kill", container.id, "KILL")
    runtime.refuses("cannot exec in a stopped container", "exec", container.id, "true", code=255)
    container.delete("--force").ok()
    assert runtime.ids() == []
    assert runtime.leaks.settled() == []


NULL = pytest.param("null", marks=unlike_runc("crashes"))
BROKEN = ["", "{", NULL, "[]", '{"id": 5}', "{}", "nonsense", '{"init_process_pid": "x", "pid": "x"}', "\x00" * 100]


@pytest.mark.parametrize("text", [*BROKEN, "half"])
def test_a_broken_state_file(runtime: Runtime, bundle: Bundle, text: str) -> None:
    """A truncated or senseless state file is told in one line by every command, and delete --force removes it."""
    container = runtime.create(bundle)
    whole = read_state(container)
    os.kill(container.pid, signal.SIGKILL)
    container.reap()
    write_state(container, whole[: len(whole) // 2] if text == "half" else text)
    for words in (["state"], ["start"], ["kill"], ["pause"], ["resume"], ["update"], ["ps"], ["events"], ["delete"]):
        runtime.refuses("", *words, container.id)
    runtime.refuses("", "exec", container.id, "true", code=255)
    table = runtime.run("list").ok()
    assert f"load container {container.id}: " in table.err
    write_state(container, whole)
    container.delete().ok()


@unlike_runc("keeps what it cannot read")
@pytest.mark.parametrize("text", ["", "{", "half"])
def test_delete_force_of_a_broken_state_file(runtime: Runtime, bundle: Bundle, text: str) -> None:
    """The id of a container whose state file cannot be read can be freed."""
    container = runtime.create(bundle)
    whole = read_state(container)
    container.delete().ok()
    os.mkdir(container.state_folder)
    write_state(container, whole[: len(whole) // 2] if text == "half" else text)
    container.delete("--force").ok()
    assert runtime.ids() == []


def test_a_state_file_that_cannot_be_read(runtime: Runtime) -> None:
    """A state.json that is a folder is told in one line."""
    os.makedirs(os.path.join(runtime.root, "odd", "state.json"))
    runtime.refuses("", "state", "odd")
    shutil.rmtree(os.path.join(runtime.root, "odd"))


def test_a_bundle_that_vanished(runtime: Runtime, bundle: Bundle) -> None:
    """A container outlives its bundle: everything but exec's own look into config.json works without it."""
    bundle.sh("echo on; sleep 1000")
    container = runtime.create(bundle)
    os.rename(bundle.path, bundle.path + ".gone")
    assert container.status() == "created"
    container.start()
    container.wait_output("on")
    runtime.refuses("", "exec", container.id, "true", code=255)
    runtime.run("update", "--pids-limit", "40", container.id).ok()
    runtime.run("pause", container.id).ok()
    runtime.run("resume", container.id).ok()
    container.kill("KILL").ok()
    container.reap()
    container.delete().ok()
    os.rename(bundle.path + ".gone", bundle.path)


def test_a_bundle_that_vanished_before_poststop(runtime: Runtime, bundle: Bundle) -> None:
    """poststop hooks are those of create, and run although their working directory is gone."""
    mark = os.path.join(runtime.folder, "mark")
    bundle.hook("poststop", "/bin/touch", mark)
    container = runtime.create(bundle)
    os.rename(bundle.path, bundle.path + ".gone")
    container.delete("--force").ok()
    assert os.path.exists(mark)
    os.rename(bundle.path + ".gone", bundle.path)


@pytest.mark.parametrize("kind", ["missing", "dead", "datagram", "long"])
def test_a_console_socket_nobody_listens_on(runtime: Runtime, bundle: Bundle, kind: str) -> None:
    """A console socket that cannot be connected to makes create and exec fail."""
    path = os.path.join(runtime.folder, "x" * 150 if kind == "long" else "socket")
    held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if kind == "datagram" else socket.SOCK_STREAM)
    if kind in ("dead", "datagram"):
        held.bind(path)
    if kind == "dead":
        held.close()
    bundle.process["terminal"] = True
    runtime.refuses_bundle("", bundle, "--console-socket", path)
    bundle.process["terminal"] = False
    bundle.sleep()
    container = runtime.started(bundle)
    runtime.refuses("", "exec", "-d", "-t", "--console-socket", path, container.id, "true", code=255)
    held.close()


@unlike_runc("needs more memory, and does not always say why", always=False)
@pytest.mark.parametrize("limit", [0x1000, 0x4000, 0x10000, 0x20000, 0x40000])
def test_an_init_that_is_killed_for_memory(runtime: Runtime, bundle: Bundle, limit: int) -> None:
    """With next to no memory create works, or says that memory is what was missing."""
    bundle.resources["memory"] = {"limit": limit, "swap": limit}
    bundle.write()
    name = runtime.new_id()
    result = runtime.run("create", "-b", bundle.path, name)
    if result.code == 0:
        runtime.run("delete", "--force", name).ok()
        return
    assert result.code == 1
    assert len(runtime.errors()) == 1
    assert "memory" in runtime.last_error()
    assert "internal error" not in runtime.last_error()
    assert runtime.ids() == []
    assert runtime.leaks.settled() == []


def test_four_mebibytes_are_enough(runtime: Runtime, bundle: Bundle) -> None:
    """A container with 4 MiB starts."""
    bundle.resources["memory"] = {"limit": 4 << 20, "swap": 4 << 20}
    bundle.sh("exit 5")
    assert runtime.run_bundle(bundle).code == 5


@unlike_runc("leaves cgroups", always=False)
@pytest.mark.parametrize("verb", ["create", "run"])
def test_a_killed_runtime_leaves_nothing_running(runtime: Runtime, bundle: Bundle, verb: str) -> None:
    """A runtime killed while it waits for a hook takes the half-made container with it."""
    bundle.hook("createRuntime", "/bin/sleep", "777")
    bundle.write()
    name = runtime.new_id()
    process = runtime.spawn(verb, "-b", bundle.path, name)
    wait_until(lambda: len(runtime.leaks.processes()) >= 2, "the hook")
    process.send(signal.SIGKILL)
    process.wait()
    runtime.run("delete", "--force", name).ok()
    assert runtime.ids() == []
    left = [pid for pid in runtime.leaks.processes() if _is_not_hook(pid)]
    wait_until(lambda: not any(alive(pid) for pid in left) or reap(left[0]) is not None, "the end of the init")
    runtime.leaks.remove_processes()


def _is_not_hook(pid: int) -> bool:
    with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
        return "777" not in file.read()
