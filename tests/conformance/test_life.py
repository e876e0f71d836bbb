"""What create, start and run do: order, results, exit statuses."""

from __future__ import annotations

import json
import os
import re
import signal
import stat

import pytest

from tests.support import Bundle, Runtime, cgroup, wait_until
from tests.support.mark import needs, unlike_runc
from tests.support.process import alive, reap, stat_fields
from tests.support.terminal import Terminal

CREATE_FLAGS = ["--bundle", "-b", "--console-socket", "--pidfd-socket", "--pid-file", "--no-pivot"]
CREATE_FLAGS += ["--no-new-keyring", "--preserve-fds"]
RUN_FLAGS = [*CREATE_FLAGS, "--detach", "-d", "--keep", "--no-subreaper"]


@pytest.mark.parametrize(("command", "flags"), [("create", CREATE_FLAGS), ("run", RUN_FLAGS)])
def test_flags(runtime: Runtime, command: str, flags: list[str]) -> None:
    """LNX-LIFE-01: the flags of create and run (runc 1.1.5 has no --pidfd-socket)."""
    listed = set(re.findall(r"(?<!\S)--?[\w-]+", runtime.run(command, "--help").ok().out))
    assert {flag for flag in flags if flag != "--pidfd-socket" or "runc" not in runtime.binary} <= listed


def test_relative_paths_are_relative_to_the_bundle(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-02: config.json and what is relative in it are looked up in the bundle."""
    with open(os.path.join(bundle.path, "note"), "w", encoding="utf-8") as file:
        file.write("from the bundle")
    bundle.bind("note", "/etc/note")
    bundle.args("cat", "/etc/note")
    bundle.write()
    parent, name = os.path.split(bundle.path)
    result = runtime.run("run", "--bundle", name, runtime.new_id(), cwd=parent).ok()
    assert result.out == "from the bundle"


def test_the_default_bundle(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-01, LNX-LIFE-02: the default bundle is the current folder."""
    bundle.sh("exit 3")
    bundle.write()
    assert runtime.run("run", runtime.new_id(), cwd=bundle.path).code == 3


@pytest.mark.parametrize("verb", ["create", "run"])
def test_a_used_id(runtime: Runtime, bundle: Bundle, verb: str) -> None:
    """LNX-LIFE-03: a used id is refused and its container untouched."""
    bundle.sleep()
    container = runtime.started(bundle)
    before = container.state()
    runtime.refuses("container with given ID already exists", verb, "-b", bundle.path, container.id)
    assert container.state() == before
    assert container.exec("true").code == 0


def test_a_bundle_without_config(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-03: a bundle without config.json is refused."""
    for verb in ("create", "run"):
        text = "JSON specification file config.json not found"
        runtime.refuses(text, verb, "-b", bundle.path, runtime.new_id())


@pytest.mark.parametrize(
    "text",
    ['{"process":', "{]", "[]", "", pytest.param("null", marks=unlike_runc("crashes")), '{"process": {}} {}', "\x00"],
)
def test_broken_json(runtime: Runtime, bundle: Bundle, text: str) -> None:
    """LNX-LIFE-03: broken JSON is refused with words about the problem."""
    bundle.write_text(text)
    runtime.refuses("", "create", "-b", bundle.path, runtime.new_id())
    assert runtime.last_error()


@needs("pids")
def test_everything_is_ready_after_create(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-04: after create the set-up is done, the init waits, the program has not run."""
    bundle.sh("echo ran")
    bundle.resources["pids"] = {"limit": 77}
    mark = os.path.join(runtime.folder, "hooked")
    bundle.hook("createRuntime", "/bin/touch", mark)
    container = runtime.create(bundle)
    assert container.status() == "created"
    assert alive(container.pid)
    for name in ("pid", "net", "ipc", "uts", "mnt"):
        assert os.stat(f"/proc/{container.pid}/ns/{name}").st_ino != os.stat(f"/proc/self/ns/{name}").st_ino
    with open(f"/proc/{container.pid}/mountinfo", encoding="utf-8") as file:
        points = [line.split()[4] for line in file]
    assert {"/", "/proc", "/dev", "/dev/pts", "/sys", "/proc/keys", "/proc/sys"} <= set(points)
    assert cgroup.read(cgroup.of_controller(container.pid, "pids"), "pids.max") == "77"
    assert os.path.exists(mark)
    assert container.output() == ""


def test_the_init_waits_without_work(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-04: the init is blocked, it does not poll."""
    container = runtime.create(bundle)
    wait_until(lambda: stat_fields(container.pid)[0] == "S", "the init to sleep")
    with open(f"/proc/{container.pid}/syscall", encoding="ascii") as file:
        assert file.read().split()[0] in ("257", "2", "437", "0"), "blocked in openat, open, openat2 or read"


@pytest.mark.parametrize("verb", ["create", "run"])
@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("missing", 'exec: "missing": executable file not found in $PATH'),
        ("/missing", 'exec: "/missing": stat /missing: no such file or directory'),
        ("/etc/passwd", 'exec: "/etc/passwd": permission denied'),
        ("/etc", 'exec: "/etc": '),
    ],
)
def test_the_program_is_looked_up_by_create(
    runtime: Runtime, bundle: Bundle, verb: str, program: str, text: str
) -> None:
    """LNX-LIFE-05: a program that cannot be run makes create fail, in words engines know."""
    bundle.args(program)
    runtime.refuses_bundle(text, bundle, verb=verb)


def test_start_lets_the_program_run(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-10: start releases the program and does not wait for its end."""
    bundle.sh("echo ran; sleep 1000")
    container = runtime.create(bundle)
    container.start()
    container.wait_output("ran")
    assert container.status() == "running"


@unlike_runc("a loser of the race waits for ever", always=False)
def test_of_two_starts_one_succeeds(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-10: of racing starts exactly one succeeds."""
    bundle.sleep()
    container = runtime.create(bundle)
    racers = [runtime.spawn("start", container.id) for _ in range(6)]
    assert sorted(racer.wait().code for racer in racers) == [0, 1, 1, 1, 1, 1]
    assert container.status() == "running"


def test_start_of_a_dead_init(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-10: start fails, and does not hang, when the init has died."""
    container = runtime.create(bundle)
    os.kill(container.pid, signal.SIGKILL)
    assert container.reap() == 137
    runtime.refuses("cannot start a container that has stopped", "start", container.id)


def test_start_while_the_init_dies(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-10: an init that dies while start waits for it makes start end."""
    for _ in range(5):
        container = runtime.create(bundle)
        racer = runtime.spawn("start", container.id)
        os.kill(container.pid, signal.SIGKILL)
        assert racer.wait().code in (0, 1)


def test_start_of_a_running_container(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-11: a running container cannot be started."""
    bundle.sleep()
    container = runtime.started(bundle)
    runtime.refuses("cannot start an already running container", "start", container.id)
    assert container.status() == "running"


def test_start_of_a_stopped_container(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-11: a stopped container cannot be started."""
    bundle.sh("true")
    container = runtime.started(bundle)
    container.reap()
    runtime.refuses("cannot start a container that has stopped", "start", container.id)
    assert container.status() == "stopped"


def test_start_of_a_paused_container(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-11: a paused container cannot be started."""
    bundle.sleep()
    container = runtime.create(bundle)
    runtime.run("pause", container.id).ok()
    runtime.refuses("cannot start a container in the paused state", "start", container.id)
    runtime.run("resume", container.id).ok()
    container.start()


@pytest.mark.parametrize("code", [0, 1, 42, 126, 127, 255])
def test_the_exit_status_of_run(runtime: Runtime, bundle: Bundle, code: int) -> None:
    """LNX-LIFE-12: the exit status of a foreground run is the program's."""
    bundle.sh(f"exit {code}")
    assert runtime.run_bundle(bundle).code == code
    assert runtime.log_records() == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_the_exit_status_of_a_killed_program(runtime: Runtime, bundle: Bundle, number: signal.Signals) -> None:
    """LNX-LIFE-12: a program ended by signal N gives 128+N."""
    bundle.drop_namespace("pid")
    bundle.sh(f"kill -{int(number)} $$; sleep 1000")
    assert runtime.run_bundle(bundle).code == 128 + number


def test_run_removes_the_container(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-13: a foreground run deletes the container at the end, poststop hooks included."""
    mark = os.path.join(runtime.folder, "poststop")
    bundle.hook("poststop", "/bin/touch", mark)
    bundle.sh("exit 5")
    assert runtime.run_bundle(bundle).code == 5
    assert runtime.ids() == []
    assert runtime.leaks.settled() == []
    assert os.path.exists(mark)


def test_a_run_whose_start_fails_removes_the_container(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-13: also after a failed start."""
    mark = os.path.join(runtime.folder, "poststop")
    bundle.hook("poststop", "/bin/touch", mark)
    bundle.hook("startContainer", "/bin/false")
    bundle.sleep()
    bundle.write()
    assert runtime.run("run", "-b", bundle.path, runtime.new_id()).code != 0
    assert runtime.ids() == []
    assert runtime.leaks.settled() == []
    assert os.path.exists(mark)


def test_keep(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-13: ``--keep`` leaves the stopped container, its state and its cgroup."""
    bundle.sh("exit 6")
    name = runtime.new_id()
    assert runtime.run_bundle(bundle, "--keep", name=name).code == 6
    container = runtime.container(name)
    assert container.status() == "stopped"
    assert cgroup.folders_named(name)
    container.delete().ok()
    assert runtime.leaks.settled() == []


def test_run_detached(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-14: ``run -d`` returns with 0 once the program runs."""
    bundle.sleep()
    container = runtime.run_detached(bundle)
    assert container.status() == "running"


@needs("pids")
def test_the_config_is_read_once(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-09: config.json may change after create without effect on the container and its hooks."""
    mark = os.path.join(runtime.folder, "first")
    bundle.hook("poststart", "/bin/touch", mark)
    bundle.hook("poststop", "/bin/touch", mark + "2")
    bundle.sh("echo first; sleep 1000")
    container = runtime.create(bundle)
    bundle.write_text(json.dumps({"ociVersion": "1.0.0", "process": {}}))
    container.start()
    container.wait_output("first")
    assert os.path.exists(mark)
    runtime.run("update", "--pids-limit", "66", container.id).ok()
    assert cgroup.read(cgroup.of_controller(container.pid, "pids"), "pids.max") == "66"
    container.kill("KILL").ok()
    container.reap()
    container.delete().ok()
    assert os.path.exists(mark + "2")


def test_a_terminal_needs_a_terminal(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-18: a foreground terminal without any terminal of the caller is an error."""
    bundle.process["terminal"] = True
    bundle.write()
    runtime.prefix = ["/usr/bin/setsid", "--wait"]
    text = "open /dev/tty: no such device or address"
    runtime.refuses(text, "run", "-b", bundle.path, runtime.new_id())


def test_one_descriptor_that_is_a_terminal_is_enough(runtime: Runtime, bundle: Bundle, terminal: Terminal) -> None:
    """LNX-LIFE-18: any of stdin, stdout and stderr may be the terminal."""
    bundle.process["terminal"] = True
    bundle.args("tty")
    bundle.write()
    runtime.prefix = ["/usr/bin/setsid", "--wait"]
    result = runtime.run("run", "-b", bundle.path, runtime.new_id(), stdin=terminal.slave).ok()
    assert "/dev/pts/0" in result.out


@pytest.mark.parametrize("words", [["create"], ["run", "-d"]])
def test_a_detached_terminal_needs_a_console_socket(runtime: Runtime, bundle: Bundle, words: list[str]) -> None:
    """LNX-LIFE-19: a detached terminal without ``--console-socket`` is refused."""
    bundle.process["terminal"] = True
    bundle.write()
    text = "will detach without setting console socket"
    runtime.refuses(text, *words, "-b", bundle.path, runtime.new_id())
    assert "cannot allocate tty if " in runtime.last_error()


def test_a_detached_terminal_of_exec_needs_a_console_socket(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-19, LNX-EXEC-07: exec -d -t likewise."""
    bundle.sleep()
    container = runtime.started(bundle)
    text = "will detach without setting console socket"
    runtime.refuses(text, "exec", "-d", "-t", container.id, "true", code=255)


@pytest.mark.parametrize(("words", "terminal"), [(["create"], False), (["run"], True), (["run", "-d"], False)])
def test_a_console_socket_without_use(runtime: Runtime, bundle: Bundle, words: list[str], terminal: bool) -> None:
    """LNX-LIFE-20: a console socket without a terminal, or in the foreground, is refused."""
    bundle.process["terminal"] = terminal
    bundle.write()
    text = "will not detach or allocate tty"
    runtime.refuses(text, *words, "-b", bundle.path, "--console-socket", "/run/x.sock", runtime.new_id())
    assert "cannot use console socket if " in runtime.last_error()


def test_the_state_folder_appears_with_the_container(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-04, LNX-FILE-02: the FIFO exists in status created and is gone once the program runs."""
    bundle.sleep()
    container = runtime.create(bundle)
    fifo = os.path.join(container.state_folder, "exec.fifo")
    assert stat.S_ISFIFO(os.stat(fifo).st_mode)
    container.start()
    assert not os.path.exists(fifo)


def test_the_init_is_reaped_by_the_subreaper(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-07, LNX-LIFE-14: a detached init's exit status reaches the nearest subreaper."""
    bundle.sh("exit 33")
    container = runtime.create(bundle)
    assert reap(container.pid) is None
    container.start()
    assert container.reap() == 33
