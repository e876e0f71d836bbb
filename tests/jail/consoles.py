"""The other end of --console-socket."""

from __future__ import annotations

import array
import os
import select
import socket


class Console:
    """A socket that takes one terminal."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(4)
        self.listener.settimeout(20)
        self.master = -1

    def receive(self) -> str:
        """Take the terminal; the payload, which is its name."""
        connection, _ = self.listener.accept()
        with connection:
            numbers = array.array("i")
            payload, control, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(8 * numbers.itemsize))
            ((_, _, data),) = control
            numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
            (self.master,) = numbers
            assert connection.recv(1) == b""
        return payload.decode()

    def read_until(self, text: str) -> str:
        """What the terminal shows, up to a text."""
        held = ""
        while text not in held:
            ready, _, _ = select.select([self.master], [], [], 20)
            assert ready, f"no {text!r} in {held!r}"
            piece = os.read(self.master, 4096)
            assert piece, held
            held += piece.decode()
        return held

    def close(self) -> None:
        """Close all."""
        self.listener.close()
        if self.master >= 0:
            os.close(self.master)
