"""Files in the state folder, pid files, sockets and passed descriptors."""

from __future__ import annotations

import json
import os
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support import Bundle, ConsoleSocket, Container, Runtime
from tests.support.console import read_all
from tests.support.mark import needs, unlike_runc
from tests.support.process import read_text, status_field

UNDER_A_SHELL = ["/bin/sh", "-c"]


def mode(path: str) -> int:
    """The permission bits."""
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_modes(runtime: Runtime, bundle: Bundle, umask: int) -> None:
    """LNX-FILE-01, LNX-FILE-02: folder 0711, state.json 0600, exec.fifo 0622, whatever the umask."""
    old = os.umask(umask)
    try:
        container = runtime.create(bundle)
    finally:
        os.umask(old)
    assert mode(container.state_folder) == 0o711
    assert mode(os.path.join(container.state_folder, "state.json")) == 0o600
    assert mode(os.path.join(container.state_folder, "exec.fifo")) == 0o622
    assert os.stat(container.state_folder).st_uid == 0


@needs("pids")
def test_the_state_file_is_always_whole(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-FILE-01: state.json is written by rename, so that nobody reads half of it."""
    container = runtime.create(bundle)
    path = os.path.join(container.state_folder, "state.json")
    ended = threading.Event()
    broken: list[str] = []

    def watch() -> None:
        while not ended.is_set():
            text = read_text(path)
            try:
                json.loads(text)
            except ValueError:
                broken.append(text)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for number in range(12):
            runtime.run("update", "--pids-limit", str(100 + number), container.id).ok()
    finally:
        ended.set()
        watcher.join()
    assert broken == []


def test_the_fifo_belongs_to_the_containers_root(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-FILE-02: the FIFO's owner is the container's root, also in a user namespace."""
    bundle.user_namespace()
    container = runtime.create(bundle)
    held = os.stat(os.path.join(container.state_folder, "exec.fifo"))
    assert (held.st_uid, held.st_gid) == (100000, 100000)


def test_the_init_writes_one_byte(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-FILE-02: the init blocks opening the FIFO and writes ``0`` once somebody reads."""
    bundle.sh("echo ran; sleep 1000")
    container = runtime.create(bundle)
    with open(os.path.join(container.state_folder, "exec.fifo"), "rb") as fifo:
        assert fifo.read() == b"0"
    container.wait_output("ran")


@pytest.mark.parametrize("words", [["create"], ["run", "-d"]])
def test_the_pid_file(runtime: Runtime, bundle: Bundle, words: list[str]) -> None:
    """LNX-FILE-03: the init's host pid without a newline, in a file relative to the caller's folder."""
    bundle.sleep()
    bundle.write()
    name = runtime.new_id()
    runtime.run(*words, "-b", bundle.path, "--pid-file", "pid", name, cwd=runtime.folder).ok()
    container = runtime.container(name)
    path = os.path.join(runtime.folder, "pid")
    assert read_text(path) == str(container.pid)
    container.delete("--force").ok()
    assert os.path.exists(path)


def test_the_pid_file_is_replaced(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-FILE-03: it is written to another file and renamed, so that a reader of the old one is not disturbed."""
    path = os.path.join(runtime.folder, "pid")
    with open(path, "w", encoding="utf-8") as file:
        file.write("old")
    os.link(path, path + ".kept")
    runtime.create(bundle, "--pid-file", path)
    assert read_text(path + ".kept") == "old"
    assert [name for name in os.listdir(runtime.folder) if "pid" in name] in (["pid", "pid.kept"], ["pid.kept", "pid"])


def test_an_unwritable_pid_file(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-FILE-03: if it cannot be written the command fails and the container is undone."""
    runtime.refuses_bundle("no such file or directory", bundle, "--pid-file", "/no/such/folder/pid")
    runtime.refuses_bundle("no such file or directory", bundle, "--pid-file", "/no/such/folder/pid", verb="run")


def test_the_pid_file_is_there_when_start_is_possible(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-FILE-03: a foreground run writes it too, before the program ends."""
    path = os.path.join(runtime.folder, "pid")
    bundle.sh("exit 0")
    runtime.run_bundle(bundle, "--pid-file", path).ok()
    assert int(read_text(path)) > 1


@pytest.mark.parametrize("words", [["create"], ["run", "-d"]])
def test_the_console_socket(runtime: Runtime, bundle: Bundle, console: ConsoleSocket, words: list[str]) -> None:
    """LNX-FILE-04: one message on a stream: the pty's name and exactly one descriptor, the master."""
    bundle.process["terminal"] = True
    bundle.sh("tty; echo out; read word; echo got $word")
    bundle.write()
    name = runtime.new_id()
    process = runtime.spawn(*words, "-b", bundle.path, "--console-socket", console.path, name)
    message = console.receive()
    assert process.wait().code == 0
    assert message.payload
    assert len(message.fds) == 1
    if words == ["create"]:
        runtime.run("start", name).ok()
    os.write(message.fds[0], b"it\n")
    shown = read_all(message.fds[0])
    assert "/dev/pts/0" in shown
    assert "got it" in shown
    assert (read_text(process.out), read_text(process.err)) == ("", "")


@pytest.mark.parametrize("path", ["/no/such.sock", "@abstract", "/etc/passwd"])
def test_a_console_socket_nobody_listens_on(runtime: Runtime, bundle: Bundle, path: str) -> None:
    """LNX-FILE-04: if it cannot be connected to, create fails; abstract addresses are none."""
    bundle.process["terminal"] = True
    runtime.refuses_bundle("", bundle, "--console-socket", path)
    runtime.refuses_bundle("", bundle, "--detach", "--console-socket", path, verb="run")


def pid_of(pidfd: int) -> int:
    """The process a pidfd refers to."""
    lines = read_text(f"/proc/self/fdinfo/{pidfd}").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("Pid:")))


@unlike_runc("has no --pidfd-socket")
@pytest.mark.parametrize("words", [["create"], ["run", "-d"]])
def test_the_pidfd_socket(runtime: Runtime, bundle: Bundle, console: ConsoleSocket, words: list[str]) -> None:
    """LNX-FILE-05: the payload ``standard`` and a pidfd of the init."""
    bundle.sleep()
    bundle.write()
    name = runtime.new_id()
    process = runtime.spawn(*words, "-b", bundle.path, "--pidfd-socket", console.path, name)
    message = console.receive()
    assert process.wait().code == 0
    assert message.payload == b"standard"
    assert [pid_of(fd) for fd in message.fds] == [runtime.container(name).pid]
    signal.pidfd_send_signal(message.fds[0], signal.SIGKILL)
    assert runtime.container(name).exists()


@unlike_runc("has no --pidfd-socket")
def test_the_pidfd_socket_of_exec(runtime: Runtime, bundle: Bundle, console: ConsoleSocket) -> None:
    """LNX-FILE-05: the payload ``setns`` and a pidfd of the exec'd process."""
    bundle.sleep()
    container = runtime.started(bundle)
    process = runtime.spawn("exec", "-d", "--pidfd-socket", console.path, container.id, "sleep", "1000")
    message = console.receive()
    assert process.wait().code == 0
    assert message.payload == b"setns"
    assert len(message.fds) == 1
    assert status_field(pid_of(message.fds[0]), "Name") == "sleep"
    assert pid_of(message.fds[0]) != container.pid


@contextmanager
def shell(runtime: Runtime, script: str) -> Iterator[None]:
    """Call the runtime by ``exec "$@"`` at the end of a shell script."""
    runtime.prefix = [*UNDER_A_SHELL, script, "sh"]
    try:
        yield
    finally:
        runtime.prefix = []


SHOW = (
    "env | grep -E '^LISTEN' | sort; ls /proc/self/fd; for n in 3 4 5; do [ -e /proc/$$/fd/$n ] && cat <&$n; done; true"
)


def given(runtime: Runtime, bundle: Bundle, script: str, *options: str) -> list[str]:
    """Words the program prints about descriptors 3, 4 and 5, which hold their own number and a newline."""
    for number in (3, 4, 5):
        with open(os.path.join(runtime.folder, f"fd{number}"), "w", encoding="utf-8") as file:
            file.write(f"file{number}\n")
    bundle.sh(SHOW)
    with shell(runtime, f'cd {runtime.folder}; {script} exec "$@" 3<fd3 4<fd4 5<fd5'):
        return runtime.run_bundle(bundle, *options).ok().out.split()


def test_socket_activation(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-FILE-06: with LISTEN_PID its own pid, the runtime passes LISTEN_FDS descriptors and no names."""
    words = given(runtime, bundle, "LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=a:b")
    assert [word for word in words if word.startswith("LISTEN")] == ["LISTEN_FDS=2", "LISTEN_PID=1"]
    assert [word for word in words if word.startswith("file")] == ["file3", "file4"]


def test_socket_activation_of_another_process(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-FILE-06: LISTEN_FDS is honoured only if LISTEN_PID equals the runtime's pid."""
    for script in ("LISTEN_PID=1 LISTEN_FDS=2", "LISTEN_FDS=2", "LISTEN_PID=$$"):
        words = given(runtime, bundle, script)
        assert [word for word in words if word.startswith(("LISTEN", "file"))] == []


def test_preserved_descriptors(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-FILE-07: ``--preserve-fds N`` passes descriptors 3 to 2+N."""
    words = given(runtime, bundle, "", "--preserve-fds", "2")
    assert [word for word in words if word.startswith("file")] == ["file3", "file4"]


def test_preserved_descriptors_follow_listening_ones(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-FILE-07: they follow after those of LISTEN_FDS."""
    words = given(runtime, bundle, "LISTEN_PID=$$ LISTEN_FDS=1", "--preserve-fds", "2")
    assert "LISTEN_FDS=1" in words
    assert [word for word in words if word.startswith("file")] == ["file3", "file4", "file5"]


def test_no_descriptors(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-FILE-07: without either option nothing above 2 is open in the program."""
    words = given(runtime, bundle, "")
    assert words == ["0", "1", "2", "3"], "3 is the folder that is being listed"


@unlike_runc("passes over it")
@pytest.mark.parametrize("verb", ["create", "run"])
def test_a_missing_preserved_descriptor(runtime: Runtime, bundle: Bundle, verb: str) -> None:
    """LNX-FILE-07, LNX-EXEC-26: a descriptor that is not open cannot be passed."""
    runtime.refuses_bundle("unable to stat preserved-fd", bundle, "--preserve-fds", "3", verb=verb)


def test_descriptors_of_a_created_container(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-FILE-07: create hands them over as run does."""
    for number in (3, 4):
        with open(os.path.join(runtime.folder, f"fd{number}"), "w", encoding="utf-8") as file:
            file.write(f"file{number}\n")
    bundle.sh("cat <&3; cat <&4; sleep 1000")
    with shell(runtime, f'cd {runtime.folder}; exec "$@" 3<fd3 4<fd4'):
        container: Container = runtime.create(bundle, "--preserve-fds", "2")
    container.start()
    assert container.wait_output("file4\n") == "file3\nfile4\n"
