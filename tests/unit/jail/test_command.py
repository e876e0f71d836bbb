"""Commands that are run to their end."""

from __future__ import annotations

import errno
import os
import signal

import pytest

from ringfence.drivers.jail import command
from ringfence.drivers.jail.command import run_command

SH = "/bin/sh"


def sh(script: str, given: bytes = b"", seconds: float = 60) -> tuple[int, bytes, bytes]:
    return run_command([SH, "-c", script], {"A": "b"}, given, seconds)


def test_status_output_and_errors() -> None:
    """JAIL-ERR-03: each for itself; death by a signal is a negative number."""
    assert sh("echo out; echo err >&2; exit 3") == (3, b"out\n", b"err\n")
    assert sh("kill -9 $$") == (-signal.SIGKILL, b"", b"")


def test_input_environment_folder_and_session() -> None:
    """JAIL-CREATE-11: no input but what is given, a fixed environment, a session of its own in the root folder."""
    assert sh("cat; echo $A; pwd", b"given\n") == (0, b"given\nb\n/\n", b"")
    assert sh("cat") == (0, b"", b"")
    assert sh("exit 0", b"never read\n") == (0, b"", b"")
    status, out, _ = sh("echo $$; cut -d' ' -f6 /proc/$$/stat")
    pid, session = out.split()
    assert (status, pid) == (0, session)


def test_no_descriptor_of_ours_goes_along() -> None:
    """JAIL-CREATE-11."""
    first, second = os.pipe()
    os.set_inheritable(second, True)
    try:
        status, out, _ = sh("ls /proc/$$/fd")
        assert (status, set(out.split()) <= {b"0", b"1", b"2", b"10", b"255"}) == (0, True), out
    finally:
        os.close(first)
        os.close(second)


def test_what_cannot_be_executed(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAIL-ERR-03: the errno is the kernel's, and no child and no descriptor is left."""
    fork, pids = os.fork, []

    def noted() -> int:
        pids.append(fork())
        return pids[-1]

    monkeypatch.setattr(os, "fork", noted)
    before = os.listdir("/proc/self/fd")
    for path, number in (("/nonexistent/tool", errno.ENOENT), ("/etc/passwd", errno.EACCES)):
        with pytest.raises(OSError) as caught:
            run_command([path], {}, b"", 60)
        assert caught.value.errno == number
    assert os.listdir("/proc/self/fd") == before
    for pid in pids:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, 0)


def test_one_that_does_not_end_is_killed_with_its_children() -> None:
    """JAIL-ERR-03: also one that has closed its output, and one whose child holds it open."""
    for script in ("sleep 1000", "exec >&- 2>&-; sleep 1000", "sleep 1000 & wait"):
        with pytest.raises(TimeoutError):
            sh(script, seconds=0.2)


def test_output_is_kept_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAIL-ERR-04: all of it is read, so that the tool ends."""
    monkeypatch.setattr(command, "LARGEST", 5)
    assert sh("i=0; while [ $i -lt 20000 ]; do echo 1234567; i=$((i+1)); done") == (0, b"12345", b"")


def test_an_interruption_leaves_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAIL-CRASH-04: a signal that ends the runtime ends the tool too."""
    pids = []

    def interrupted(child: command.Child, _: float) -> tuple[bytes, bytes]:
        pids.append(child.pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(command.Child, "hear", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sh("sleep 1000")
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
