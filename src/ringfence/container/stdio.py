"""The foreground's descriptors: pipes or a terminal between the caller and the process, and the wait for its end."""

from __future__ import annotations

import posix
import select

from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringfence.container.notify import Relay

CHUNK = 65536


class Flow:
    """Bytes on their way from one descriptor to another; neither side is ever waited for."""

    def __init__(self, source: int, sink: int, *, closes: bool):
        self.source = source
        self.sink = sink
        self.closes = closes
        self.waiting = b""
        self.ended = False

    @property
    def finished(self) -> bool:
        """Whether nothing more will come and nothing is left to be written."""
        return self.ended and not self.waiting

    def interest(self, poll: dict[int, int]) -> None:
        """Say what to poll for: room at the sink if something waits, else more from the source."""
        if self.waiting:
            poll[self.sink] = poll.get(self.sink, 0) | select.POLLOUT
        elif not self.ended:
            poll[self.source] = poll.get(self.source, 0) | select.POLLIN

    def move(self, ready: dict[int, int]) -> None:
        """Read if the source is ready, write if the sink is."""
        if not self.waiting and not self.ended and self.source in ready:
            self.take()
        if self.waiting:
            self.give()
        if self.finished and self.closes:
            posix.close(self.sink)
            self.closes = False

    def take(self) -> bool:
        """Read what there is; False when there was nothing."""
        try:
            self.waiting = posix.read(self.source, CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            # EIO: the last process has closed a terminal; ECONNRESET and the like: the other side has gone.
            self.waiting = b""
        self.ended = not self.waiting
        return not self.ended

    def give(self) -> None:
        """Write what the sink takes; a reader that has gone ends the flow."""
        try:
            self.waiting = self.waiting[posix.write(self.sink, self.waiting) :]
        except BlockingIOError:
            return
        except OSError:
            self.waiting, self.ended = b"", True

    def drain(self) -> None:
        """Pass on everything that has been written before the process ended (LNX-LIFE-16)."""
        while not self.ended or self.waiting:
            if not self.waiting and not self.take():
                return
            if self.waiting:
                self.give()
                if self.waiting:
                    select.select([], [self.sink], [])


class Pipes(Record):
    """Three pipes for a process without a terminal: its ends, ours, and the flows between ours and the caller's."""

    theirs: tuple[int, int, int]
    ours: tuple[int, int, int]

    def flows(self) -> list[Flow]:
        """stdin inwards, stdout and stderr outwards."""
        into, out, err = self.ours
        for descriptor in self.ours:
            posix.set_blocking(descriptor, False)
        return [Flow(0, into, closes=True), Flow(out, 1, closes=False), Flow(err, 2, closes=False)]

    def close_theirs(self) -> None:
        """After the birth only the process holds its ends."""
        for descriptor in self.theirs:
            posix.close(descriptor)


def make_pipes(owner: int) -> Pipes:
    """Pipes between the caller and the process, whose user may open them again (LNX-LIFE-16, LNX-LIFE-17).

    ``owner`` is the host's id of that user, -1 where it is not known.
    """
    stdin, into = posix.pipe()
    out, stdout = posix.pipe()
    err, stderr = posix.pipe()
    theirs = (stdin, stdout, stderr)
    if posix.geteuid() == 0 and owner >= 0:
        # Inside a user namespace nobody may: the pipes would belong to an id that is not mapped there.
        for descriptor in theirs:
            posix.fchown(descriptor, owner, -1)
    return Pipes(theirs, (into, out, err))


def wait_for(pid: int, flows: list[Flow | Relay]) -> int:
    """Pass bytes until a child of ours ends; returns its exit status, 128 and the signal's number for a killed one."""
    process = posix.pidfd_open(pid)
    try:
        pump(process, flows)
    finally:
        posix.close(process)
    for flow in flows[1:]:
        flow.drain()
    return exit_status(posix.waitpid(pid, 0)[1])


def pump(process: int, flows: list[Flow | Relay]) -> None:
    """Move bytes until the process has ended."""
    while process not in (ready := awaited(flows, {process: select.POLLIN})):
        for flow in flows:
            flow.move(ready)


def awaited(flows: Sequence[Flow | Relay], wanted: dict[int, int]) -> dict[int, int]:
    """Wait for what the flows can do, or for what else is ``wanted``: descriptors and what they are ready for."""
    for flow in flows:
        flow.interest(wanted)
    poll = select.poll()
    for descriptor, events in wanted.items():
        poll.register(descriptor, events)
    return dict(poll.poll())


def exit_status(status: int) -> int:
    """What a shell would say of a wait status (LNX-LIFE-12)."""
    return posix.waitstatus_to_exitcode(status) if posix.WIFEXITED(status) else 128 + posix.WTERMSIG(status)
