"""From create to delete."""

from __future__ import annotations

import json
import os
import signal

from tests.support import wait_until
from tests.support.process import parent, read_text, status_field
from tests.xen.inside.dom0 import LARGEST_WATCHER, Dom0, domains, in_store, output, store


def test_a_life(dom0: Dom0) -> None:
    """XEN-CREATE-01, XEN-CREATE-02, XEN-STATE-01, XEN-STATE-05, XEN-STATE-06, XEN-START-01, XEN-CONSOLE-06,
    XEN-KILL-01, XEN-DELETE-01, XEN-DELETE-03, XEN-RUN-04: a paused domain that has not run, a running one, none; the
    watcher hears of every end on this host."""
    runtime = dom0.runtime
    path = runtime.new_path("pid")
    container = runtime.create(dom0.bundle("echo ran; sleep 1000"), "--pid-file", path)
    found = dom0.domain(container)
    assert (found.letters, found.seconds) == ("--p---", 0.0), found
    assert "xl create" not in output("ps", "-A", "-ww", "-o", "args=")
    state = container.state()
    assert (state["status"], read_text(path)) == ("created", str(state["pid"])), state
    assert parent(container.pid) == os.getpid()
    assert int(status_field(container.pid, "VmRSS").split()[0]) <= LARGEST_WATCHER
    assert container.output() == ""
    held = {os.path.realpath(f"/proc/{container.pid}/fd/{name}") for name in os.listdir(f"/proc/{container.pid}/fd")}
    assert "/dev/xen/xenbus" in held, held
    container.start()
    wait_until(lambda: container.output() == "ran\n", "the program")
    later = container.state()
    assert (later["status"], later["created"]) == ("running", state["created"]), later
    container.kill("KILL").ok()
    assert container.reap() == 128 + signal.SIGKILL
    dom0.stopped(container)
    assert container.state()["pid"] == 0
    assert container.id not in domains()
    assert store(f"/vm/{found.uuid}/name") == ""
    assert str(found.number) not in in_store("/local/domain")
    container.delete().ok()
    assert runtime.ids() == []
    assert runtime.run("delete", "--force", container.id).code == 0


def test_a_short_life_with_a_secret(dom0: Dom0) -> None:
    """XEN-START-04, XEN-SEC-05, XEN-DELETE-04, XEN-CFG-10: start is content with a program that has ended already; what
    is in the plan is root's alone to read, and nothing of the container's own is taken away."""
    bundle = dom0.bundle()
    bundle.args("true")
    bundle.env.append("PASSWORD=hunter2hunter2")
    kept = os.path.join(dom0.folder, "pid")
    container = dom0.runtime.create(bundle, "--pid-file", kept)
    assert os.stat(container.state_folder).st_mode & 0o777 == 0o700
    for name in ("xl.cfg", "ramdisk"):
        assert os.stat(os.path.join(container.state_folder, name)).st_mode & 0o777 == 0o600, name
    seen = output("ps", "-A", "-ww", "-o", "args=") + output("xenstore-ls")
    seen += "".join(read_text(f"/var/log/xen/{name}") for name in os.listdir("/var/log/xen"))
    assert "hunter2" not in seen
    container.start()
    assert container.reap() == 0
    dom0.stopped(container)
    container.delete().ok()
    assert os.path.exists(kept)
    assert os.path.exists(os.path.join(bundle.rootfs, "bin/true"))


def test_exit_statuses(dom0: Dom0) -> None:
    """XEN-RUN-01, XEN-RUN-02, XEN-GUEST-04: those of the program; its two outputs stay apart, and nothing remains."""
    ended = dom0.run("(sleep 1000 &); echo out; echo err >&2; exit 42")
    assert (ended.code, ended.out, ended.err) == (42, "out\n", "err\n"), ended
    bundle = dom0.bundle("kill -KILL $$")
    bundle.drop_namespace("pid")
    assert dom0.runtime.run_bundle(bundle).code == 128 + signal.SIGKILL
    assert dom0.runtime.ids() == []


def test_what_is_refused_of_a_running_one(dom0: Dom0) -> None:
    """XEN-CREATE-03, XEN-START-02, XEN-DELETE-02, XEN-PAUSE-03, XEN-EXEC-01, XEN-STATE-07, XEN-KILL-05."""
    runtime = dom0.runtime
    bundle = dom0.bundle()
    container = runtime.started(bundle)
    before = dom0.domain(container)
    again = ("create", "--bundle", bundle.path, container.id)
    runtime.refuses("container with given ID already exists", *again)
    runtime.refuses("cannot start an already running container", "start", container.id)
    runtime.refuses("not paused", "resume", container.id)
    assert container.delete().code == 1
    refused = container.exec("true")
    assert refused.code == 255, refused
    assert "exec failed: " in runtime.last_error()
    pids = json.loads(runtime.run("ps", "--format", "json", container.id).ok().out)
    assert container.pid in pids
    assert str(before.number) in runtime.run("ps", container.id).ok().out
    container.kill("0").ok()
    after = dom0.domain(container)
    assert (after.uuid, after.number, container.status()) == (before.uuid, before.number, "running")
    container.end()
    dom0.stopped(container)
    runtime.refuses("container not running", "kill", container.id, "TERM")
    assert container.kill("--all", "KILL").code in (0, 1)
