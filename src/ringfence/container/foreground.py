"""A process in the foreground: its bytes, its signals and its terminal, until it ends."""

from __future__ import annotations

import posix

from ringfence.container.stdio import Flow, Pipes, make_pipes, wait_for
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable

    from ringfence.container.notify import Relay
    from ringfence.container.terminal import Terminal

PR_SET_CHILD_SUBREAPER = 36


class Foreground:
    """The caller's side of a process in the foreground, from before its birth to its end.

    ``owner`` is the host's id of the process' user, -1 where it is not known. ``needs_caller``: without a terminal of
    the caller's a process does not get one either; else its own is only copied (OLD-SYSTEMD-02).
    """

    def __init__(self, terminal: bool, owner: int, *, needs_caller: bool = True):
        self.pipes: Pipes | None = None
        self.terminal: Terminal | None = None
        self.ends: tuple[_socket.socket, _socket.socket] | None = None
        self.caller = -1
        if not terminal:
            self.pipes = make_pipes(owner)
            return
        from ringfence.container.terminal import caller_terminal, console_pair

        try:
            self.caller = caller_terminal()
        except RingfenceError:
            if needs_caller:
                raise
        self.ends = console_pair()

    @property
    def stdio(self) -> tuple[int, int, int] | None:
        """What the process gets as 0, 1 and 2; its terminal comes from inside."""
        return self.pipes.theirs if self.pipes else None

    @property
    def given(self) -> dict[str, int]:
        """Descriptors for the plan's slots."""
        return {"console": self.ends[1].fileno()} if self.ends else {}

    def attach(self) -> list[Flow]:
        """After the birth: let go of the process' ends, take the terminal."""
        if self.pipes:
            self.pipes.close_theirs()
            return self.pipes.flows()
        from ringfence.container.terminal import Terminal, receive_master

        assert self.ends is not None
        self.ends[1].close()
        self.terminal = Terminal(receive_master(self.ends[0]), self.caller)
        self.terminal.enter()
        posix.set_blocking(self.terminal.master, False)
        master = self.terminal.master
        return [Flow(0, master, closes=False), Flow(master, 1, closes=False)]

    def wait(self, pid: int, relay: Relay | None = None) -> int:
        """Pass bytes, signals and readiness until the process ends; returns its exit status (LNX-LIFE-12)."""
        flows: list[Flow | Relay] = [*self.attach()]
        if relay:
            relay.pid = pid
            flows.append(relay)
        forward_signals(pid, self.terminal.resize if self.terminal else None)
        try:
            return wait_for(pid, flows)
        finally:
            if self.terminal:
                self.terminal.leave()


def forward_signals(pid: int, resize: Callable[[], None] | None) -> None:
    """Pass every catchable signal on to the process; a new window size goes to its terminal (LNX-LIFE-15)."""
    # The C module alone: signal costs 4 ms of imports (enum).
    import _signal

    def forward(number: int, _frame: object) -> None:
        try:
            posix.kill(pid, number)
        except ProcessLookupError:
            return

    def resized(_number: int, _frame: object) -> None:
        if resize:
            resize()

    ours = (_signal.SIGKILL, _signal.SIGSTOP, _signal.SIGCHLD, _signal.SIGURG)
    for number in _signal.valid_signals():
        if number not in ours:
            set_handler(number, resized if number == _signal.SIGWINCH else forward)


def set_handler(number: int, handler: Callable[[int, object], None]) -> None:
    """Have a signal handled, if the C library does not keep it for its threads (FreeBSD's SIGTHR)."""
    import _signal

    try:
        _signal.signal(number, handler)
    except OSError:
        return


def become_subreaper() -> None:
    """Adopt what the container leaves behind (LNX-LIFE-08; prctl(2), Linux 3.4)."""
    # 3 ms of imports, paid only by a foreground container without a pid namespace.
    import ctypes

    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise RingfenceError("cannot become child subreaper")
