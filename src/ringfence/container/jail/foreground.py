"""A jail's process in the foreground: its bytes, signals and terminal, until it ends (JAIL-RUN-03).

The process is our child; that one has ended is told by SIGCHLD through a pipe, so nothing is polled.
"""

from __future__ import annotations

import os
import select
import signal

from ringfence.container.foreground import Foreground, forward_signals
from ringfence.container.stdio import awaited, exit_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.stdio import Flow

CHUNK = 4096


class JailForeground(Foreground):
    """The caller's side of a process that has no pidfd. FreeBSD's pipes have no owners that could be changed."""

    def __init__(self, terminal: bool):
        super().__init__(terminal, -1)

    @property
    def console(self) -> int:
        """The descriptor that takes the terminal's master, -1 without a terminal."""
        return self.given.get("console", -1)

    def wait_for_end(self, pid: int) -> int:
        """Pass bytes and signals until the process ends; returns its exit status, 128 and the number for a signal."""
        woken, wake = os.pipe()
        for end in (woken, wake):
            os.set_blocking(end, False)
        flows: list[Flow] = self.attach()
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        forward_signals(pid, self.terminal.resize if self.terminal else None)
        before = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        try:
            return self.pumped(pid, woken, flows)
        finally:
            signal.set_wakeup_fd(before)
            if self.terminal:
                self.terminal.leave()
            os.close(woken)
            os.close(wake)

    def pumped(self, pid: int, woken: int, flows: list[Flow]) -> int:
        """Move bytes until the process has ended, and what it wrote before."""
        while True:
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                break
            ready = awaited(flows, {woken: select.POLLIN})
            if woken in ready:
                os.read(woken, CHUNK)
            for flow in flows:
                flow.move(ready)
        for flow in flows[1:]:
            flow.drain()
        return exit_status(status)
