"""Ends that others bring about: signals, pauses, the toolstack's own verbs."""

from __future__ import annotations

import signal
import subprocess

from tests.support import Container, wait_until
from tests.xen.inside.dom0 import Dom0, output

TRAPS = "trap 'echo got; exit 7' TERM; echo ready; while :; do sleep 0.1; done"
TICKS = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done"


def ready(dom0: Dom0, script: str, text: str = "ready") -> Container:
    """A container whose program has said something."""
    container = dom0.runtime.started(dom0.bundle(script))
    container.wait_output(text)
    return container


def test_a_signal_is_the_workloads(dom0: Dom0) -> None:
    """XEN-KILL-02, XEN-RUN-04: it arrives as it is, and the trap's status is the container's; the domain stays."""
    container = ready(dom0, TRAPS)
    container.kill("TERM").ok()
    assert container.reap() == 7
    dom0.stopped(container)
    assert "got" in container.output()
    found = dom0.domain(container)
    assert ("s" in found.letters, found.reason) == (True, "0"), found


def test_xl_shutdown_is_a_term(dom0: Dom0) -> None:
    """XEN-KILL-03: the kernel's own callout is the init, which passes it on."""
    container = ready(dom0, TRAPS)
    output("xl", "shutdown", str(dom0.domain(container).number))
    assert container.reap() == 7


def test_term_before_start(dom0: Dom0) -> None:
    """XEN-KILL-04: a paused domain never hears it, so it is destroyed, at once."""
    container = dom0.runtime.create(dom0.bundle())
    container.kill("TERM").ok()
    dom0.stopped(container)
    assert container.reap() >= 128
    assert dom0.runtime.run("start", container.id).code == 1


def test_pauses(dom0: Dom0) -> None:
    """XEN-PAUSE-01, XEN-PAUSE-02, XEN-PAUSE-03, XEN-PAUSE-04: Xen counts them, and resume undoes all of them."""
    runtime = dom0.runtime
    container = ready(dom0, TICKS, "2")
    runtime.run("pause", container.id).ok()
    found = dom0.domain(container)
    assert found.letters == "--p---", found
    assert container.status() == "paused"
    runtime.refuses("container not running", "pause", container.id)
    seen = container.output()
    output("xl", "pause", str(found.number))
    assert dom0.domain(container).seconds == found.seconds
    assert container.output() == seen
    runtime.run("resume", container.id).ok()
    assert "p" not in dom0.domain(container).letters
    wait_until(lambda: container.output() != seen, "further ticks")
    runtime.run("pause", container.id).ok()
    container.kill("KILL").ok()
    assert container.reap() == 128 + signal.SIGKILL


def test_destroyed_from_outside(dom0: Dom0) -> None:
    """XEN-RUN-05, XEN-STATE-03: run ends as after a kill, and what is left is stopped."""
    bundle = dom0.bundle("echo ready; sleep 1000")
    bundle.write()
    name = dom0.runtime.new_id()
    running = dom0.runtime.spawn("run", "--bundle", bundle.path, name)
    container = dom0.runtime.container(name)
    wait_until(lambda: "ready" in open(running.out, encoding="utf-8").read(), "the program")
    output("xl", "destroy", str(dom0.domain(container).number))
    assert running.wait().code == 128 + signal.SIGKILL


def test_a_kernel_that_panics(dom0: Dom0) -> None:
    """XEN-RUN-03, XEN-CONSOLE-05: no status of the program's, but the kernel's words for people."""
    bundle = dom0.bundle("echo before; sleep 0.5; echo c >/proc/sysrq-trigger; sleep 100")
    bundle.linux["readonlyPaths"] = []
    ended = dom0.runtime.run_bundle(bundle)
    assert (ended.code, ended.out) == (255, "before\n"), ended
    told = [record["msg"].lower() for record in dom0.runtime.log_records()]
    assert any("crash" in words and "panic" in words for words in told), told


def test_a_reboot_is_not_one(dom0: Dom0) -> None:
    """XEN-RUN-03, XEN-STATE-04: the reason is kept, and nothing starts anew."""
    bundle = dom0.bundle("echo b >/proc/sysrq-trigger; sleep 100")
    bundle.linux["readonlyPaths"] = []
    container = dom0.runtime.started(bundle)
    assert container.reap() == 255
    dom0.stopped(container)
    assert "reboot" in str(container.state())
    assert dom0.domain(container).reason == "1"


def test_the_watcher_killed(dom0: Dom0) -> None:
    """XEN-CRASH-04: the container goes on, and can be killed and deleted."""
    container = ready(dom0, "echo ready; sleep 1000")
    subprocess.run(["kill", "-KILL", str(container.pid)], check=True)
    container.reap()
    assert container.status() == "running"
    container.kill("KILL").ok()
    dom0.stopped(container)
    container.delete().ok()
