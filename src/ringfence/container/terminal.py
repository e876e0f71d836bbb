"""A terminal in the foreground: the caller's own in raw mode, its size passed on, its mode restored at the end."""

from __future__ import annotations

import posix
import termios

from ringfence.errors import RingfenceError, from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from typing import Any

WINDOW_SIZE = 8


def caller_terminal() -> int:
    """A descriptor of the caller's terminal: stdin, stdout or stderr if one is, else /dev/tty (LNX-LIFE-18).

    Raises:
        RingfenceError: there is none.
    """
    for descriptor in (0, 1, 2):
        if posix.isatty(descriptor):
            return posix.dup(descriptor)
    try:
        return posix.open("/dev/tty", posix.O_RDWR | posix.O_CLOEXEC)
    except OSError as error:
        raise from_os_error(
            "open /dev/tty", error, field="/process/terminal", hint="run it from a terminal, or detached"
        ) from None


def console_pair() -> tuple[_socket.socket, _socket.socket]:
    """Two connected sockets, over one of which the process hands out its terminal's master."""
    import _socket

    ends = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    return ends[0], ends[1]


def receive_master(end: _socket.socket) -> int:
    """The master's descriptor from the process.

    Raises:
        RingfenceError: none came.
    """
    import _socket

    _, ancillary, _, _ = end.recvmsg(4096, _socket.CMSG_SPACE(4), _socket.MSG_CMSG_CLOEXEC)
    for level, kind, data in ancillary:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS and len(data) >= 4:
            return int.from_bytes(data[:4], "little")
    raise RingfenceError("the process handed over no terminal")


class Terminal:
    """The caller's terminal while a process has it; ``caller`` is -1 where there is none."""

    def __init__(self, master: int, caller: int):
        self.master = master
        self.caller = caller
        self.before: list[Any] = termios.tcgetattr(caller) if caller >= 0 else []

    def enter(self) -> None:
        """Raw mode for the caller (LNX-TTY-04)."""
        if self.caller < 0:
            return
        termios.tcsetattr(self.caller, termios.TCSANOW, raw_mode(self.before))
        self.resize()

    def resize(self) -> None:
        """Give the process' terminal the size of the caller's."""
        import fcntl

        if self.caller < 0:
            return
        size = fcntl.ioctl(self.caller, termios.TIOCGWINSZ, bytes(WINDOW_SIZE))
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def leave(self) -> None:
        """Put the caller's mode back."""
        if self.caller >= 0:
            termios.tcsetattr(self.caller, termios.TCSADRAIN, self.before)
            posix.close(self.caller)
        posix.close(self.master)


def raw_mode(attributes: list[Any]) -> list[Any]:
    """The attributes of a terminal in raw mode (termios(3), cfmakeraw).

    The container's own terminal puts the carriage returns, so a second one from here is not wanted (LNX-TTY-06). They
    are not taken away there, because the program may have written before this side has got hold of the terminal.
    """
    iflag, oflag, cflag, lflag, ispeed, ospeed, chars = attributes
    iflag &= ~(
        termios.IGNBRK
        | termios.BRKINT
        | termios.PARMRK
        | termios.ISTRIP
        | termios.INLCR
        | termios.IGNCR
        | termios.ICRNL
        | termios.IXON
    )
    cflag = cflag & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    lflag &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    chars = list(chars)
    chars[termios.VMIN], chars[termios.VTIME] = 1, 0
    return [iflag, oflag & ~termios.OPOST, cflag, lflag, ispeed, ospeed, chars]
