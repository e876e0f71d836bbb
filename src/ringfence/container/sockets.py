"""Descriptors handed to the caller over Unix sockets: the terminal's master, the process' pidfd."""

from __future__ import annotations

import posix

from ringfence import paths
from ringfence.errors import RingfenceError, from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

    from ringfence.container.runtime import Runtime


def connected(runtime: Runtime, path: str, words: str) -> _socket.socket:
    """A stream connection to a socket of the caller's, relative to its working directory (LNX-FILE-04).

    Raises:
        RingfenceError: nobody listens there, or the path names an abstract socket.
    """
    # The C module alone: the socket package costs 6 ms of imports.
    import _socket

    if not path or path.startswith(("@", "\0")):
        raise RingfenceError(f"{words} {path!r} is not a path in the file system")
    place = paths.join(runtime.cwd, path)
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        connection.connect(place)
    except OSError as error:
        connection.close()
        raise from_os_error(f"cannot connect to {words} {place}", error, hint="is anybody listening there?") from None
    return connection


def send_pidfd(runtime: Runtime, path: str, pid: int, payload: str) -> None:
    """Send a pidfd of a process (LNX-FILE-05).

    Raises:
        RingfenceError: nobody listens.
    """
    import _socket

    connection = connected(runtime, path, "pidfd socket")
    descriptor = posix.pidfd_open(pid)
    try:
        rights = descriptor.to_bytes(4, "little")
        connection.sendmsg([payload.encode()], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
    except OSError as error:
        raise from_os_error(f"cannot send the pidfd to {path}", error) from None
    finally:
        posix.close(descriptor)
        connection.close()


def check_terminal_options(terminal: bool, detached: bool, console_socket: str, *, given: bool) -> None:
    """A terminal needs somebody to hold it; nobody else may (LNX-LIFE-19, LNX-LIFE-20). ``given``: there is one.

    Raises:
        RingfenceError: the options contradict the configuration.
    """
    if terminal and detached and not console_socket and not given:
        raise RingfenceError(
            "cannot allocate tty if runc will detach without setting console socket",
            field="/process/terminal",
            hint="give --console-socket, or set terminal to false",
        )
    if console_socket and not (terminal and detached):
        raise RingfenceError(
            "cannot use console socket if runc will not detach or allocate tty", field="/process/terminal"
        )
