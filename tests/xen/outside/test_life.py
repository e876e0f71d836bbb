"""Whole lives behind a Xen domain, with a stand-in for the toolstack."""

from __future__ import annotations

import json
import os
import signal

import pytest

from tests.support import Bundle, Container, wait_until
from tests.support.process import alive, kill_quietly
from tests.xen.outside.standin import Dom0

RUNS = "trap 'echo got; exit 7' TERM; sleep 1000 & echo ready; wait"


def sh(bundle: Bundle, script: str) -> Bundle:
    """A bundle whose program is this host's shell."""
    bundle.args("/bin/sh", "-c", script)
    return bundle


def warnings(dom0: Dom0) -> list[str]:
    """What has been warned of."""
    return [record["msg"] for record in dom0.log_records() if record["level"] == "warning"]


def running(dom0: Dom0, bundle: Bundle, script: str = RUNS) -> Container:
    """A container that has said that it is ready."""
    container = dom0.started(sh(bundle, script))
    container.wait_output("ready\n")
    return container


def impatient(dom0: Dom0, limit: str) -> str:
    """The runtime with a limit of container/domain_life.py that is over soon."""
    change = f"from ringfence.container import domain_life\ndomain_life.{limit} = 0.2\n"
    return dom0.program("ringfence", change)


def test_a_whole_life(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CREATE-01, XEN-CREATE-02, XEN-START-01, XEN-STATE-01, XEN-STATE-05, XEN-RUN-02, XEN-DELETE-01."""
    container = dom0.create(sh(bundle, "echo hello; echo sad >&2; exit 42"))
    (domain,) = dom0.domains().values()
    assert (container.status(), domain["pauses"], domain["time"]) == ("created", 1, 0.0)
    assert [call.split()[1] for call in dom0.calls()][:3] == ["create", "list", "/local/domain/1/console/tty"]
    assert alive(container.pid)
    container.start()
    container.wait_output("hello\n")
    assert container.reap() == 42
    told = container.state()
    assert (told["status"], told["pid"]) == ("stopped", 0)
    assert (told["ringfence"]["why"], told["ringfence"]["exitStatus"]) == ("exit", 42)
    assert container.error_output().endswith("sad\n")
    container.delete().ok()
    assert dom0.domains() == {}
    assert os.listdir(dom0.root) == []


@pytest.mark.parametrize(
    ("script", "status"), [("exit 0", 0), ("exit 1", 1), ("kill -TERM $$", 143), ("kill -KILL $$", 137)]
)
def test_run_ends_as_the_program_did(dom0: Dom0, bundle: Bundle, script: str, status: int) -> None:
    """XEN-RUN-01."""
    assert dom0.run_bundle(sh(bundle, script)).code == status
    assert dom0.domains() == {}
    assert dom0.ids() == []


@pytest.mark.parametrize(("program", "why"), [("panic", "crash"), ("poweroff", "poweroff"), ("reboot", "reboot")])
def test_a_guest_that_ends_without_a_report(dom0: Dom0, bundle: Bundle, program: str, why: str) -> None:
    """XEN-RUN-03, XEN-STATE-04: the kernel's last words are told."""
    bundle.args(program)
    assert dom0.run_bundle(bundle).code == 255
    (told,) = warnings(dom0)
    assert f"the domain has ended without a report: {why}" in told
    assert ("Kernel panic - not syncing: played" if program == "panic" else "Power down") in told


def test_start_says_what_the_guest_says(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-START-03, XEN-HOOKS-04: with the step of the plan and its field; the domain is destroyed."""
    bundle.args("missing")
    container = dom0.create(bundle)
    told = container.runtime.run("start", container.id)
    assert told.code == 1
    assert "unable to start container process: error during container init: exec missing: no such file" in told.err
    assert dom0.domains() == {}
    assert container.status() == "stopped"


def test_a_guest_that_says_nothing_is_not_waited_for_for_ever(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-START-03."""
    dom0.set(boot_timeout=1)
    bundle.args("silent")
    container = dom0.create(bundle)
    assert "the guest does not answer" in dom0.run("start", container.id).err
    assert dom0.domains() == {}


def test_start_refuses_all_but_created(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-START-02: xl would report success for a running domain."""
    container = running(dom0, bundle)
    dom0.refuses("cannot start an already running container", "start", container.id)
    dom0.run("pause", container.id).ok()
    dom0.refuses("cannot start a container in the paused state", "start", container.id)
    container.end()
    dom0.refuses("cannot start a container that has stopped", "start", container.id)


def test_start_undoes_somebodys_own_pause(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-START-01: Xen counts; one looks when the guest stays silent."""
    dom0.binary = impatient(dom0, "SILENCE")
    container = dom0.create(sh(bundle, "exit 3"))
    dom0.xl("pause", "1")
    container.start()
    assert container.reap() == 3


def test_signals(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-KILL-01, XEN-KILL-02, XEN-KILL-05."""
    container = running(dom0, bundle)
    container.kill("0").ok()
    container.kill("TERM").ok()
    assert container.reap() == 7
    assert container.output() == "ready\ngot\n"
    dom0.refuses("container not running", "kill", container.id, "TERM")
    dom0.run("kill", "--all", container.id, "KILL").ok()
    other = running(dom0, bundle)
    other.kill("KILL").ok()
    assert other.reap() == 137
    assert (other.status(), other.state()["ringfence"]["why"]) == ("stopped", "killed")


def test_a_signal_that_the_guest_does_not_confirm(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-KILL-02: kill says so, and what helps; a domain that stands still takes it when it goes on."""
    bundle.env.append("DEAF=1")
    container = running(dom0, bundle)
    dom0.binary = impatient(dom0, "ANSWER_LIMIT")
    dom0.refuses("the guest does not react", "kill", container.id, "WINCH")
    assert "signal KILL" in dom0.log_records()[-1]["hint"]


@pytest.mark.parametrize("signal_name", ["TERM", "KILL", "HUP"])
def test_a_signal_before_the_start(dom0: Dom0, bundle: Bundle, signal_name: str) -> None:
    """XEN-KILL-04: what would end a process destroys the domain, and xl shutdown is never called on it."""
    container = dom0.create(sh(bundle, RUNS))
    container.kill("WINCH").ok()
    assert container.status() == "created"
    container.kill(signal_name).ok()
    assert container.reap() == 137
    assert container.status() == "stopped"
    assert not any(" shutdown " in call for call in dom0.calls())


def test_pause_and_resume(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-PAUSE-01, XEN-PAUSE-02, XEN-PAUSE-03."""
    container = running(dom0, bundle)
    dom0.refuses("container not paused", "resume", container.id)
    dom0.run("pause", container.id).ok()
    assert container.status() == "paused"
    dom0.refuses("container not running", "pause", container.id)
    assert [one["pauses"] for one in dom0.domains().values()] == [1]
    dom0.xl("pause", "1")
    dom0.run("resume", container.id).ok()
    assert container.status() == "running"
    assert [one["pauses"] for one in dom0.domains().values()] == [0]


def test_pause_before_the_start(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-PAUSE-03: the record changes, the birth's pause does not."""
    container = dom0.create(sh(bundle, "exit 5"))
    dom0.refuses("container not paused", "resume", container.id)
    dom0.run("pause", container.id).ok()
    assert container.status() == "paused"
    dom0.run("resume", container.id).ok()
    assert container.status() == "created"
    assert not any(call.startswith(("xl pause", "xl unpause")) for call in dom0.calls())
    container.start()
    assert container.reap() == 5


def test_delete(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-DELETE-02."""
    container = running(dom0, bundle)
    dom0.refuses(f"cannot delete container {container.id} that is not stopped: running", "delete", container.id)
    assert container.status() == "running"
    container.delete("--force").ok()
    container.delete("--force").ok()
    created = dom0.create(bundle, name=container.id)
    created.delete().ok()
    assert dom0.domains() == {}


def test_a_taken_id(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CREATE-03: nothing is asked of xl, and nothing changes."""
    container = running(dom0, bundle)
    others = {f"xl list -v {number}" for number in range(3)}  # the watcher's own looks
    calls, domains = set(dom0.calls()) | others, dom0.domains()
    bundle.write()
    result = dom0.run("create", "--bundle", bundle.path, container.id)
    assert (result.code, "container with given ID already exists" in result.err) == (1, True), result
    assert (set(dom0.calls()) | others, dom0.domains()) == (calls, domains)


def test_a_foreign_domain_of_the_name(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CREATE-04, XEN-ERR-02, XEN-CRASH-02: its UUID and owner are told, and it is left alone."""
    container = dom0.create(sh(bundle, "exit 0"))
    os.rename(container.state_folder, f"{dom0.folder}/away")
    before = dom0.domains()
    ((name, domain),) = before.items()
    bundle.write()
    words = ("create", "--bundle", bundle.path, container.id)
    taken = f"is there already, with the UUID {domain['uuid']}: it belongs to"
    dom0.refuses(f"{taken} no container of ringfence's", *words)
    elsewhere = f"{dom0.folder}/elsewhere"
    os.mkdir(elsewhere)
    os.rename(f"{dom0.folder}/away", f"{elsewhere}/mine")
    dom0.made_from(name, f"{elsewhere}/mine/ramdisk")
    dom0.refuses(f"{taken} the container mine of the root {elsewhere}", *words)
    dom0.made_from(name, domain["ramdisk"])
    assert dom0.domains() == before
    os.rename(f"{elsewhere}/mine", container.state_folder)


def test_exec_is_refused(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-EXEC-01: other errors go first, and no process is started."""
    container = running(dom0, bundle)
    dom0.refuses("exec failed: this wall has no way into a domain", "exec", container.id, "true", code=255)
    container.end()
    dom0.refuses("cannot exec in a stopped container", "exec", container.id, "true", code=255)
    dom0.refuses("container does not exist", "exec", "nobody", "true", code=255)


def test_checkpoint_is_refused(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-EXEC-02: what hinders it is named, the container goes on."""
    container = running(dom0, bundle)
    dom0.refuses("its files are served by 9p", "checkpoint", container.id)
    assert container.status() == "running"


def test_destroyed_from_outside(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-RUN-05, XEN-STATE-03: run ends with 137 and says so; state says stopped."""
    sh(bundle, RUNS).write()
    running_one = dom0.spawn("run", "--bundle", bundle.path, "front")
    wait_until(lambda: "front" in str(dom0.domains()) and dom0.container("front").status() == "running", "its start")
    dom0.xl("destroy", next(iter(dom0.domains())))
    assert running_one.wait().code == 137
    assert "destroyed from outside" in warnings(dom0)[0]


def test_run_passes_signals_and_input(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-RUN-05, XEN-CONSOLE-03: bytes pass unchanged, the end of standard input is told."""
    text = "".join(map(chr, range(1, 256)))
    ended = dom0.run_bundle(sh(bundle, "cat; echo end"), stdin=text)
    assert ended.out == f"{text}end\n"
    sh(bundle, RUNS).write()
    front = dom0.spawn("run", "--bundle", bundle.path, "front", output=dom0.new_path("o"))
    wait_until(lambda: "ready" in open(front.out, encoding="utf-8").read(), "ready")
    front.send(signal.SIGTERM)
    assert front.wait().code == 7


def test_much_output_is_whole(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CONSOLE-01: also what is written in the last moment."""
    ended = dom0.run_bundle(sh(bundle, "seq 1 60000; printf last"))
    assert ended.out == "".join(f"{number}\n" for number in range(1, 60001)) + "last"


def test_a_lying_guest_ends_itself(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-SEC-02: a status that is none ends the domain, with 255."""
    bundle.args("lie")
    container = dom0.create(bundle)
    container.start()
    assert container.reap() == 255
    wait_until(lambda: dom0.domains() == {}, "its end")


def test_a_watcher_that_is_killed(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-CRASH-04, XEN-KILL-03: the container goes on, without its pid; TERM reaches it by xl shutdown."""
    container = running(dom0, bundle)
    pid = container.pid
    kill_quietly(pid)
    wait_until(lambda: not alive(pid), "its end")
    told = container.state()
    assert (told["status"], told["pid"]) == ("running", 0)
    assert "watcher" in told["ringfence"]["warning"]
    dom0.refuses("cannot send signal 10", "kill", container.id, "USR1")
    container.kill("TERM").ok()
    assert any(call.startswith("xl shutdown ") for call in dom0.calls())
    container.delete("--force").ok()
    assert dom0.domains() == {}


def test_list_asks_once(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-STATE-06: however many containers there are; other domains are not listed."""
    containers = [dom0.create(bundle) for _ in range(3)]
    before = len(dom0.calls())
    listed = dom0.run("list", "--quiet").ok().out.split()
    assert sorted(listed) == sorted(container.id for container in containers)
    dom0.run("list", "--format", "json").ok()
    assert len(dom0.calls()) - before == 2
    dom0.refuses("container does not exist", "state", "nobody")
    assert "nobody" not in os.listdir(dom0.root)


def test_update(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-UPDATE-01, XEN-UPDATE-02, XEN-UPDATE-03: all or none; the record has the new values."""
    bundle.resources["memory"] = {"limit": 200 << 20}
    bundle.resources["cpu"] = {"quota": 200000, "period": 100000}
    container = running(dom0, bundle)
    dom0.run("update", "--memory", "100M", "--cpu-quota", "50000", "--cpu-share", "512", container.id).ok()
    (domain,) = dom0.domains().values()
    assert (domain["memory"], domain["vcpus"], domain["cap"], domain["weight"]) == (164, 1, 50, 128)
    dom0.refuses("are more than the 264 MiB", "update", "--memory", "300M", container.id)
    dom0.refuses("pids limit cannot be changed", "update", "--memory", "120M", "--pids-limit", "9", container.id)
    dom0.fail("vcpu-set", 1, "libxl: error: no")
    dom0.refuses("xl vcpu-set has failed", "update", "--memory", "150M", "--cpu-quota", "100000", container.id)
    (domain,) = dom0.domains().values()
    assert domain["memory"] == 164


def test_processes_and_figures(dom0: Dom0, bundle: Bundle) -> None:
    """XEN-STATE-07, XEN-STATS-01."""
    container = running(dom0, bundle)
    assert dom0.run("ps", "--format", "json", container.id).ok().out == f"[{container.pid}]\n"
    assert dom0.run("ps", container.id).ok().out.splitlines()[1].split()[:3] == ["1", "1", "512"]
    dom0.refuses("cannot be seen from dom0", "ps", container.id, "-ef")
    told = json.loads(dom0.run("events", "--stats", container.id).ok().out)["data"]
    assert told["memory"]["usage"] == {"limit": 512 << 20, "usage": 512 << 20}
    assert told["machine"]["vcpus"] == 1
