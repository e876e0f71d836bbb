"""containerd through ctr, with containerd's own shim in front of the runtime."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from tests.engines.containerd import Containerd, Task
from tests.support.poll import wait_until
from tests.support.process import read_text
from tests.support.terminal import Terminal

MIB = 1 << 20


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_run_returns_the_exit_status(containerd: Containerd, code: int) -> None:
    assert containerd.sh(f"exit {code}").code == code


def test_run_returns_137_after_sigkill(containerd: Containerd) -> None:
    client = containerd.spawn(*containerd.run_words("--rm", words=["sleep", "1000"], id="victim"))
    task = Task(containerd, "victim", "")
    task.wait_status("RUNNING")
    task("kill", "--signal", "KILL").ok()
    assert client.wait().code == 137


@pytest.mark.parametrize(
    ("program", "text"), [("/nope", "no such file or directory"), ("/etc/passwd", "permission denied")]
)
def test_a_program_that_cannot_be_started(containerd: Containerd, program: str, text: str) -> None:
    result = containerd.run(words=[program])
    assert result.code == 1
    assert text in result.err.lower()
    assert program in result.err
    assert "unable to retrieve OCI runtime error" not in result.err


def test_output_and_errors_are_kept_apart(containerd: Containerd) -> None:
    result = containerd.sh("echo out; echo err >&2").ok()
    assert (result.out, result.err) == ("out\n", "err\n")


def test_standard_input_reaches_the_program_and_so_does_its_end(containerd: Containerd) -> None:
    folder = containerd.sandbox.new_path("folder")
    os.mkdir(folder)
    text = "".join(f"line {number}\n" for number in range(20_000))
    option = f"type=bind,src={folder},dst=/data,options=rbind:rw"
    containerd.run("--mount", option, words=["sh", "-c", "cat > /data/all; echo end >> /data/all"], stdin=text).ok()
    assert read_text(f"{folder}/all") == text + "end\n"


def test_large_output(containerd: Containerd) -> None:
    result = containerd.sh("seq 1 600000").ok()
    assert result.out.splitlines() == [str(number) for number in range(1, 600_001)]


def test_environment_and_directory(containerd: Containerd) -> None:
    result = containerd.sh("echo $COLOUR; pwd", "--env", "COLOUR=red", "--cwd", "/var").ok()
    assert result.out.split() == ["red", "/var"]


def test_a_read_only_root(containerd: Containerd) -> None:
    result = containerd.sh("touch /new", "--read-only")
    assert result.code == 1
    assert "Read-only file system" in result.err


def test_a_bind_mount(containerd: Containerd) -> None:
    folder = containerd.sandbox.new_path("folder")
    os.mkdir(folder)
    option = f"type=bind,src={folder},dst=/data,options=rbind:rw"
    containerd.sh("echo new > /data/file", "--mount", option).ok()
    assert os.listdir(folder) == ["file"]
    result = containerd.sh("echo new > /data/other", "--mount", option.removesuffix("rw") + "ro")
    assert "Read-only file system" in result.err


def test_capabilities(containerd: Containerd) -> None:
    script = "grep CapEff /proc/self/status"
    before = int(containerd.sh(script).ok().out.split()[1], 16)
    after = int(containerd.sh(script, "--cap-add", "CAP_NET_ADMIN", "--cap-drop", "CAP_KILL").ok().out.split()[1], 16)
    assert after == (before | 1 << 12) & ~(1 << 5)


def test_seccomp(containerd: Containerd) -> None:
    assert containerd.sh("grep Seccomp: /proc/self/status").ok().out.split()[1] == "0"
    result = containerd.sh("grep Seccomp: /proc/self/status; unshare -U true", "--seccomp")
    assert result.out.split()[1] == "2"
    assert "Operation not permitted" in result.err


def test_the_hosts_network(containerd: Containerd) -> None:
    assert containerd.sh("ls /sys/class/net", "--net-host").ok().out.split() == containerd.sandbox.links()


def test_a_network_namespace_that_is_there_already(containerd: Containerd) -> None:
    containerd.sandbox.run("ip", "netns", "add", "harbour").ok()
    try:
        wanted = containerd.sandbox.run("ip", "netns", "exec", "harbour", "readlink", "/proc/self/ns/net").ok().out
        option = "network:/run/netns/harbour"
        assert containerd.sh("readlink /proc/self/ns/net", "--with-ns", option).ok().out == wanted
    finally:
        containerd.sandbox.run("ip", "netns", "delete", "harbour").ok()


def test_a_user_namespace(containerd: Containerd) -> None:
    maps = ["--uidmap", "0:200000:65536", "--gidmap", "0:200000:65536"]
    result = containerd.sh("id -u; cat /proc/self/uid_map", *maps).ok()
    assert result.out.split() == ["0", "0", "200000", "65536"]


def test_a_memory_limit_and_the_event_when_it_is_reached(containerd: Containerd) -> None:
    events = containerd.spawn("events")
    try:
        result = containerd.run("--memory-limit", str(16 * MIB), words=["sh", "-c", "tail /dev/zero; exit $?"])
        assert result.code == 137
        wait_until(lambda: "/tasks/oom" in containerd.seen(events), "the event of the OOM killer")
    finally:
        containerd.sandbox.end(events)


# a terminal


@pytest.fixture(params=["run", "exec"])
def inside(request: pytest.FixtureRequest, containerd: Containerd) -> Iterator[list[str]]:
    """What starts a shell in a terminal."""
    id = containerd.new_id()
    if request.param == "run":
        yield containerd.run_words("--rm", "--tty", words=["sh", "-c"], id=id)
    else:
        yield ["tasks", "exec", "--tty", "--exec-id", id, containerd.running().id, "sh", "-c"]


def test_a_terminal_has_the_size_of_the_one_outside_and_follows_it(
    containerd: Containerd, terminal: Terminal, inside: list[str]
) -> None:
    script = (
        "until test \"$(stty size 2>&1)\" = '24 80'; do sleep 0.05; done; "
        "trap 'echo size $(stty size)' WINCH; trap 'exit 3' INT; echo re''ady; while :; do sleep 1000 & wait $!; done"
    )
    client = containerd.spawn_on(terminal, *inside, script)
    terminal.read_until("ready")
    terminal.resize(41, 123)
    terminal.read_until("size 41 123")
    terminal.type("\x03")
    assert terminal.finish(client)[0] == 3


def test_what_is_typed_reaches_the_program(containerd: Containerd, terminal: Terminal, inside: list[str]) -> None:
    client = containerd.spawn_on(terminal, *inside, "tty; read line; echo got $line; exit 6")
    terminal.read_until("/dev/pts/")
    terminal.type("a line\n")
    terminal.read_until("got a line")
    assert terminal.finish(client)[0] == 6


# tasks


@pytest.fixture
def task(containerd: Containerd) -> Task:
    """A container that runs until it is killed."""
    return containerd.running()


@pytest.mark.parametrize("code", [0, 1, 42])
def test_exec_returns_the_exit_status(task: Task, code: int) -> None:
    assert task.sh(f"exit {code}").code == code


def test_exec_has_streams_of_its_own(task: Task) -> None:
    result = task.sh("echo out; echo err >&2").ok()
    assert (result.out, result.err) == ("out\n", "err\n")
    assert task.output() == "up\n"


def test_standard_input_of_exec(task: Task) -> None:
    task.exec("sh", "-c", "cat > /all; echo end >> /all", stdin="a line\n").ok()
    assert task.sh("cat /all").ok().out == "a line\nend\n"


def test_exec_with_another_user_and_directory(task: Task) -> None:
    assert task.sh("id -u; pwd", "--user", "1000", "--cwd", "/var").ok().out.split() == ["1000", "/var"]


def test_exec_of_a_missing_program(task: Task) -> None:
    result = task.exec("/nope")
    assert result.code == 1
    assert "no such file or directory" in result.err
    assert "unable to retrieve OCI runtime error" not in result.err
    assert task.status == "RUNNING"


def test_a_killed_exec_leaves_the_task_alone(containerd: Containerd, task: Task) -> None:
    words = ["tasks", "exec", "--exec-id", "sleeper", task.id, "sleep", "1000"]
    client = containerd.spawn(*words)
    wait_until(lambda: "sleeper" in task("ps").ok().out, "the program")
    task("kill", "--exec-id", "sleeper", "--signal", "KILL").ok()
    assert client.wait().code == 137
    assert task.status == "RUNNING"


def test_term_ends_the_task(task: Task) -> None:
    task("kill", "--signal", "TERM").ok()
    task.wait_status("STOPPED")
    task("delete").ok()
    assert task.row() == []


def test_delete_returns_the_exit_status(containerd: Containerd) -> None:
    task = containerd.started(script="exit 9")
    task.wait_status("STOPPED")
    assert task.delete() == 9


def test_kill_all_reaches_every_process(containerd: Containerd) -> None:
    script = "trap 'echo first' USR1; sh -c \"trap 'echo second' USR1; echo up; while :; do sleep 0.05; done\" & "
    task = containerd.started(script=script + "while :; do wait $!; done")
    task.wait_log("up")
    task("kill", "--all", "--signal", "USR1").ok()
    task.wait_log("first")
    task.wait_log("second")


def test_pause_and_resume(task: Task) -> None:
    task("pause").ok()
    assert task.status == "PAUSED"
    assert task.exec("true").code != 0
    task("resume").ok()
    assert task.status == "RUNNING"
    task.exec("true").ok()


def test_a_paused_task_can_be_deleted_by_force(containerd: Containerd, task: Task) -> None:
    task("pause").ok()
    task("resume").ok()
    task("delete", "--force")
    assert task.row() == []


def test_ps_lists_the_processes(task: Task) -> None:
    rows = [row.split()[0] for row in task("ps").ok().out.splitlines()[1:]]
    assert str(task.pid) in rows
    assert len(rows) == 2


def test_metrics_come_from_the_containers_cgroup(task: Task) -> None:
    found = json.loads(task("metrics", "--format", "json").ok().out)
    assert found["pids"]["current"] == 2
    usage = found["memory"]["usage"]
    assert int(usage["usage"] if isinstance(usage, dict) else usage) > 0


def test_labels_are_kept(containerd: Containerd) -> None:
    task = containerd.started("--label", "stage=test")
    found = json.loads(containerd("containers", "info", task.id).ok().out)
    assert found["Labels"]["stage"] == "test"


# containerd comes and goes


@pytest.mark.parametrize("signal", ["TERM", "KILL"])
def test_a_task_outlives_a_restart_of_containerd(containerd: Containerd, task: Task, signal: str) -> None:
    pid = task.pid
    containerd.stop(signal)
    containerd.start()
    assert (task.status, task.pid) == ("RUNNING", pid)
    assert task.sh("echo still here").ok().out == "still here\n"
    task("pause").ok()
    task("resume").ok()
    task("kill", "--signal", "KILL").ok()
    task.wait_status("STOPPED")
    assert task.delete() == 137


def test_a_shim_that_dies_takes_its_container_with_it(containerd: Containerd, task: Task) -> None:
    pid = task.pid
    containerd.kill_shim(task.id)
    wait_until(lambda: pid not in containerd.sandbox.processes(), "the end of the container")
    wait_until(lambda: task.row() == [], "an end of the task")


def test_twenty_containers_at_once(containerd: Containerd) -> None:
    clients = [containerd.gated_run(f"echo {n}; exit {n}") for n in range(20)]
    results = [client.result() for client in clients]
    wrong = [result for n, result in enumerate(results) if (result.code, result.out) != (n, f"{n}\n")]
    assert not wrong
