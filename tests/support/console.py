"""The other end of --console-socket and --pidfd-socket."""

from __future__ import annotations

import os
import select
import socket
from dataclasses import dataclass

from tests.support.poll import DEADLINE


@dataclass
class Message:
    """One message: its payload, and the descriptors that came with it (owned by the receiver)."""

    payload: bytes
    fds: list[int]


class ConsoleSocket:
    """A listening AF_UNIX stream socket at ``path`` that takes messages with descriptors."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.received: list[int] = []
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(8)
        self.listener.settimeout(DEADLINE)

    def accept(self) -> socket.socket:
        """The next connection.

        Raises:
            TimeoutError: when nobody connects.
        """
        connection, _ = self.listener.accept()
        connection.settimeout(DEADLINE)
        return connection

    def receive(self) -> Message:
        """The one message of the next connection, after which that connection has to end.

        Raises:
            TimeoutError: when it does not come.
        """
        with self.accept() as connection:
            payload, fds, _, _ = socket.recv_fds(connection, 4096, 8)
            self.received += fds
            assert connection.recv(1) == b"", "more than one message on the connection"
        return Message(payload, fds)

    def close(self) -> None:
        """Close everything, the received descriptors too."""
        self.listener.close()
        for fd in self.received:
            os.close(fd)


def read_until(fd: int, text: str, deadline: float = DEADLINE) -> str:
    """What comes out of a terminal (or pipe), up to and with ``text``.

    Raises:
        AssertionError: when the other side ends, or nothing comes for ``deadline`` seconds, before that.
    """
    held = ""
    while text not in held:
        ready, _, _ = select.select([fd], [], [], deadline)
        assert ready, f"no {text!r} in {held!r}"
        piece = _read(fd)
        assert piece, f"the end before {text!r} in {held!r}"
        held += piece.decode("utf-8", "replace")
    return held


def read_all(fd: int, deadline: float = DEADLINE) -> str:
    """What comes out of a terminal (or pipe) until the other side has closed it."""
    held = b""
    while select.select([fd], [], [], deadline)[0]:
        piece = _read(fd)
        if not piece:
            return held.decode("utf-8", "replace")
        held += piece
    raise AssertionError(f"still open after {held!r}")


def _read(fd: int) -> bytes:
    """A piece, b"" at the end; a terminal whose other side is closed answers EIO."""
    try:
        return os.read(fd, 4096)
    except OSError:
        return b""
