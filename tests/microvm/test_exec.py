"""Further processes in a machine."""

from __future__ import annotations

import json
import os
import signal

import pytest

from tests.support import Bundle, Container, Runtime, wait_until
from tests.support.process import alive, read_text


@pytest.fixture
def container(machines: Runtime, bundle: Bundle) -> Container:
    """A container that sleeps in its machine."""
    bundle.sleep()
    return machines.started(bundle)


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_the_status_comes_back(container: Container, code: int) -> None:
    """MVM-EXEC-01, MVM-EXEC-03."""
    result = container.sh(f"echo out; echo err >&2; exit {code}")
    assert (result.code, result.out, result.err) == (code, "out\n", "err\n")


def test_a_missing_program(container: Container) -> None:
    """MVM-EXEC-03: 255, in the usual words."""
    assert container.exec("nope").code == 255
    assert "executable file not found in $PATH" in container.runtime.last_error()


def test_it_is_inside(container: Container) -> None:
    """MVM-EXEC-01: in the container's namespaces, root and cgroup, of the guest."""
    script = "for kind in pid mnt uts ipc cgroup; do readlink /proc/1/ns/$kind; done"
    own = container.sh(script).ok().out
    assert container.sh(script.replace("/proc/1", "/proc/self")).ok().out == own
    assert container.sh("cat /proc/self/cgroup").ok().out == container.sh("cat /proc/1/cgroup").ok().out
    assert container.sh("uname -r").ok().out != os.uname().release + "\n"


def test_a_process_of_a_file(container: Container) -> None:
    """MVM-EXEC-02: user, groups, environment, folder and capabilities take hold."""
    path = container.runtime.new_path("process.json")
    process = {
        "cwd": "/tmp", "env": ["A=b c"], "user": {"uid": 7, "gid": 8, "additionalGids": [9]},
        "args": ["/bin/sh", "-c", "id -u; id -G; pwd; echo $A; grep CapEff /proc/self/status"],
    }  # fmt: skip
    with open(path, "w", encoding="utf-8") as file:
        json.dump(process, file)
    out = container.runtime.run("exec", "--process", path, container.id).ok().out
    assert out.split() == ["7", "8", "9", "/tmp", "b", "c", "CapEff:", "0" * 16]


def test_standard_input(container: Container) -> None:
    """MVM-EXEC-05: its own, to the end."""
    assert container.exec("cat", stdin="one\ntwo\n").ok().out == "one\ntwo\n"


def test_a_process_of_the_host_stands_for_it(container: Container) -> None:
    """MVM-EXEC-04: detached, with a pid file; its end is the process' end, and KILL reaches the process."""
    path = container.runtime.new_path("pid")
    container.exec("sleep", "4321", options=["--detach", "--pid-file", path]).ok()
    pid = int(read_text(path))
    assert "sleep 4321" in container.runtime.run("ps", container.id).ok().out
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: "sleep 4321" not in container.runtime.run("ps", container.id).out, "the end in the guest")
    assert container.status() == "running"


def test_they_end_with_the_container(container: Container) -> None:
    """MVM-EXEC-06."""
    path = container.runtime.new_path("pid")
    container.exec("sleep", "4321", options=["--detach", "--pid-file", path]).ok()
    pid = int(read_text(path))
    container.kill("KILL").ok()
    wait_until(lambda: not alive(pid), "the end of what stands for the process")


def test_many_in_a_row(container: Container) -> None:
    """MVM-EXEC-05: nothing is used up."""
    for number in range(70):
        assert container.exec("echo", str(number)).ok().out == f"{number}\n"
    assert len(json.loads(container.runtime.run("ps", "--format", "json", container.id).ok().out)) == 1


def test_a_stalled_reader_delays_nobody(container: Container) -> None:
    """MVM-EXEC-05, MVM-CTL-06: its process waits, the others and the container go on."""
    runtime = container.runtime
    readers, stalled = {}, []
    for _ in range(3):
        path = runtime.new_path("fifo")
        os.mkfifo(path)
        readers[path] = os.open(path, os.O_RDWR)
        stalled.append(runtime.spawn("exec", container.id, "yes", output=path))
    for number in range(3):
        assert container.exec("echo", str(number)).ok().out == f"{number}\n"
    container.kill("KILL").ok()
    for path, reader in readers.items():
        os.close(reader)
        os.unlink(path)
    assert all(process.wait().code != 0 for process in stalled)


def test_the_processes(container: Container) -> None:
    """MVM-PS-01: the guest's own numbers, without its init and its kernel's threads."""
    lines = container.runtime.run("ps", container.id).ok().out.splitlines()
    assert lines[0].split() == ["UID", "PID", "PPID", "TIME", "CMD"]
    assert [line.split(None, 4)[4] for line in lines[1:]] == ["sleep 1000"]
