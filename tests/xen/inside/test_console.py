"""Bytes between dom0 and the program."""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import termios
from fcntl import ioctl

from tests.support import ConsoleSocket, wait_until
from tests.support.console import read_until
from tests.support.process import status_field
from tests.xen.inside.dom0 import LARGEST_WATCHER, Dom0

FLOOD = 2_500_000
MORE_THAN_FITS = 500_000
"""Bytes that pipe, watcher and console cannot hold together."""


def test_a_flood_is_whole(dom0: Dom0) -> None:
    """XEN-CONSOLE-01, XEN-CONSOLE-05: in order, with what is written in the last moment, and no word of a kernel's."""
    script = f"seq -w 1 1000000 | head -c {FLOOD}; printf last"
    ended = dom0.run(script)
    wanted = "".join(f"{number:07}\n" for number in range(1, 320000))[:FLOOD] + "last"
    assert (ended.code, len(ended.out)) == (0, len(wanted)), (ended.code, len(ended.out), ended.err)
    assert ended.out == wanted


def test_bytes_pass_unchanged(dom0: Dom0) -> None:
    """XEN-CONSOLE-03: every one of them, both ways; the end of the input is the program's, and errors stay apart."""
    data = bytes(range(256)) * 300 + b"\r\n~\x03\x04\x0f\x7e\x7d"
    path = dom0.runtime.new_path("data")
    with open(path, "wb") as file:
        file.write(data)
    bundle = dom0.bundle("cat; echo err >&2")
    with open(path, "rb") as given:
        ended = dom0.runtime.run_bundle(bundle, stdin=given)
    got = ended.out.encode("utf-8", "surrogateescape")
    assert hashlib.sha256(got).digest() == hashlib.sha256(data).digest(), (len(got), len(data), got[-40:])
    assert (ended.code, ended.err) == (0, "err\n"), ended


def test_a_terminal(dom0: Dom0) -> None:
    """XEN-CONSOLE-04: one master by the socket, with the size of config.json and later ones, and Ctrl-C."""
    socket = ConsoleSocket(os.path.join(dom0.folder, "console.sock"))
    loop = "trap 'stty size; echo winch' WINCH; echo ready; while :; do sleep 0.1; done"
    bundle = dom0.bundle(f"stty size; read x; echo got $x; {loop}")
    bundle.process["terminal"] = True
    bundle.process["consoleSize"] = {"height": 30, "width": 90}
    container = dom0.runtime.create(bundle, "--console-socket", socket.path)
    (master,) = socket.receive().fds
    container.start()
    assert "30 90" in read_until(master, "30 90\r\n")
    os.write(master, b"hello\r")
    read_until(master, "got hello\r\nready\r\n")
    ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    read_until(master, "40 100\r\nwinch\r\n")
    os.write(master, b"\x03")
    assert container.reap() == 130
    socket.close()


def test_a_reader_that_stalls(dom0: Dom0) -> None:
    """XEN-CONSOLE-06: the workload waits, the watcher stays small, and nothing is lost when the reader goes on."""
    reader, writer = os.pipe()
    container = dom0.runtime.container(dom0.runtime.new_id())
    bundle = dom0.bundle(f"head -c {MORE_THAN_FITS} /dev/zero")
    bundle.write()
    words = [dom0.runtime.binary, *dom0.runtime.globals(), "create", "--bundle", bundle.path, container.id]
    null = subprocess.DEVNULL
    made = subprocess.run(words, stdin=null, stdout=writer, stderr=null, env=dom0.runtime.env, check=False)
    os.close(writer)
    assert made.returncode == 0, dom0.runtime.errors()
    container.start()
    wait_until(lambda: is_full(reader), "a full pipe")
    assert int(status_field(container.pid, "VmRSS").split()[0]) <= LARGEST_WATCHER
    size = 0
    while part := os.read(reader, 1 << 20):
        size += len(part)
    assert size == MORE_THAN_FITS, size
    assert container.reap() == 0
    os.close(reader)


def is_full(pipe: int) -> bool:
    """Whether a pipe holds about as much as it can."""
    held = struct.unpack("i", ioctl(pipe, termios.FIONREAD, bytes(4)))[0]
    return bool(held > 60000)
