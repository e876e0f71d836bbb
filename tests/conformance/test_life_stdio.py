"""Standard descriptors, parentage and signals of create and run."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from tests.support import Bundle, Process, Runtime, wait_until
from tests.support.mark import unlike_runc
from tests.support.poll import wait_for
from tests.support.process import alive, descendants, descriptors, parent, pids, read_text


def started_in_background(runtime: Runtime, bundle: Bundle, *options: str) -> Process:
    """A foreground ``run`` that has been started, once its program has written ``ready``."""
    bundle.write()
    process = runtime.spawn("run", "-b", bundle.path, *options, runtime.new_id())
    wait_until(lambda: "ready" in read_text(process.out), "the program to be ready")
    return process


@pytest.mark.parametrize("words", [["create"], ["run", "-d"]])
def test_descriptors_are_handed_over_unchanged(runtime: Runtime, bundle: Bundle, words: list[str]) -> None:
    """LNX-LIFE-06: descriptors 0, 1 and 2 of create and run -d become the container's (here FIFO, files)."""
    bundle.sh("cat; echo error >&2; sleep 1000")
    bundle.write()
    fifo = runtime.new_path("fifo")
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDWR)
    name = runtime.new_id()
    process = runtime.spawn(*words, "-b", bundle.path, name, stdin=reader)
    assert process.wait().code == 0
    container = runtime.container(name)
    links = descriptors(container.pid)
    assert [links[number] for number in (0, 1, 2)] == [fifo, process.out, process.err]
    os.close(reader)


def test_data_goes_straight_through(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-06: what the container reads and writes passes through no process of the runtime's."""
    bundle.sh("read word; echo got $word; exit 0")
    bundle.write()
    read_end, write_end = os.pipe()
    name = runtime.new_id()
    process = runtime.spawn("create", "-b", bundle.path, name, stdin=read_end)
    assert process.wait().code == 0
    runtime.run("start", name).ok()
    os.write(write_end, b"it\n")
    wait_until(lambda: read_text(process.out) == "got it\n", "the answer")
    os.close(read_end)
    os.close(write_end)


def test_null_device_is_the_containers_own(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-06: where the caller hands over the host's null device, the program has that of its own /dev instead."""
    bundle.args("sleep", "1000")
    bundle.write()
    name = runtime.new_id()
    assert runtime.spawn("create", "-b", bundle.path, name, stdin=subprocess.DEVNULL).wait().code == 0
    host, own = os.stat("/dev/null"), os.stat(f"/proc/{runtime.container(name).pid}/fd/0")
    assert own.st_rdev == host.st_rdev
    assert own.st_dev != host.st_dev


@pytest.mark.parametrize("verb", ["create", "run"])
def test_no_process_of_the_runtime_stays(runtime: Runtime, bundle: Bundle, verb: str) -> None:
    """LNX-LIFE-07: only the init is left, as a child of the caller's subreaper."""
    bundle.args("sleep", "1000")
    container = runtime.create(bundle) if verb == "create" else runtime.run_detached(bundle)
    assert parent(container.pid) == os.getpid()
    assert runtime.leaks.processes() == [container.pid]


def daemon(bundle: Bundle) -> None:
    """Let the container leave an orphan behind, without a pid namespace that would adopt it."""
    bundle.drop_namespace("pid")
    bundle.sh("(sleep 987 & echo ready); sleep 986")


def parent_of_orphan() -> int:
    """The parent of the only ``sleep 987``."""

    def find() -> int | None:
        for pid in pids():
            if read_text(f"/proc/{pid}/cmdline") == "sleep\x00987\x00":
                above = read_text(f"/proc/{parent(pid)}/cmdline")
                return None if above.startswith("sh\0") else parent(pid)
        return None

    return wait_for(find, "the orphan")


@pytest.mark.parametrize(("options", "adopted"), [([], True), (["--no-subreaper"], False)])
def test_run_is_a_subreaper(runtime: Runtime, bundle: Bundle, options: list[str], adopted: bool) -> None:
    """LNX-LIFE-08: a foreground run adopts orphans unless ``--no-subreaper``."""
    daemon(bundle)
    process = started_in_background(runtime, bundle, *options)
    assert parent_of_orphan() == (process.pid if adopted else os.getpid())
    process.send(signal.SIGTERM)
    assert process.wait().code == 128 + signal.SIGTERM
    runtime.leaks.remove_processes()


def test_detached_run_and_exec_are_no_subreapers(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-08: create, run -d and exec do not adopt."""
    daemon(bundle)
    container = runtime.run_detached(bundle)
    assert parent_of_orphan() == os.getpid()
    process = runtime.spawn("exec", container.id, "sh", "-c", "(sleep 988 &); echo ready; sleep 985")
    wait_until(lambda: "ready" in read_text(process.out), "the command to be ready")
    orphan = next(pid for pid in pids() if read_text(f"/proc/{pid}/cmdline") == "sleep\x00988\x00")
    wait_until(lambda: parent(orphan) == os.getpid(), "the orphan to be adopted by the test")
    runtime.leaks.remove_processes()
    process.wait()


FORWARDED = [
    signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT, signal.SIGCONT,
    signal.SIGALRM, signal.SIGPIPE, signal.SIGTSTP, signal.SIGRTMAX,
    pytest.param(signal.SIGRTMIN, marks=unlike_runc("Go keeps signal 34 for itself")),
]  # fmt: skip


@pytest.mark.parametrize("number", FORWARDED)
def test_run_forwards_signals(runtime: Runtime, bundle: Bundle, number: int) -> None:
    """LNX-LIFE-15: a foreground run forwards the signals it gets."""
    bundle.sh(f"trap 'exit 77' {int(number)}; echo ready; while :; do sleep 0.05; done")
    process = started_in_background(runtime, bundle)
    process.send(number)
    assert process.wait().code == 77


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP])
def test_exec_forwards_signals(runtime: Runtime, bundle: Bundle, number: int) -> None:
    """LNX-LIFE-15: a foreground exec forwards the signals it gets to its command, not to the init."""
    bundle.sleep()
    container = runtime.started(bundle)
    script = f"trap 'exit 78' {int(number)}; echo ready; while :; do sleep 0.05; done"
    process = runtime.spawn("exec", container.id, "sh", "-c", script)
    wait_until(lambda: "ready" in read_text(process.out), "the command to be ready")
    process.send(number)
    assert process.wait().code == 78
    assert container.status() == "running"


@pytest.mark.parametrize(
    "number",
    [signal.SIGCHLD, signal.SIGWINCH, pytest.param(signal.SIGURG, marks=unlike_runc("forwards it", always=False))],
)
def test_signals_that_are_not_forwarded(runtime: Runtime, bundle: Bundle, number: int) -> None:
    """LNX-LIFE-15: SIGCHLD, SIGURG and SIGWINCH are not forwarded."""
    bundle.sh(f"trap 'echo caught' {int(number)}; trap 'exit 7' USR1; echo ready; while :; do sleep 1 & wait $!; done")
    if number == signal.SIGCHLD:
        bundle.sh("trap 'exit 7' USR1; echo ready; while :; do sleep 0.05; done")
    process = started_in_background(runtime, bundle)
    process.send(number)
    process.send(signal.SIGUSR1)
    result = process.wait()
    assert (result.code, result.out) == (7, "ready\n")


def test_standard_input_is_copied_with_its_end(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-16: a foreground run copies standard input, and passes its end on."""
    bundle.args("md5sum")
    text = "some words\n" * 300_000
    given = runtime.run_bundle(bundle, stdin=text).ok().out.split()[0]
    direct = Process(["md5sum"], runtime.new_path("md5"), runtime.new_path("err"), stdin=text).wait().ok().out
    assert given == direct.split()[0]


def test_a_program_that_does_not_read_its_input(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-16: input nobody reads does not keep run from ending."""
    bundle.sh("exit 4")
    assert runtime.run_bundle(bundle, stdin="x" * 1_000_000).code == 4


def test_run_ends_while_standard_input_stays_open(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-16: run ends with its program although standard input stays open."""
    bundle.sh("exit 4")
    read_end, write_end = os.pipe()
    assert runtime.run_bundle(bundle, stdin=read_end).code == 4
    os.close(read_end)
    os.close(write_end)


def test_output_is_drained(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-16: all output of standard output and standard error arrives, each where it belongs."""
    bundle.sh("head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2")
    result = runtime.run_bundle(bundle).ok()
    assert (len(result.out), len(result.err)) == (3_000_000, 2_000_000)


def test_output_of_short_lived_programs(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-16: nothing is lost of a program that ends at once."""
    bundle.args("echo", "word")
    assert [runtime.run_bundle(bundle).out for _ in range(10)] == ["word\n"] * 10


def test_the_program_gets_pipes(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-16: the foreground program has pipes, not the caller's files."""
    bundle.sh("for n in 0 1 2; do readlink /proc/self/fd/$n; done")
    lines = runtime.run_bundle(bundle).ok().out.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("pipe:") for line in lines)


def test_the_pipes_belong_to_the_user(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-17: the program may open /dev/stdout and /dev/stderr again as its own user."""
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.sh("echo out > /dev/stdout && echo err > /dev/stderr && cat < /dev/stdin && stat -Lc %u /proc/self/fd/1")
    result = runtime.run_bundle(bundle, stdin="in\n").ok()
    assert (result.out, result.err) == ("out\nin\n1000\n", "err\n")


def test_the_pipes_belong_to_the_user_of_a_user_namespace(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-17: so they do with a user namespace."""
    bundle.user_namespace()
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.sh("echo out > /dev/stdout && stat -Lc %u /proc/self/fd/1")
    assert runtime.run_bundle(bundle).ok().out == "out\n1000\n"


def test_the_runtime_ends_with_its_program(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-16: a background process that keeps the output open does not keep run from ending."""
    bundle.sh("sleep 1000 & echo ready; exit 8")
    assert runtime.run_bundle(bundle).code == 8
    assert not [pid for pid, _ in descendants(os.getpid()) - runtime.leaks.before if alive(pid)]
