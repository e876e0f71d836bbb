"""A seccomp agent: the process that answers system calls with the action SCMP_ACT_NOTIFY (seccomp_unotify(2))."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import socket
import struct
import threading
from typing import Any

from tests.support import ConsoleSocket

RECEIVE = 0xC0502100
SEND = 0xC0182101
CONTINUE = 1
NOTIFICATION = struct.Struct("=QII iIQ 6Q")
RESPONSE = struct.Struct("=QqiI")


class Agent:
    """Takes listeners at a socket and answers every system call; errors by number, anything else goes on."""

    def __init__(self, console: ConsoleSocket, errors: dict[int, int] | None = None) -> None:
        self.console = console
        self.errors = errors or {}
        self.states: list[dict[str, Any]] = []
        self.calls: list[int] = []
        self.ended = threading.Event()
        self.listeners: list[int] = []
        self.connections: list[socket.socket] = []
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def _accept(self) -> None:
        while not self.ended.is_set():
            if not select.select([self.console.listener], [], [], 0.05)[0]:
                continue
            connection = self.console.accept()
            payload, fds, _, _ = socket.recv_fds(connection, 1 << 16, 8)
            self.connections.append(connection)
            self.states.append(json.loads(payload))
            self.listeners += fds
            self.threads.append(threading.Thread(target=self._answer, args=(fds[0],), daemon=True))
            self.threads[-1].start()

    def closed(self) -> bool:
        """Whether every connection has ended, with nothing after its first message."""
        for connection in self.connections:
            if not select.select([connection], [], [], 0)[0]:
                return False
            assert connection.recv(1) == b"", "more than one message on the connection"
        return True

    def _answer(self, listener: int) -> None:
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        while not self.ended.is_set():
            for _, events in poll.poll(50):
                if events & (select.POLLHUP | select.POLLERR):
                    return
                self._answer_one(listener)

    def _answer_one(self, listener: int) -> None:
        asked = bytearray(NOTIFICATION.size)
        try:
            fcntl.ioctl(listener, RECEIVE, asked)
            key, _, _, number, *_ = NOTIFICATION.unpack(asked)
            self.calls.append(number)
            error = self.errors.get(number, 0)
            fcntl.ioctl(listener, SEND, RESPONSE.pack(key, 0, -error, 0 if error else CONTINUE))
        except OSError as failure:
            if failure.errno != errno.ENOENT:  # the caller was killed meanwhile
                raise

    def close(self) -> None:
        """Stop answering and close the listeners, as an agent that dies."""
        self.ended.set()
        for thread in self.threads:
            thread.join(5)
        for connection in self.connections:
            connection.close()
        for fd in self.listeners:
            os.close(fd)
        self.listeners.clear()
