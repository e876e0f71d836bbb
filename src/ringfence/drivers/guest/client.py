"""Speaking with a container's supervisor: frames over a socket in its state folder."""

from __future__ import annotations

import posix

from ringfence.errors import RingfenceError, from_os_error
from ringfence.plan.frames import HEAD, LARGEST, NUMBERS, TYPES
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from typing import Self

SOCKET = "control.sock"


class Frame(Record):
    """One message; see plan/frames.py."""

    type: str
    data: bytes = b""
    stream: int = 0
    process: int = 0


def encode(frame: Frame) -> bytes:
    """A frame as it is sent."""
    head = len(frame.data).to_bytes(4, "little") + frame.process.to_bytes(2, "little")
    return head + bytes((NUMBERS[frame.type], frame.stream)) + frame.data


def parse(data: bytes) -> tuple[list[Frame], bytes]:
    """The whole frames in the bytes, and the rest that waits for more.

    Raises:
        RingfenceError: a frame that cannot be: whoever sent it does not keep to the protocol.
    """
    found = []
    while len(data) >= HEAD:
        size, kind = int.from_bytes(data[:4], "little"), data[6]
        if size > LARGEST or not 1 <= kind <= len(TYPES):
            raise RingfenceError("the supervisor does not speak our protocol")
        if len(data) < HEAD + size:
            break
        found.append(Frame(TYPES[kind - 1], data[HEAD : HEAD + size], data[7], int.from_bytes(data[4:6], "little")))
        data = data[HEAD + size :]
    return found, data


def place(directory: str, name: str) -> tuple[int, str]:
    """A path of a socket that fits into an address whatever its folder's length, and the descriptor it needs."""
    folder = posix.open(directory, posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC)
    return folder, f"/proc/self/fd/{folder}/{name}"


def listen(directory: str, name: str) -> _socket.socket:
    """A listening socket in a state folder, for its own user alone (MVM-SUPERVISOR-08).

    Raises:
        OSError: it cannot be made.
    """
    # The C module alone: the socket package costs 6 ms of imports.
    import _socket

    folder, path = place(directory, name)
    listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        listener.bind(path)
        posix.chmod(path, 0o600)
        listener.listen(64)
    finally:
        posix.close(folder)
    return listener


def connect(directory: str, name: str) -> _socket.socket:
    """A connection to such a socket.

    Raises:
        OSError: nobody listens.
    """
    import _socket

    folder, path = place(directory, name)
    try:
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
        connection.connect(path)
    finally:
        posix.close(folder)
    return connection


class Client:
    """A connection to a supervisor; use it as a context manager."""

    def __init__(self, directory: str) -> None:
        self.waiting = b""
        try:
            self.socket = connect(directory, SOCKET)
        except OSError as error:
            raise from_os_error("cannot reach the container's supervisor", error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.socket.close()

    def send(self, kind: str, data: bytes = b"", stream: int = 0) -> None:
        """Send a frame.

        Raises:
            RingfenceError: the supervisor has ended.
        """
        try:
            self.socket.sendall(encode(Frame(kind, data, stream)))
        except OSError as error:
            raise from_os_error("cannot reach the container's supervisor", error) from None

    def hears(self, seconds: float) -> bool:
        """Whether something comes within so many seconds, the end of the line among it."""
        import select

        return bool(self.waiting) or bool(select.select([self.socket], [], [], seconds)[0])

    def receive(self) -> Frame:
        """Wait for the next frame.

        Raises:
            RingfenceError: the supervisor has ended.
        """
        while True:
            frames, rest = parse(self.waiting)
            if frames:
                self.waiting = b"".join(map(encode, frames[1:])) + rest
                return frames[0]
            try:
                data = self.socket.recv(LARGEST)
            except ConnectionResetError:
                data = b""  # it has ended with something of ours unread
            if not data:
                raise RingfenceError("the container has ended")
            self.waiting += data

    def borrow(self, what: int) -> int:
        """A descriptor of the supervisor's: its connection to the machine's monitor, or what frames.py names.

        Raises:
            RingfenceError: it lends none.
        """
        import _socket

        self.send("BORROW", stream=what)
        _, ancillary, _, _ = self.socket.recvmsg(64, _socket.CMSG_SPACE(4))
        for level, kind, data in ancillary:
            if (level, kind) == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS):
                return int.from_bytes(data[:4], "little")
        raise RingfenceError("the container has ended")

    def ask(self, kind: str, data: bytes = b"", stream: int = 0) -> Frame:
        """Send a frame and wait for the answer."""
        self.send(kind, data, stream)
        return self.receive()
