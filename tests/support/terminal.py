"""A terminal for a runtime in the foreground: the test holds the master, the runtime gets the slave."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence

from tests.support.console import read_all, read_until
from tests.support.process import TIMEOUT


class Terminal:
    """A pty with ``rows`` and ``columns``."""

    def __init__(self, rows: int = 24, columns: int = 80) -> None:
        self.master, self.slave = os.openpty()
        self.resize(rows, columns)

    def resize(self, rows: int, columns: int) -> None:
        """Change the size; the foreground process group gets SIGWINCH."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def size(self) -> tuple[int, int]:
        """(rows, columns)."""
        return window_size(self.master)

    def spawn(self, words: Sequence[str], env: Mapping[str, str], cwd: str) -> subprocess.Popen[bytes]:
        """Start ``words`` in a new session with the pty as controlling terminal and all three descriptors."""
        return subprocess.Popen(
            ["/usr/bin/setsid", "--ctty", "--wait", *words],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env=dict(env),
            cwd=cwd,
        )

    def type(self, text: str) -> None:
        """Write to the terminal as a keyboard would."""
        os.write(self.master, text.encode())

    def read_until(self, text: str) -> str:
        """What appears on the terminal, up to and with ``text``."""
        return read_until(self.master, text)

    def finish(self, process: subprocess.Popen[bytes]) -> tuple[int, str]:
        """The exit status, and what else appeared on the terminal."""
        code = process.wait(TIMEOUT)
        os.close(self.slave)
        self.slave = -1
        return code, read_all(self.master)

    def attributes(self) -> list[object]:
        """tcgetattr(3)."""
        held: list[object] = termios.tcgetattr(self.master)
        return held

    def close(self) -> None:
        """Close both ends."""
        os.close(self.master)
        if self.slave >= 0:
            os.close(self.slave)


def window_size(fd: int) -> tuple[int, int]:
    """(rows, columns) of a terminal."""
    rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8)))
    return rows, columns
