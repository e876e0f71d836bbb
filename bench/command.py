"""Run one command and measure it: wall time, and the CPU time of everything that ended on its behalf.

``posix_spawn`` and ``wait4`` keep the bench's own share small. The bench is a subreaper, as an engine's shim is: a
container's init becomes its child and is reaped at once. Otherwise a runtime that waits for an init to vanish would be
measured waiting for the bench.
"""

from __future__ import annotations

import ctypes
import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
SHORT_WAIT = 10.0


class CommandError(Exception):
    """A measured command did not end with exit status 0."""


@dataclass(frozen=True)
class Sample:
    """Milliseconds."""

    wall: float
    cpu: float

    def __add__(self, other: Sample) -> Sample:
        return Sample(self.wall + other.wall, self.cpu + other.cpu)


def become_subreaper() -> None:
    """Make orphaned descendants children of this process (Linux 3.4).

    Raises:
        OSError: when the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def cpu_of(usage: resource.struct_rusage) -> float:
    return (usage.ru_utime + usage.ru_stime) * 1000


class Bench:
    """Measures commands; their standard error goes to a file below ``scratch``, all else to /dev/null."""

    def __init__(self, scratch: Path) -> None:
        self.errors = str(scratch / "stderr")
        self.reaped: set[int] = set()

    def measure(self, *words: str) -> Sample:
        """Run ``words`` to their end.

        Raises:
            CommandError: with the command's standard error, when the exit status is not 0.
        """
        begin = time.perf_counter()
        pid = os.posix_spawn(words[0], words, ENVIRONMENT, file_actions=self._files())
        status, cpu = self._wait(pid)
        taken = (time.perf_counter() - begin) * 1000
        if status != 0:
            told = Path(self.errors).read_text(errors="replace").strip()
            raise CommandError(f"{' '.join(words)}: wait status {status:#x}: {told}")
        return Sample(taken, cpu)

    def _files(self) -> list[tuple[int, int, str, int, int]]:
        return [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, self.errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        ]

    def _wait(self, pid: int) -> tuple[int, float]:
        """Reap until ``pid`` has ended. Returns its wait status and the CPU milliseconds of all that were reaped."""
        cpu = 0.0
        while True:
            ended, status, usage = os.wait4(-1, 0)
            cpu += cpu_of(usage)
            if ended == pid:
                return status, cpu
            self.reaped.add(ended)

    def wait_for(self, pid: int) -> None:
        """Reap until the container's init ``pid`` is gone; not measured.

        Raises:
            CommandError: when it still lives after ten seconds.
        """
        end = time.monotonic() + SHORT_WAIT
        while pid not in self.reaped:
            ended = os.waitpid(-1, os.WNOHANG)[0]
            self.reaped.add(ended)
            if ended == 0:
                time.sleep(0.0005)
            if time.monotonic() > end:
                raise CommandError(f"process {pid} did not end")
        self.reaped.clear()
