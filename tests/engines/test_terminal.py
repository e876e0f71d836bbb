"""``-it``: a terminal in the container and one outside, with sizes, keys and job control; docker and podman."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.engines.engine import Container, Engine
from tests.support.console import read_all
from tests.support.image import NAME
from tests.support.terminal import Terminal

# The engines set the size after the start, so the first look may come too early.
WAIT_SIZE = "until test \"$(stty size 2>&1)\" = '24 80'; do sleep 0.05; done; "
WATCH_SIZE = "trap 'echo size $(stty size)' WINCH; echo re''ady; while :; do sleep 1000 & wait $!; done"
WATCH_KEYS = "trap 'echo interrupted; exit 3' INT; echo re''ady; while :; do sleep 1000 & wait $!; done"


@pytest.fixture(params=["run", "exec"])
def inside(request: pytest.FixtureRequest, engine: Engine) -> list[str]:
    """What starts a program with a terminal: ``run``, and ``exec`` into a container that has none."""
    if request.param == "run":
        return ["run", "--rm", "--interactive", "--tty", NAME]
    return ["exec", "--interactive", "--tty", engine.running().id]


def start(engine: Engine, terminal: Terminal, inside: list[str], script: str) -> subprocess.Popen[bytes]:
    """Run ``script`` with a terminal."""
    return engine.spawn_on(terminal, *inside, "sh", "-c", script)


def read_to_the_end(terminal: Terminal, client: subprocess.Popen[bytes]) -> tuple[int, str]:
    """The exit status and everything that appears until then, however much it is."""
    os.close(terminal.slave)
    terminal.slave = -1
    output = read_all(terminal.master)
    return client.wait(60), output


def test_all_streams_are_the_terminal_of_the_container(engine: Engine, terminal: Terminal, inside: list[str]) -> None:
    client = start(engine, terminal, inside, WAIT_SIZE + "tty; test -t 0 && test -t 1 && test -t 2; echo $?")
    code, output = terminal.finish(client)
    assert (code, output.split()[1:]) == (0, ["0"]), output
    assert output.startswith("/dev/pts/")


def test_the_terminal_has_the_size_of_the_one_outside(engine: Engine, terminal: Terminal, inside: list[str]) -> None:
    code, output = terminal.finish(start(engine, terminal, inside, WAIT_SIZE + "echo right"))
    assert (code, output.split()) == (0, ["right"])


def test_a_resize_outside_resizes_inside(engine: Engine, terminal: Terminal, inside: list[str]) -> None:
    client = start(engine, terminal, inside, WAIT_SIZE + WATCH_SIZE)
    terminal.read_until("ready")
    terminal.resize(41, 123)
    terminal.read_until("size 41 123")
    terminal.resize(11, 33)
    terminal.read_until("size 11 33")
    terminal.type("\x03")
    assert terminal.finish(client)[0] == 130


def test_control_c_interrupts_the_program_in_the_container(
    engine: Engine, terminal: Terminal, inside: list[str]
) -> None:
    client = start(engine, terminal, inside, WATCH_KEYS)
    terminal.read_until("ready")
    terminal.type("\x03")
    terminal.read_until("interrupted")
    assert terminal.finish(client)[0] == 3


def test_a_shell_has_job_control_and_its_exit_status_is_passed_on(
    engine: Engine, terminal: Terminal, inside: list[str]
) -> None:
    client = engine.spawn_on(terminal, *inside, "sh")
    greeting = terminal.read_until("# ")
    assert "job control turned off" not in greeting
    terminal.type("sleep 1000 &\n")
    terminal.read_until("# ")
    terminal.type("jobs\n")
    terminal.read_until("Running")
    terminal.type("kill %1; exit 42\n")
    assert terminal.finish(client)[0] == 42


def test_the_terminal_outside_is_put_back_as_it_was(engine: Engine, terminal: Terminal, inside: list[str]) -> None:
    before = terminal.attributes()
    client = start(engine, terminal, inside, "echo up; read line; echo got $line")
    terminal.read_until("up")
    assert terminal.attributes() != before
    terminal.type("hello\n")
    terminal.read_until("got hello")
    assert client.wait(60) == 0
    assert terminal.attributes() == before


def test_output_of_half_a_megabyte_arrives_complete(engine: Engine, terminal: Terminal, inside: list[str]) -> None:
    code, output = read_to_the_end(terminal, start(engine, terminal, inside, WAIT_SIZE + "seq 1 80000"))
    assert code == 0
    assert output.split() == [str(number) for number in range(1, 80_001)]


def test_run_makes_dev_console_the_terminal(engine: Engine, terminal: Terminal) -> None:
    words = ["run", "--rm", "--interactive", "--tty", NAME, "sh", "-c", f"{WAIT_SIZE}echo through > /dev/console"]
    assert terminal.finish(engine.spawn_on(terminal, *words)) == (0, "through\r\n")


def test_a_user_owns_its_terminal(engine: Engine, terminal: Terminal) -> None:
    words = ["run", "--rm", "--interactive", "--tty", "--user", "1234", NAME]
    client = engine.spawn_on(terminal, *words, "sh", "-c", WAIT_SIZE + "stat -c %u $(tty); echo again > $(tty)")
    code, output = terminal.finish(client)
    assert (code, output.split()) == (0, ["1234", "again"])


def test_a_detached_container_with_a_terminal_can_be_attached(engine: Engine, terminal: Terminal) -> None:
    words = ["run", "--detach", "--interactive", "--tty", NAME, "sh", "-c", "read line; echo got $line; exit 4"]
    container = Container(engine, engine(*words).ok().out.strip())
    client = engine.spawn_on(terminal, "attach", container.id)
    terminal.type("a line\n")
    terminal.read_until("got a line")
    terminal.finish(client)
    assert container.wait() == 4
