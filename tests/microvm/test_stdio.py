"""Bytes and terminals."""

from __future__ import annotations

import hashlib
import os
import select
import termios

from tests.support import Bundle, ConsoleSocket, Runtime, wait_until
from tests.support.process import alive

MIB = 1 << 20


def test_three_channels(machines: Runtime, bundle: Bundle) -> None:
    """MVM-STDIO-01: pipes in the machine, and nothing of one appears on the other."""
    bundle.sh("ls -l /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 | grep -c pipe:; echo err >&2")
    result = machines.run_bundle(bundle)
    assert (result.code, result.out, result.err) == (0, "3\n", "err\n")


def test_the_end_of_input(machines: Runtime, bundle: Bundle) -> None:
    """MVM-STDIO-02: arrives behind the data, also when the reader is late."""
    bundle.sh("sleep 0.3; wc -c")
    path = machines.new_path("input")
    with open(path, "wb") as file:
        file.write(bytes(3 * MIB))
    with open(path, "rb") as source:
        assert machines.run_bundle(bundle, stdin=source.fileno()).out.strip() == str(3 * MIB)


def test_more_input_than_fits_waits_for_the_start(machines: Runtime, bundle: Bundle) -> None:
    """MVM-STDIO-02: what the caller has written before the program runs is kept for it."""
    text = "".join(f"line {number}\n" for number in range(40_000))
    path = machines.new_path("input")
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    bundle.sh("cat; echo end")
    with open(path, "rb") as file:
        container = machines.create(bundle, stdin=file)
    assert container.status() == "created"
    container.start()
    assert container.wait_output("end\n") == text + "end\n"


def test_every_byte_arrives(machines: Runtime, bundle: Bundle) -> None:
    """MVM-STDIO-03: a hundred MiB and all values of a byte, unchanged."""
    block = bytes(range(256)) * 4096
    with open(os.path.join(bundle.rootfs, "block"), "wb") as file:
        file.write(block)
    bundle.sh("i=0; while [ $i -lt 100 ]; do cat /block; i=$((i+1)); done")
    path = machines.new_path("output")
    assert machines.run_bundle(bundle, output=path).code == 0
    told = hashlib.sha256()
    with open(path, "rb") as file:
        while data := file.read(MIB):
            told.update(data)
    assert told.digest() == hashlib.sha256(block * 100).digest()


def test_the_last_byte_is_not_lost(machines: Runtime, bundle: Bundle) -> None:
    """MVM-STDIO-03: what is written in the last moment arrives, every time."""
    bundle.sleep()
    container = machines.started(bundle)
    assert {container.exec("printf", "x").ok().out for _ in range(30)} == {"x"}


def test_a_reader_that_goes_away(machines: Runtime, bundle: Bundle) -> None:
    """MVM-STDIO-05: the program gets EPIPE, and the container lives on."""
    bundle.sh("trap '' PIPE; while echo more; do :; done 2>/dev/null; echo gone >/told; sleep 1000")
    bundle.config["root"]["readonly"] = False
    bundle.write()
    name, path = machines.new_id(), machines.new_path("fifo")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    process = machines.spawn("run", "--detach", "--bundle", bundle.path, name, output=path)
    assert process.popen.wait() == 0
    wait_until(lambda: select.select([reader], [], [], 0)[0] != [], "output")
    os.close(reader)
    os.unlink(path)
    process.wait()
    told = os.path.join(bundle.rootfs, "told")
    wait_until(lambda: os.path.exists(told), "the program to notice")
    assert machines.container(name).status() == "running"


class Terminal:
    """A program with a terminal, and the master of that."""

    def __init__(self, machines: Runtime, bundle: Bundle, console: ConsoleSocket, script: str) -> None:
        bundle.process["terminal"] = True
        bundle.process["consoleSize"] = {"height": 33, "width": 99}
        bundle.sh(script)
        container = machines.create(bundle, "--console-socket", console.path)
        (self.master,) = console.receive().fds
        self.pid = container.pid
        container.start()

    def until(self, words: str) -> str:
        """What it shows up to some words."""
        shown = ""
        while words not in shown:
            shown += os.read(self.master, 4096).decode()
        return shown


def test_a_terminal(machines: Runtime, bundle: Bundle, console: ConsoleSocket) -> None:
    """MVM-TTY-01, MVM-TTY-03: a device that exists, no doubled carriage return, and the keys that send signals."""
    script = "trap 'echo got' INT; tty; test -t 2 && echo ready; until read line; do :; done; echo =$line="
    terminal = Terminal(machines, bundle, console, script)
    assert terminal.until("ready\r\n") == "/dev/pts/0\r\nready\r\n"
    os.write(terminal.master, b"\x03")
    terminal.until("got\r\n")
    os.write(terminal.master, b"typed\n")
    assert "=typed=\r\n" in terminal.until("=typed=\r\n")
    wait_until(lambda: not alive(terminal.pid), "the end")


def test_the_size_of_a_terminal(machines: Runtime, bundle: Bundle, console: ConsoleSocket) -> None:
    """MVM-TTY-02: the configured one at first, and every later one with SIGWINCH."""
    terminal = Terminal(machines, bundle, console, "trap 'stty size' WINCH; stty size; while :; do sleep 0.1; done")
    terminal.until("33 99")
    termios.tcsetwinsize(terminal.master, (44, 111))
    terminal.until("44 111")


def test_a_terminal_that_is_closed(machines: Runtime, bundle: Bundle, console: ConsoleSocket) -> None:
    """MVM-TTY-04: the program reads the end, as from any terminal that hangs up."""
    terminal = Terminal(machines, bundle, console, "echo ready; read line; exit 7")
    terminal.until("ready")
    console.received.remove(terminal.master)
    os.close(terminal.master)
    wait_until(lambda: not alive(terminal.pid), "the end")
