"""From create to delete."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.conformance.inside import in_own_mounts
from tests.microvm.helpers import field, named, qemu
from tests.support import Bundle, Runtime, wait_until
from tests.support.process import alive, read_text

TRAPS = 'trap "echo got; exit 5" TERM; echo ready; while :; do sleep 0.05; done'


def test_create_waits_before_the_program(machines: Runtime, bundle: Bundle) -> None:
    """MVM-CREATE-01, MVM-STATE-01, MVM-SUPERVISOR-01: the machine has booted, the supervisor is what engines know."""
    bundle.sh("echo ran; sleep 1000")
    path = machines.new_path("pid")
    container = machines.create(bundle, "--pid-file", path)
    assert container.status() == "created"
    assert read_text(path) == str(container.pid)
    assert container.output() == ""
    assert int(field(container.pid, "VmRSS").split()[0]) <= 1024
    container.start()
    wait_until(lambda: container.output() == "ran\n", "the program")
    assert container.status() == "running"


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("/nope", "stat /nope: no such file or directory"),
        ("nope", "executable file not found in $PATH"),
        ("/etc/passwd", "permission denied"),
    ],
)
def test_create_looks_for_the_program(machines: Runtime, bundle: Bundle, program: str, words: str) -> None:
    """MVM-CREATE-02: in the guest, with the words by which engines tell 126 from 127."""
    bundle.args(program)
    machines.refuses_bundle(words, bundle)


def test_a_failed_step_of_the_guest_is_named(machines: Runtime, bundle: Bundle) -> None:
    """MVM-ERR-03, MVM-CREATE-05: with its field, as behind the other walls, and nothing is left."""
    bundle.mount("/data", "no-such-file-system", "none")
    machines.refuses_bundle('error mounting "none" to rootfs at "/data"', bundle)


def test_a_failed_create_writes_one_record(machines: Runtime, bundle: Bundle) -> None:
    """MVM-ENG-08: Podman reads the file as one value; the warning that machines are emulated is not in its way."""
    bundle.linux["sysctl"] = {"net.ipv4.no_such_knob": "1"}
    bundle.write()
    assert machines.run("create", "-b", bundle.path, machines.new_id()).code == 1
    (record,) = machines.log_records()
    assert record["level"] == "error"
    assert "no_such_knob" in record["msg"]


def test_start_twice(machines: Runtime, bundle: Bundle) -> None:
    """MVM-START-02."""
    bundle.sleep()
    container = machines.started(bundle)
    machines.refuses("cannot start an already running container", "start", container.id)


def test_a_program_that_cannot_be_executed(machines: Runtime, bundle: Bundle) -> None:
    """MVM-START-01: start hears of an exec that fails, though the program was there."""
    with open(os.path.join(bundle.rootfs, "script"), "w", encoding="utf-8") as file:
        file.write("#!/no/such/interpreter\n")
    os.chmod(file.name, 0o755)
    bundle.args("/script")
    container = machines.create(bundle)
    result = machines.run("start", container.id)
    assert result.code == 1
    assert "no such file or directory" in machines.last_error()
    wait_until(lambda: container.status() == "stopped", "the end")


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_run_ends_as_the_program_does(machines: Runtime, bundle: Bundle, code: int) -> None:
    """MVM-RUN-01, MVM-SUPERVISOR-02: the exit status is the program's, and nothing remains."""
    bundle.sh(f"echo out; echo err >&2; exit {code}")
    result = machines.run_bundle(bundle)
    assert (result.code, result.out, result.err) == (code, "out\n", "err\n")
    assert machines.ids() == []


def test_a_program_killed_by_a_signal(machines: Runtime, bundle: Bundle) -> None:
    """MVM-SUPERVISOR-02: 128 and the signal's number."""
    bundle.drop_namespace("pid")
    bundle.sh("kill -SEGV $$")
    assert machines.run_bundle(bundle).code == 128 + signal.SIGSEGV


def test_signals_reach_the_program(machines: Runtime, bundle: Bundle) -> None:
    """MVM-KILL-01, MVM-KILL-04, MVM-SUPERVISOR-03: traps run, and their status is the container's."""
    bundle.sh(TRAPS)
    container = machines.started(bundle)
    wait_until(lambda: "ready" in container.output(), "the program")
    container.kill("TERM").ok()
    wait_until(lambda: container.status() == "stopped", "the end")
    assert container.output() == "ready\ngot\n"


def test_kill_all(machines: Runtime, bundle: Bundle) -> None:
    """MVM-KILL-03: every process of the container, and no other of the machine."""
    bundle.sh(f"sh -c '{TRAPS}' & {TRAPS}")
    container = machines.started(bundle)
    wait_until(lambda: container.output().count("ready") == 2, "both programs")
    machines.run("kill", "--all", container.id, "TERM").ok()
    wait_until(lambda: container.status() == "stopped", "the end")
    assert container.output().count("got") >= 1
    machines.run("kill", "--all", container.id, "TERM").ok()


@pytest.mark.parametrize("state", ["created", "running", "paused"])
def test_kill_ends_it_in_every_state(machines: Runtime, bundle: Bundle, state: str) -> None:
    """MVM-KILL-02, MVM-KILL-05: also where the machine stands still."""
    bundle.sh("trap '' TERM; sleep 1000")
    container = machines.create(bundle)
    pid = container.pid
    if state != "created":
        container.start()
    if state == "paused":
        machines.run("pause", container.id).ok()
    machine = qemu(container)
    container.kill("KILL").ok()
    wait_until(lambda: not alive(pid) and not alive(machine), "the end of supervisor and machine")
    assert container.status() == "stopped"


def test_delete_leaves_nothing(machines: Runtime, bundle: Bundle) -> None:
    """MVM-DELETE-01: a running container is kept without --force."""
    bundle.sleep()
    container = machines.started(bundle)
    machine, daemons = qemu(container), named(container, "virtiofsd")
    machines.refuses("that is not stopped: running", "delete", container.id)
    container.delete("--force").ok()
    container.delete("--force").ok()
    assert not any(alive(pid) for pid in (container.pid, machine, *daemons))
    assert not container.exists()


@pytest.mark.parametrize("victim", ["supervisor", "machine", "daemon"])
def test_no_party_survives_the_others(machines: Runtime, bundle: Bundle, victim: str) -> None:
    """MVM-SUPERVISOR-04, MVM-SUPERVISOR-05, MVM-CRASH-02, MVM-DELETE-02: whoever is killed, all end."""
    bundle.sleep()
    container = machines.started(bundle)
    machine, daemons = qemu(container), named(container, "virtiofsd")
    os.kill({"supervisor": container.pid, "machine": machine, "daemon": daemons[0]}[victim], signal.SIGKILL)
    wait_until(lambda: not any(alive(pid) for pid in (container.pid, machine, *daemons)), "the end of all")
    assert container.status() == "stopped"
    container.delete().ok()


def test_a_guest_that_is_gone_has_no_exit_status(machines: Runtime, bundle: Bundle) -> None:
    """MVM-SUPERVISOR-06, MVM-CTL-04: a machine that ends without the last word is a failure, not a clean exit."""
    bundle.process["capabilities"] = {name: ["CAP_SYS_BOOT"] for name in ("bounding", "effective", "permitted")}
    bundle.drop_namespace("pid")
    bundle.sh("reboot -f; sleep 100")
    assert machines.run_bundle(bundle).code == 255


def test_pause(machines: Runtime, bundle: Bundle) -> None:
    """MVM-PAUSE-01, MVM-PS-01, MVM-EXEC-06: nothing runs, the guest is not asked, and afterwards all goes on."""
    bundle.sleep()
    container = machines.started(bundle)
    machines.run("pause", container.id).ok()
    assert container.status() == "paused"
    machines.refuses("the container is paused", "ps", container.id)
    machines.refuses("cannot exec in a paused container", "exec", container.id, "true", code=255)
    machines.run("resume", container.id).ok()
    assert container.status() == "running"
    assert container.sh("echo here").ok().out == "here\n"


def test_a_paused_machines_clock_stands_still(machines: Runtime, bundle: Bundle) -> None:
    """MVM-PAUSE-01: its monitor has stopped it, so no timer of the guest's is late afterwards."""
    bundle.sleep()
    container = machines.started(bundle)
    before = float(container.sh("cut -d ' ' -f 1 /proc/uptime").ok().out)
    began = time.monotonic()
    machines.run("pause", container.id).ok()
    time.sleep(5)
    machines.run("resume", container.id).ok()
    after = float(container.sh("cut -d ' ' -f 1 /proc/uptime").ok().out)
    assert after - before < time.monotonic() - began - 4


def test_a_monitor_that_does_not_answer(machines: Runtime, bundle: Bundle) -> None:
    """MVM-PAUSE-01, MVM-QEMU-11: the cgroup is frozen instead, and that is said."""
    bundle.sleep()
    container = machines.started(bundle)
    os.kill(qemu(container), signal.SIGSTOP)
    machines.run("pause", container.id).ok()
    assert container.status() == "paused"
    assert "QEMU does not answer" in "".join(record["msg"] for record in machines.log_records())
    os.kill(qemu(container), signal.SIGCONT)
    machines.run("resume", container.id).ok()
    assert container.sh("echo here").ok().out == "here\n"


def test_the_supervisor_gives_up_what_it_does_not_need(machines: Runtime, bundle: Bundle) -> None:
    """MVM-SUPERVISOR-07: capabilities, calls, descriptors, the working folder; and it sleeps while nothing happens."""
    bundle.sleep()
    pid = machines.started(bundle).pid
    assert int(field(pid, "CapPrm"), 16) == 1 << 5 | 1 << 12
    assert (field(pid, "NoNewPrivs"), field(pid, "Seccomp")) == ("1", "2")
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert os.stat(f"/proc/{pid}/environ").st_uid == 0
    kinds = {os.readlink(f"/proc/{pid}/fd/{name}").partition(":")[0] for name in os.listdir(f"/proc/{pid}/fd")}
    others = {kind for kind in kinds if kind.startswith("/") and not kind.startswith(("/dev/null", machines.folder))}
    assert not others - {"/proc", "/"}
    before = int(field(pid, "voluntary_ctxt_switches"))
    time.sleep(5)
    assert int(field(pid, "voluntary_ctxt_switches")) - before <= 1


def test_qemu_has_no_rights(machines: Runtime, bundle: Bundle) -> None:
    """MVM-QEMU-08: another user, no capability, no_new_privs, a system call filter."""
    bundle.sleep()
    machine = qemu(machines.started(bundle))
    assert field(machine, "Uid").split() == ["65534"] * 4
    assert {field(machine, name) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (field(machine, "NoNewPrivs"), field(machine, "Seccomp")) == ("1", "2")


def test_what_is_not_built_is_refused(machines: Runtime, bundle: Bundle) -> None:
    """MVM-CREATE-06, MVM-CHECKPOINT-02: by name, before anything stops."""
    bundle.sleep()
    container = machines.started(bundle)
    machines.refuses("cannot be checkpointed", "checkpoint", container.id)
    assert container.status() == "running"
    bundle.namespace("network", "/proc/self/ns/net")
    machines.refuses_bundle("the host's own network cannot be a guest's", bundle)
    bundle.drop_namespace("network")
    bundle.namespace("ipc", "/proc/self/ns/ipc")
    machines.refuses_bundle("a namespace of the host cannot be joined", bundle)
    bundle.namespace("ipc")
    machines.refuses_bundle("the host's own network cannot be a guest's", bundle)


def test_the_machine_is_told(machines: Runtime, bundle: Bundle) -> None:
    """MVM-STATE-02, MVM-LIST-01: what it consists of, in state and list --all; other walls have none."""
    bundle.sleep()
    container = machines.started(bundle)
    told = container.state()["ringfence"]
    assert told["hypervisorPid"] == qemu(container)
    assert (told["driver"], told["machine"]) == ("microvm", "microvm")
    walled = machines.globals
    machines.globals = lambda: walled()[:-2]  # type: ignore[method-assign]
    plain = machines.started(bundle)
    header, *lines = machines.run("list", "--all").ok().out.splitlines()
    assert header.split()[-3:] == ["HYPERVISOR", "KERNEL", "IMAGE"]
    rows = {line.split()[0]: line.split()[-3:] for line in lines}
    assert rows[container.id] == [told["hypervisor"], told["kernel"], "-"]
    assert rows[plain.id] == ["-", "-", "-"]
    assert machines.run("list", "--all", "--quiet").ok().out.split() == sorted([container.id, plain.id])
    assert "ringfence" not in plain.state()
    container.end()
    assert container.state()["ringfence"]["hypervisorPid"] == 0


def test_a_host_without_qemu(machines: Runtime, bundle: Bundle) -> None:
    """MVM-ERR-01: the error names it and the package, and nothing is left."""
    hidden = 'mount --bind /dev/null /usr/bin/qemu-system-x86_64 && exec "$@"'
    with in_own_mounts(machines, "sh", "-c", hidden, "sh"):
        machines.refuses_bundle("there is no QEMU at /usr/bin/qemu-system-x86_64", bundle)


def test_the_clock_after_a_pause(machines: Runtime, bundle: Bundle) -> None:
    """MVM-PAUSE-02, MVM-GUEST-12: is the host's, as it was before, and monotonic time has not gone back."""
    bundle.sleep()
    container = machines.started(bundle)
    asked = time.time()
    first, before = map(float, container.sh("date +%s; cut -d ' ' -f 1 /proc/uptime").ok().out.split())
    assert int(asked) <= first <= time.time()
    machines.run("pause", container.id).ok()
    time.sleep(4)
    machines.run("resume", container.id).ok()
    asked = time.time()
    told = container.sh("date +%s; cut -d ' ' -f 1 /proc/uptime").ok().out.split()
    assert int(asked) <= int(told[0]) <= time.time()
    assert float(told[1]) >= before
