"""One conversation with a CRIU that serves this process alone (``criu swrk``)."""

from __future__ import annotations

import os
from _socket import (
    AF_UNIX,
    CMSG_SPACE,
    MSG_CMSG_CLOEXEC,
    SCM_RIGHTS,
    SOCK_CLOEXEC,
    SOCK_SEQPACKET,
    SOL_SOCKET,
    socketpair,
)

from ringfence.criu.wire import (
    NOTIFY,
    decode_answer,
    encode_acknowledgement,
    encode_feature_check,
    encode_request,
)
from ringfence.errors import RingfenceError, from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ringfence.criu.wire import Answer

    Told = Callable[[Answer, list[int]], None]

ANSWER_SIZE = 65536
SOCKET_NUMBER = 3
FIRST_EXTRA = SOCKET_NUMBER + 1
LOG_LINES = 3


def find_criu(asked: str, environment: dict[str, str]) -> str:
    """The program: the one asked for, else the first in the caller's PATH (LNX-CR-01).

    Raises:
        RingfenceError: there is none.
    """
    name = asked or "criu"
    folders = [""] if "/" in name else environment.get("PATH", "").split(":")
    for folder in folders:
        path = os.path.join(folder, name) if folder else name
        if os.path.isabs(os.path.abspath(path)) and os.access(path, os.X_OK) and os.path.isfile(path):
            return os.path.abspath(path)
    raise RingfenceError(
        f'exec: "{name}": executable file not found in $PATH', hint="checkpoints need the program criu"
    )


class Session:
    """A running CRIU. ``extra`` descriptors become 4, 5, … in it; ``stdio`` its 0, 1 and 2."""

    def __init__(
        self,
        program: str,
        extra: tuple[int, ...] = (),
        stdio: tuple[int, int, int] | None = None,
    ) -> None:
        self.end, far = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC)
        try:
            self.pid = spawn(program, far.fileno(), extra, stdio)
        finally:
            far.close()

    def close(self) -> bool:
        """Hang up and wait for CRIU's end; whether it ended well."""
        self.end.close()
        _pid, status = os.waitpid(self.pid, 0)
        return status == 0

    def send(self, raw: bytes) -> None:
        """Send one message.

        Raises:
            RingfenceError: CRIU has gone.
        """
        try:
            self.end.send(raw)
        except OSError as error:
            raise from_os_error("CRIU ended", error) from None

    def receive(self) -> tuple[Answer, list[int]]:
        """The next answer, and descriptors that came with it.

        Raises:
            RingfenceError: CRIU has gone, or talks nonsense.
        """
        raw, ancillary, _flags, _address = self.end.recvmsg(ANSWER_SIZE, CMSG_SPACE(4), MSG_CMSG_CLOEXEC)
        found = [
            int.from_bytes(data[:4], "little")
            for level, kind, data in ancillary
            if level == SOL_SOCKET and kind == SCM_RIGHTS and len(data) >= 4
        ]
        if not raw:
            raise RingfenceError("CRIU ended without an answer")
        return decode_answer(raw), found

    def ask(self, kind: int, options: dict[str, Any], told: Told) -> Answer:
        """Have something done; ``told`` hears of every moment and may refuse it by an exception.

        Raises:
            RingfenceError: CRIU could not do it.
        """
        self.send(encode_request(kind, options))
        while True:
            answer, descriptors = self.receive()
            if answer.type != NOTIFY:
                break
            told(answer, descriptors)
            self.send(encode_acknowledgement())
        if not answer.success or answer.type != kind:
            words = answer.text or (os.strerror(-answer.errno) if answer.errno < 0 else f"errno {answer.errno}")
            raise RingfenceError(f"criu failed: type {answer.type} {words.lower()}")
        return answer

    def check(self, mem_track: bool, lazy_pages: bool) -> None:
        """See that the kernel can do what is asked for.

        Raises:
            RingfenceError: it cannot.
        """
        self.send(encode_feature_check(mem_track, lazy_pages))
        answer, _ = self.receive()
        lacking = [
            name
            for name, asked, given in (
                ("memory tracking", mem_track, answer.mem_track),
                ("lazy pages", lazy_pages, answer.lazy_pages),
            )
            if asked and not given
        ]
        if lacking:
            raise RingfenceError(f"CRIU is missing features on this kernel: {', '.join(lacking)}")


def spawn(
    program: str,
    far: int,
    extra: tuple[int, ...],
    stdio: tuple[int, int, int] | None,
) -> int:
    """Start CRIU with nothing open but what it is given."""
    pid = os.fork()
    if pid:
        return pid
    try:
        lowest = SOCKET_NUMBER + 1 + len(extra)
        import fcntl

        held = [
            fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, lowest + 3) for number in (*(stdio or (0, 1, 2)), far, *extra)
        ]
        for number, copy in enumerate(held):
            os.dup2(copy, number, inheritable=True)
        os.closerange(lowest, 65536)
        os.execve(program, [program, "swrk", str(SOCKET_NUMBER)], {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    except BaseException as error:  # whatever it is, this process must not go on as the runtime
        os.write(2, f"cannot start criu: {error}\n".encode())
        os._exit(1)


def logged_errors(folder: str, name: str) -> str:
    """The last lines about errors in CRIU's own log, "" where there are none."""
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file if "Error" in line]
    except OSError:
        return ""
    return "; ".join(lines[-LOG_LINES:])
