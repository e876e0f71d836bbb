"""Running a command with its output in files, and looking at processes through /proc."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

PR_SET_CHILD_SUBREAPER = 36
TIMEOUT = 300.0
COMMANDS: set[int] = set()  # children whose Process waits for them


@dataclass
class Result:
    """How a command ended: exit status as a shell shows it (128+N for signal N), standard output, standard error."""

    code: int
    out: str
    err: str

    def ok(self) -> Result:
        """The result itself.

        Raises:
            AssertionError: when the exit status is not 0.
        """
        assert self.code == 0, self
        return self


class Process:
    """A command that runs, with ``out`` and ``err`` as paths of the files its output goes to."""

    def __init__(
        self,
        words: Sequence[str],
        out: str,
        err: str,
        *,
        stdin: str | int | IO[bytes] | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        """Start ``words``; ``stdin`` is a text, a descriptor or file, or None for /dev/null."""
        self.out = out
        self.err = err
        with open(out, "ab") as out_file, open(err, "ab") as err_file:
            self.popen = subprocess.Popen(
                words,
                stdin=_stdin(stdin, out + ".in"),
                stdout=out_file,
                stderr=err_file,
                env=env,
                cwd=cwd,
                pass_fds=pass_fds,
            )
        self.pid = self.popen.pid
        COMMANDS.add(self.pid)

    def wait(self, timeout: float = TIMEOUT) -> Result:
        """The result, once the command has ended; the command is killed after ``timeout`` seconds.

        Raises:
            subprocess.TimeoutExpired: when it had to be killed.
        """
        try:
            code = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise
        finally:
            COMMANDS.discard(self.pid)
        return Result(code if code >= 0 else 128 - code, read_text(self.out), read_text(self.err))

    def send(self, number: int) -> None:
        """Signal the command."""
        self.popen.send_signal(number)

    def running(self) -> bool:
        """Whether it has not ended."""
        return self.popen.poll() is None


def _stdin(given: str | int | IO[bytes] | None, path: str) -> int | IO[bytes]:
    if given is None:
        return subprocess.DEVNULL
    if not isinstance(given, str):
        return given
    with open(path, "w", encoding="utf-8") as file:
        file.write(given)
    return open(path, "rb")


def read_text(path: str) -> str:
    """The content of the file, "" when there is none; bytes that are not UTF-8 as surrogates."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def become_subreaper() -> None:
    """Let orphans below this process become its children (prctl(2), PR_SET_CHILD_SUBREAPER)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")


def status_field(pid: int, field: str) -> str:
    """A line's value in /proc/PID/status, "" when the process is gone."""
    for line in read_text(f"/proc/{pid}/status").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return value.strip()
    return ""


def stat_fields(pid: int) -> list[str]:
    """/proc/PID/stat from field 3 (state) on; empty when the process is gone.

    Every test reads that of every process several times, so it is read without the layers of ``open``.
    """
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        return []
    try:
        text = os.read(descriptor, 4096)
    except ProcessLookupError:
        return []
    finally:
        os.close(descriptor)
    return text.rpartition(b")")[2].decode("ascii").split()


def parent(pid: int) -> int:
    """The process' parent, 0 when it is gone."""
    fields = stat_fields(pid)
    return int(fields[1]) if fields else 0


def alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    return stat_fields(pid)[:1] not in ([], ["Z"], ["X"])


def pids() -> list[int]:
    """Every process there is."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def descendants(ancestor: int) -> set[tuple[int, str]]:
    """(pid, start time) of every process below ``ancestor``, zombies included."""
    stats = {pid: fields for pid in pids() if (fields := stat_fields(pid))}
    found: set[int] = set()
    grown = {ancestor}
    while grown:
        grown = {pid for pid, fields in stats.items() if int(fields[1]) in grown and pid not in found}
        found |= grown
    return {(pid, stats[pid][19]) for pid in found}


def reap(pid: int) -> int | None:
    """The exit status (128+N for signal N) of an ended child, None while it runs or if it is no child."""
    try:
        done, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    code = os.waitstatus_to_exitcode(status) if done else None
    return code if code is None or code >= 0 else 128 - code


def kill_quietly(pid: int) -> None:
    """SIGKILL, if the process is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def descriptors(pid: int) -> dict[int, str]:
    """The open descriptors of a process and what they lead to."""
    folder = f"/proc/{pid}/fd"
    return {int(name): os.readlink(os.path.join(folder, name)) for name in os.listdir(folder)}
