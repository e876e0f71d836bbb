"""A command that is run to its end with what it says kept in memory.

The standard library's module for this costs every verb 17 ms of imports; here it is fork(2), execve(2) and poll(2).
"""

from __future__ import annotations

import _signal
import os
import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

LARGEST = 1 << 20
"""Bytes of output that are kept; what comes behind them is read and thrown away."""
CHUNK = 1 << 16
STATUS = 3
"""Where a child has the pipe that tells why it could not execute the command."""
PAUSE = 0.001


def run_command(
    words: list[str], environment: dict[str, str], given: bytes, seconds: float
) -> tuple[int, bytes, bytes]:
    """Run a command in a session of its own, in ``/``, with ``given`` as its standard input.

    Returns:
        Its exit status, or the negative number of the signal that killed it; its output; its errors.

    Raises:
        OSError: it cannot be executed.
        TimeoutError: it did not end in time, and has been killed.
    """
    child = Child(words, environment, given)
    try:
        return child.conversation(given, time.monotonic() + seconds)
    except BaseException:
        child.end()
        raise
    finally:
        child.close()


class Child:
    """A command that has been started, and our ends of its pipes."""

    def __init__(self, words: list[str], environment: dict[str, str], given: bytes):
        source, self.feed = os.pipe() if given else (os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC), -1)
        self.out, told = os.pipe()
        self.err, erred = os.pipe()
        self.failure, failed = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            execute(words, environment, (source, told, erred), failed)
        for descriptor in (source, told, erred, failed):
            os.close(descriptor)

    def conversation(self, given: bytes, end: float) -> tuple[int, bytes, bytes]:
        """Feed it, hear it, and wait for it."""
        number = os.read(self.failure, CHUNK)
        if number:
            raise OSError(int(number), os.strerror(int(number)))
        if given:
            self.give(given)
        output, errors = self.hear(end)
        while True:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            if found:
                self.pid = 0
                return os.waitstatus_to_exitcode(status), output, errors
            time.sleep(min(PAUSE, left(end)))

    def give(self, given: bytes) -> None:
        """Write its input, which is less than a pipe holds; one that reads nothing is no failure."""
        try:
            os.write(self.feed, given)
        except BrokenPipeError:
            pass
        os.close(self.feed)
        self.feed = -1

    def hear(self, end: float) -> tuple[bytes, bytes]:
        """Read both pipes to their ends."""
        held = {self.out: bytearray(), self.err: bytearray()}
        poll = select.poll()
        for descriptor in held:
            poll.register(descriptor, select.POLLIN)
        ended = 0
        while ended < len(held):
            for descriptor, _ in poll.poll(left(end) * 1000):
                part = os.read(descriptor, CHUNK)
                held[descriptor] += part[: LARGEST - len(held[descriptor])]
                if not part:
                    poll.unregister(descriptor)
                    ended += 1
        return bytes(held[self.out]), bytes(held[self.err])

    def end(self) -> None:
        """Kill it, and all that it has started in its session, and reap it."""
        if not self.pid:
            return
        for kill in (os.killpg, os.kill):
            try:
                kill(self.pid, _signal.SIGKILL)
            except ProcessLookupError:
                continue
        os.waitpid(self.pid, 0)

    def close(self) -> None:
        """Close our ends."""
        for descriptor in (self.feed, self.out, self.err, self.failure):
            if descriptor >= 0:
                os.close(descriptor)


def left(end: float) -> float:
    """The seconds until then.

    Raises:
        TimeoutError: there are none.
    """
    seconds = end - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def execute(words: list[str], environment: dict[str, str], stdio: tuple[int, int, int], failed: int) -> NoReturn:
    """Become the command, in a fork; if that cannot be, the errno goes into the pipe ``failed``."""
    try:
        os.setsid()
        os.chdir("/")
        for number, descriptor in enumerate(stdio):
            os.dup2(descriptor, number)
        if failed != STATUS:
            os.dup2(failed, STATUS, inheritable=False)
        os.closerange(STATUS + 1, os.sysconf("SC_OPEN_MAX"))
        for signal in (_signal.SIGPIPE, _signal.SIGXFSZ):
            _signal.signal(signal, _signal.SIG_DFL)
        os.execve(words[0], words, environment)
    except OSError as error:
        os.write(STATUS, str(error.errno).encode())
    finally:
        os._exit(1)
