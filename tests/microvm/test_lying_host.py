"""A guest whose host is a test: what its init does with a host that is late, silent or gone."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.container.kernel import kernel
from ringfence.drivers.guest.client import Frame, encode, parse
from ringfence.drivers.guest.numbers import digest_of, guest_bytes
from ringfence.drivers.guest.ramdisk import with_plan
from ringfence.drivers.linux.context import Context
from ringfence.drivers.microvm.machine import CONSOLE, CONTROL, MONITOR, RAMDISK, Machine, command, descriptor_of
from ringfence.drivers.microvm.plan import compile_create
from ringfence.initfile import INIT
from ringfence.jsontext import dumps
from ringfence.plan.frames import PROTOCOL
from ringfence.spec.load import load_config
from tests.microvm.conftest import skip_without_qemu
from tests.support.rootfs import make_rootfs
from tests.unit.namespaces.machines import V2_HOST, plain_config

BOOTS = 20
SCRIPT = "trap 'echo TERM' TERM; echo up; while :; do sleep 0.05; done"


class Guest:
    """A machine of ours with its control port in our hands."""

    def __init__(self, folder: Path, script: str) -> None:
        tree, machine = folder / "tree", Machine(kernel().path)
        if not tree.exists():
            make_rootfs(str(tree / "root"))
        process = {**plain_config()["process"], "args": ["sh", "-c", script], "env": ["PATH=/bin"]}
        plan = compile_create(
            load_config(dumps({**plain_config(), "process": process})), V2_HOST, Context("x", "/b", "/b/r", (), {}), (),
            machine, str(folder),
        )  # fmt: skip
        self.digest = digest_of(plan)
        ramdisk = folder / "ramdisk"
        with open(INIT, "rb") as init:
            ramdisk.write_bytes(with_plan(init.read(), guest_bytes(plan), self.digest, terminal=False))
        self.port, theirs = socket.socketpair()
        changed = {
            f"socket,id=control,fd={CONTROL}": f"socket,id=control,fd={theirs.fileno()}",
            f"socket,id=monitor,fd={MONITOR}": "null,id=monitor",
            f"socket,id=console,fd={CONSOLE}": "null,id=console",
            f"/proc/self/fd/{descriptor_of(machine, 'kernel')}": machine.kernel,
            f"/proc/self/fd/{RAMDISK}": str(ramdisk),
        }
        words = [machine.program, *(changed.get(word, word) for word in command(machine, str(tree), 0)[1:])]
        self.process = subprocess.Popen(words, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        self.waiting: list[Frame] = []
        self.rest = b""

    def send(self, kind: str, data: bytes = b"", stream: int = 0) -> None:
        """Say something to it."""
        self.port.sendall(encode(Frame(kind, data, stream)))

    def greet(self) -> None:
        """What a host says first."""
        self.send("HELLO", PROTOCOL.to_bytes(4, "little") + self.digest)

    def hear(self, kind: str) -> Frame:
        """The next frame of this kind."""
        while True:
            while self.waiting:
                frame = self.waiting.pop(0)
                if frame.type == kind:
                    return frame
            data = self.port.recv(1 << 16)
            assert data, f"the machine has ended before {kind}"
            self.waiting, self.rest = parse(self.rest + data)

    def ticks(self) -> int:
        """The processor time of QEMU so far, in clock ticks (proc_pid_stat(5))."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))

    def end(self) -> None:
        """Kill it."""
        self.port.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def folder(kernel: str, tmp_path: Path) -> Path:
    """A place for the machine's files; there is a kernel."""
    skip_without_qemu()
    return tmp_path


@pytest.fixture
def guest(folder: Path) -> Iterator[Guest]:
    """A guest that has not been spoken to."""
    held = Guest(folder, SCRIPT)
    yield held
    held.end()


def test_every_boot_finds_its_port(folder: Path) -> None:
    """MVM-CTL-05: whenever the kernel makes it; what was said before the guest was there arrives.

    About one in eight begins without a console: what is opened then is none of 0, 1 and 2, and nothing spins.
    """
    for _ in range(BOOTS):
        guest = Guest(folder, "echo up; read line; echo $line; exec sleep 1000")
        guest.greet()
        guest.send("DATA", b"early\n")
        guest.hear("READY")
        guest.send("START")
        said = b""
        while b"early" not in said:
            said += guest.hear("DATA").data
        before = guest.ticks()
        time.sleep(0.3)
        assert guest.ticks() - before < 0.15 * os.sysconf("SC_CLK_TCK")
        guest.end()


def test_a_whole_conversation(guest: Guest) -> None:
    """MVM-CTL-02: the frames of both directions, with one process more."""
    guest.hear("HELLO")
    guest.greet()
    guest.send("TIME", time.time_ns().to_bytes(8, "little"))
    guest.hear("READY")
    guest.send("START")
    guest.hear("STARTED")
    assert guest.hear("DATA").data == b"up\n"
    guest.send("LIST")
    assert b"while" in guest.hear("LISTED").data
    guest.send("MEASURE")
    assert guest.hear("MEASURED").data.startswith(b"memory.current\0")
    guest.send("SIGNAL", (15).to_bytes(4, "little"))
    assert guest.hear("DATA").data == b"TERM\n"
    guest.send("SIGNAL", (9).to_bytes(4, "little"), stream=2)
    assert guest.hear("EXITED").data == (137).to_bytes(4, "little")


@pytest.mark.parametrize("moment", ["HELLO", "READY", "STARTED"])
def test_a_host_that_is_gone_ends_the_machine(guest: Guest, moment: str) -> None:
    """MVM-CTL-09: the program is ended and the machine with it, whenever that is."""
    guest.hear("HELLO")
    if moment != "HELLO":
        guest.greet()
        guest.hear("READY")
    if moment == "STARTED":
        guest.send("START")
        guest.hear("STARTED")
    guest.port.close()
    assert guest.process.wait(60) == 0


@pytest.mark.parametrize("said", [b"\xff" * 64, encode(Frame("EXITED", bytes(4))), b"\1\0\0\0\0\0\xee\0x"])
def test_a_host_that_is_not_ours_ends_the_machine(guest: Guest, said: bytes) -> None:
    """MVM-CTL-03, MVM-CTL-07: what no host says."""
    guest.hear("HELLO")
    guest.port.sendall(said)
    assert guest.process.wait(60) == 0


def test_a_host_of_another_plan(guest: Guest) -> None:
    """MVM-CTL-01: the digest must be that of the plan which the guest has."""
    guest.hear("HELLO")
    guest.send("HELLO", PROTOCOL.to_bytes(4, "little") + bytes(16))
    assert guest.process.wait(60) == 0


def test_nothing_is_done_while_nobody_speaks(guest: Guest) -> None:
    """MVM-CTL-09: a guest that waits for its host spins no processor."""
    guest.hear("HELLO")
    time.sleep(1)
    before = guest.ticks()
    time.sleep(3)
    assert guest.ticks() - before < 1.5 * os.sysconf("SC_CLK_TCK")
