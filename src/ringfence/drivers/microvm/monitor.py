"""Speaking with QEMU's monitor over a borrowed descriptor (QEMU Machine Protocol Specification).

One caller speaks at a time: whoever does holds the container's lock. What an earlier one left unread, its reply to a
command that came too late among it, is passed over.
"""

from __future__ import annotations

import posix

from ringfence.errors import RingfenceError, from_os_error
from ringfence.jsontext import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

PATIENCE = 5000
"""Milliseconds for a reply."""
LONGEST = 1 << 20
PIECE = 1 << 16
MEMBER = "return"


class Monitor:
    """A connection to the monitor; use it as a context manager. It closes the descriptor."""

    def __init__(self, descriptor: int, patience: int = PATIENCE) -> None:
        self.descriptor, self.patience = descriptor, patience
        self.waiting = b""
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        posix.close(self.descriptor)

    def greet(self) -> None:
        """Settle the protocol; a monitor that has done so refuses the command, which is as good.

        Raises:
            RingfenceError: there is no answer, or none that QEMU gives.
        """
        self.asked("qmp_capabilities", {})

    def ask(self, command: str, **arguments: Any) -> Any:
        """What QEMU returns for a command.

        Raises:
            RingfenceError: it refuses, does not answer in time, or what it says is no reply.
        """
        reply = self.asked(command, arguments)
        if MEMBER in reply:
            return reply[MEMBER]
        error = reply.get("error")
        told = error.get("desc") if isinstance(error, dict) else error
        raise RingfenceError(f"QEMU refuses {command}: {told}")

    def give(self, name: str, descriptor: int) -> None:
        """Hand QEMU a descriptor that later commands call by a name (getfd).

        Raises:
            RingfenceError: as ``ask``.
        """
        import _socket

        socket = _socket.socket(fileno=posix.dup(self.descriptor))
        rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptor.to_bytes(4, "little"))]
        try:
            # With the first byte of the command behind it: what is handed over stays with QEMU's end of the connection.
            socket.sendmsg([b" "], rights)
        except OSError as error:
            raise from_os_error("cannot reach QEMU", error) from None
        finally:
            socket.close()
        self.ask("getfd", fdname=name)

    def asked(self, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Send a command; its reply, behind whatever events come before."""
        self.count += 1
        name = f"{posix.getpid()}-{self.count}-{posix.urandom(4).hex()}"
        words = {"execute": command, "id": name, **({"arguments": arguments} if arguments else {})}
        self.send(dumps(words).encode() + b"\n", command)
        while True:
            message = self.message(command)
            if message.get("id") == name:
                return message

    def send(self, data: bytes, command: str) -> None:
        """Write all of it."""
        from select import POLLOUT

        while data:
            self.wait(POLLOUT, command)
            try:
                data = data[posix.write(self.descriptor, data[:PIECE]) :]
            except OSError as error:
                raise from_os_error("cannot reach QEMU", error) from None

    def message(self, command: str) -> dict[str, Any]:
        """The next line, decoded."""
        line = self.line(command)
        try:
            found = loads(line.decode("utf-8"))
        except (RingfenceError, UnicodeDecodeError):
            found = None
        if not isinstance(found, dict):
            raise RingfenceError("QEMU's monitor does not speak its protocol")
        return found

    def line(self, command: str) -> bytes:
        """The next line."""
        from select import POLLIN

        while b"\n" not in self.waiting:
            if len(self.waiting) > LONGEST:
                raise RingfenceError("QEMU's monitor says more in one line than it may")
            self.wait(POLLIN, command)
            try:
                piece = posix.read(self.descriptor, PIECE)
            except OSError as error:
                raise from_os_error("cannot reach QEMU", error) from None
            if not piece:
                raise RingfenceError("QEMU has ended")
            self.waiting += piece
        line, _, self.waiting = self.waiting.partition(b"\n")
        return line

    def wait(self, what: int, command: str) -> None:
        """Return when the descriptor can be read from or written to."""
        from select import poll

        waiter = poll()
        waiter.register(self.descriptor, what)
        if not waiter.poll(self.patience):
            raise RingfenceError(f"QEMU does not answer {command}")
