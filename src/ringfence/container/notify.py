"""Readiness: what the program says on its notify socket is passed on to the caller's (sd_notify(3), LNX-FILE-08)."""

from __future__ import annotations

import posix
import select

from ringfence import paths
from ringfence.container.record import NOTIFY, NOTIFY_NAME
from ringfence.errors import from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

MESSAGE_SIZE = 4096
BARRIER_MILLISECONDS = 30_000


class Relay:
    """The host's end of a container's notify socket; moves like the flows of stdio.

    The folder is what the container sees, so a socket bound anew by ``start`` takes the place of that of ``create``.
    ``main`` is the pid the caller is told, that of the program if it is 0.
    """

    def __init__(self, directory: str, caller: str, main: int = 0):
        import _socket

        self.caller = "\0" + caller[1:] if caller.startswith("@") else caller
        self.path = f"{directory}/{NOTIFY}/{NOTIFY_NAME}"
        self.pid = 0
        self.main = main
        self.ready = False
        self.socket: _socket.socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
        try:
            if paths.exists(self.path):
                posix.unlink(self.path)
            self.socket.bind(self.path)
            posix.chmod(self.path, 0o777)
        except OSError as error:
            raise from_os_error(f"cannot make the notify socket {self.path}", error) from None

    def interest(self, poll: dict[int, int]) -> None:
        """Poll for what the program says."""
        poll[self.socket.fileno()] = select.POLLIN

    def move(self, ready: dict[int, int]) -> None:
        """Pass on READY=1, once, with the pid the caller knows the program by; nothing else the container says."""
        if self.socket.fileno() not in ready:
            return
        lines = self.socket.recv(MESSAGE_SIZE).split(b"\n")
        if b"READY=1" in lines and not self.ready:
            self.ready = True
            self.tell()

    def tell(self) -> None:
        """Tell the caller, and wait until it has taken note, for at most 30 s.

        Raises:
            RingfenceError: the caller's socket has gone.
        """
        import _socket

        near, far = posix.pipe()
        try:
            self.socket.sendto(b"READY=1\nMAINPID=%d" % (self.main or self.pid), self.caller)
            rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, far.to_bytes(4, "little"))]
            self.socket.sendmsg([b"BARRIER=1"], rights, 0, self.caller)
        except OSError as error:
            posix.close(near)
            raise from_os_error("cannot notify the caller", error) from None
        finally:
            posix.close(far)
        poll = select.poll()
        poll.register(near, select.POLLIN)
        poll.poll(BARRIER_MILLISECONDS)
        posix.close(near)

    def drain(self) -> None:
        """Nothing is kept back."""

    def wait(self, pid: int) -> None:
        """Wait until the program is ready or has ended."""
        self.pid = pid
        process = posix.pidfd_open(pid)
        try:
            poll = select.poll()
            poll.register(process, select.POLLIN)
            poll.register(self.socket.fileno(), select.POLLIN)
            while not self.ready:
                ready = dict(poll.poll())
                self.move(ready)
                if process in ready:
                    return
        finally:
            posix.close(process)
            self.socket.close()


def make_folder(directory: str) -> None:
    """The folder that is shown to the container at /run/notify; its user must reach it."""
    posix.mkdir(f"{directory}/{NOTIFY}", 0o755)
    posix.chmod(f"{directory}/{NOTIFY}", 0o755)
