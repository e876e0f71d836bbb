"""``exec``: further programs in a running container; the same with docker and podman."""

from __future__ import annotations

import pytest

from tests.engines.engine import Container, Engine
from tests.support.poll import wait_until


@pytest.fixture
def container(engine: Engine) -> Container:
    """A container that runs until it is stopped."""
    return engine.running("--env", "COLOUR=red", "--workdir", "/var", "--user", "1000:1000")


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_exec_returns_the_exit_status(container: Container, code: int) -> None:
    assert container.sh(f"exit {code}").code == code


def test_exec_returns_137_for_a_program_ended_by_sigkill(container: Container) -> None:
    assert container.sh("kill -KILL $$").code == 137


def test_exec_keeps_output_and_errors_apart(container: Container) -> None:
    result = container.sh("echo out; echo err >&2").ok()
    assert (result.out, result.err) == ("out\n", "err\n")


def test_exec_of_a_missing_program_fails_and_the_container_goes_on(container: Container) -> None:
    result = container.exec("/nope")
    assert result.code in {126, 127}
    assert "no such file or directory" in (result.err + result.out).lower()
    assert container.status == "running"


def test_exec_of_a_file_that_is_not_executable_fails_with_126(container: Container) -> None:
    result = container.exec("/etc/passwd")
    assert result.code == 126
    assert "permission denied" in (result.err + result.out).lower()


def test_exec_takes_user_environment_and_directory_from_the_container(container: Container) -> None:
    assert container.sh("id -u; id -g; echo $COLOUR; pwd").ok().out.split() == ["1000", "1000", "red", "/var"]


def test_exec_has_its_own_user_environment_and_directory_if_it_wants(container: Container) -> None:
    options = ["--user", "0:0", "--env", "COLOUR=blue", "--workdir", "/etc"]
    assert container.sh("id -u; id -g; echo $COLOUR; pwd", *options).ok().out.split() == ["0", "0", "blue", "/etc"]


def test_exec_is_in_the_namespaces_and_cgroups_of_the_container(engine: Engine) -> None:
    container = engine.running()
    kinds = ["mnt", "net", "pid", "ipc", "uts"]
    links = " ".join(f"/proc/self/ns/{kind} /proc/1/ns/{kind}" for kind in kinds)
    found = container.sh(f"for l in {links}; do readlink $l; done").ok().out.split()
    assert found[::2] == found[1::2]
    own, first = (container.exec("cat", f"/proc/{pid}/cgroup").ok().out for pid in ("self", "1"))
    assert own == first


def test_exec_gets_the_same_capabilities_and_seccomp_filter_as_process_1(container: Container) -> None:
    wanted = container.sh("grep -E '^(Cap|Seccomp:|NoNewPrivs)' /proc/1/status").ok().out
    assert container.sh("grep -E '^(Cap|Seccomp:|NoNewPrivs)' /proc/self/status").ok().out == wanted


def test_standard_input_of_exec(container: Container) -> None:
    text = "".join(f"line {number}\n" for number in range(20_000))
    assert container.exec("cat", options=["--interactive"], stdin=text).ok().out == text


def test_large_output_of_exec(container: Container) -> None:
    assert container.sh("seq 1 300000").ok().out.splitlines() == [str(n) for n in range(1, 300_001)]


def test_detached_exec_runs_on_in_the_background(container: Container) -> None:
    container.sh("echo made > /tmp/made; exec sleep 777", "--detach").ok()
    wait_until(lambda: container.exec("cat", "/tmp/made").out == "made\n", "the file of the detached program")
    assert "sleep 777" in container("top").ok().out


def test_exec_in_a_stopped_container_is_an_error(engine: Engine) -> None:
    stopped = engine.started(script="true")
    stopped.wait()
    stopped.wait_status("exited")
    result = stopped.exec("true")
    assert result.code != 0
    assert "not running" in result.err or "state improper" in result.err


def test_ten_execs_at_once(engine: Engine, container: Container) -> None:
    clients = [engine.spawn("exec", container.id, "sh", "-c", f"echo {n}; exit {n}") for n in range(10)]
    results = [client.wait() for client in clients]
    wrong = [result for n, result in enumerate(results) if (result.code, result.out) != (n, f"{n}\n")]
    assert not wrong


def test_the_end_of_process_1_ends_an_exec(engine: Engine, container: Container) -> None:
    client = engine.spawn("exec", container.id, "sh", "-c", "echo in > /tmp/in; sleep 1000")
    wait_until(lambda: container.exec("cat", "/tmp/in").out == "in\n", "the program")
    container("kill").ok()
    assert client.wait().code == 137
