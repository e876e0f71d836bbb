"""Signals: to the init, to everything, and to nobody."""

from __future__ import annotations

import os
import signal

import pytest

from tests.support import Bundle, Container, Runtime, cgroup, wait_until
from tests.support.mark import needs, unlike_runc
from tests.support.process import alive, status_field


def sharing_pids(runtime: Runtime, bundle: Bundle, script: str) -> Container:
    """A container without a pid namespace that runs ``script`` and has written ``ready``."""
    bundle.drop_namespace("pid")
    bundle.sh(script)
    container = runtime.started(bundle)
    container.wait_output("ready")
    return container


def all_members(container: Container) -> list[int]:
    """The processes in the container's pids cgroup (v2: its cgroup)."""
    folders = cgroup.of_process(container.pid)
    return cgroup.members(folders.get("pids", folders.get("", "")))


def trapping(bundle: Bundle) -> None:
    """Let the init tell which signal it got, and end with 40."""
    lines = " ".join(f"trap 'echo got {int(number)}; exit 40' {int(number)};" for number in (1, 2, 10, 15))
    bundle.sh(f"{lines} echo ready; while :; do sleep 0.05; done")


@pytest.mark.parametrize(
    ("words", "number"),
    [([], 15), (["TERM"], 15), (["SIGTERM"], 15), (["sigterm"], 15), (["hup"], 1), (["2"], 2), (["SIGUSR1"], 10)],
)
def test_names_and_numbers(runtime: Runtime, bundle: Bundle, words: list[str], number: int) -> None:
    """LNX-KILL-01: SIGTERM by default; a number or a name, with or without SIG, in any case."""
    trapping(bundle)
    container = runtime.started(bundle)
    container.wait_output("ready")
    container.kill(*words).ok()
    container.wait_output(f"got {number}\n")
    assert container.reap() == 40


@pytest.mark.parametrize("word", ["KILL", "9", "sigkill"])
def test_sigkill(runtime: Runtime, bundle: Bundle, word: str) -> None:
    """LNX-KILL-01: SIGKILL ends the container."""
    bundle.sleep()
    container = runtime.started(bundle)
    container.kill(word).ok()
    assert container.reap() == 128 + signal.SIGKILL
    assert container.status() == "stopped"


def test_real_time_signals(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-KILL-01: a number may be that of a real-time signal."""
    bundle.drop_namespace("pid")
    bundle.args("sleep", "1000")
    container = runtime.started(bundle)
    container.kill("37").ok()
    assert container.reap() == 128 + 37


def test_signal_0(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-KILL-01: signal 0 only asks."""
    container = runtime.create(bundle)
    container.kill("0").ok()
    assert container.status() == "created"


def test_only_the_init_is_signalled(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-KILL-01: signals other than SIGKILL go to the init only."""
    container = sharing_pids(
        runtime,
        bundle,
        "sleep 1000 & trap 'exit 40' TERM; until grep -q sleep /proc/$!/comm; do :; done; echo ready;"
        " while :; do sleep 0.05; done",
    )
    container.kill("TERM").ok()
    assert container.reap() == 40
    left = runtime.leaks.processes()
    assert len(left) == 1
    assert status_field(left[0], "Name") == "sleep"


def test_an_unknown_signal(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-KILL-02: an unknown name is refused."""
    container = runtime.create(bundle)
    runtime.refuses('unknown signal "FOO"', "kill", container.id, "FOO")
    assert container.status() == "created"


def test_a_number_the_kernel_refuses(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-KILL-02: a number the kernel refuses gives its error."""
    container = runtime.create(bundle)
    runtime.refuses("invalid argument", "kill", container.id, "500")


def test_the_id_comes_first(runtime: Runtime) -> None:
    """LNX-KILL-02: the id is looked up before the signal."""
    os.makedirs(runtime.root)
    runtime.refuses("container does not exist", "kill", "nobody", "FOO")


@pytest.mark.parametrize("word", ["TERM", "KILL", "0"])
def test_a_stopped_container(runtime: Runtime, bundle: Bundle, word: str) -> None:
    """LNX-KILL-03: signalling a stopped container is an error engines know."""
    bundle.sh("true")
    container = runtime.started(bundle)
    container.reap()
    runtime.refuses("container not running", "kill", container.id, word)


@pytest.mark.parametrize("word", ["TERM", "KILL"])
def test_a_created_container(runtime: Runtime, bundle: Bundle, word: str) -> None:
    """LNX-KILL-04: TERM and KILL end an init that waits."""
    container = runtime.create(bundle)
    container.kill(word).ok()
    assert container.reap() != 0
    assert container.status() == "stopped"


def test_a_paused_container(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-KILL-04: a signal to a paused container is accepted and takes effect after resume."""
    trapping(bundle)
    container = runtime.started(bundle)
    container.wait_output("ready")
    runtime.run("pause", container.id).ok()
    container.kill("TERM").ok()
    assert container.status() == "paused"
    runtime.run("resume", container.id).ok()
    assert container.reap() == 40


@pytest.mark.parametrize("flag", ["-a", "--all"])
def test_all(runtime: Runtime, bundle: Bundle, flag: str) -> None:
    """LNX-KILL-05: ``--all`` is accepted, and a stopped container is then no error."""
    bundle.sleep()
    container = runtime.started(bundle)
    runtime.run("kill", flag, container.id, "KILL").ok()
    container.reap()
    runtime.run("kill", flag, container.id, "KILL").ok()


@unlike_runc("kills the init only, unless --all is given")
def test_sigkill_without_a_pid_namespace(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-KILL-06: SIGKILL kills every process of a container without a pid namespace."""
    container = sharing_pids(runtime, bundle, "(sleep 1000 &) ; sleep 1000 & echo ready; wait")
    assert len(all_members(container)) == 3
    container.kill("KILL").ok()
    wait_until(lambda: runtime.leaks.processes() == [], "the end of all")
    assert container.reap() == 137


@unlike_runc("says that the container is not running")
def test_sigkill_without_a_pid_namespace_after_the_init(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-KILL-06: also when the init is already gone, with exit status 0."""
    container = sharing_pids(runtime, bundle, "sleep 1000 & echo ready; exit 3")
    assert container.reap() == 3
    assert len(runtime.leaks.processes()) == 1
    container.kill("KILL").ok()
    wait_until(lambda: runtime.leaks.processes() == [], "the end of all")


def test_a_joined_pid_namespace(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-KILL-07: SIGKILL to a container in another one's pid namespace kills its own processes only."""
    bundle.sleep()
    first = runtime.started(bundle)
    bundle.namespace("pid", f"/proc/{first.pid}/ns/pid")
    bundle.sh("(sleep 1000 &) ; echo ready; sleep 1000")
    second = runtime.started(bundle)
    second.wait_output("ready")
    own = all_members(second)
    assert len(own) == 2
    runtime.run("kill", "--all", second.id, "KILL").ok()
    wait_until(lambda: not any(alive(pid) for pid in own), "the end of the second container")
    second.reap()
    assert first.exec("true").code == 0


@unlike_runc("kills the init only, unless --all is given")
def test_a_joined_pid_namespace_needs_no_all(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-KILL-06, LNX-KILL-07: a joined pid namespace is not its own, so SIGKILL goes to the whole cgroup."""
    bundle.sleep()
    first = runtime.started(bundle)
    bundle.namespace("pid", f"/proc/{first.pid}/ns/pid")
    bundle.sh("(sleep 1000 &) ; echo ready; sleep 1000")
    second = runtime.started(bundle)
    second.wait_output("ready")
    own = all_members(second)
    second.kill("KILL").ok()
    wait_until(lambda: not any(alive(pid) for pid in own), "the end of the second container")
    second.reap()
    assert first.status() == "running"


@needs("pids")
def test_a_fork_bomb(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-KILL-08: processes that keep forking are all killed."""
    bundle.resources["pids"] = {"limit": 40}
    script = "echo ready; f() { while :; do sleep 0.01 & wait $!; done; }; f & f & f & f & f"
    container = sharing_pids(runtime, bundle, script)
    runtime.run("kill", "--all", container.id, "KILL").ok()
    wait_until(lambda: runtime.leaks.processes() == [], "the end of all")
    container.delete().ok()


def test_sigkill_to_a_paused_container(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-KILL-09: SIGKILL thaws a paused container, so that it ends at once."""
    bundle.sleep()
    container = runtime.started(bundle)
    runtime.run("pause", container.id).ok()
    container.kill("KILL").ok()
    assert container.reap() == 137
    assert container.status() == "stopped"


@unlike_runc("kills the init only, unless --all is given")
def test_sigkill_to_a_paused_container_without_a_pid_namespace(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-KILL-06, LNX-KILL-09: a paused container without a pid namespace ends at once, too."""
    container = sharing_pids(runtime, bundle, "(sleep 1000 &) ; echo ready; sleep 1000")
    runtime.run("pause", container.id).ok()
    container.kill("KILL").ok()
    wait_until(lambda: runtime.leaks.processes() == [], "the end of all")
