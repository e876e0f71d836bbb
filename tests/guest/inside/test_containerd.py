"""containerd on cgroup v2, with scopes of systemd's (``--runc-systemd-cgroup``): as root and as an ordinary user."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guest.inside.engines import LONGEST, Containerd
from tests.guest.inside.helpers import is_loaded, open_to_all, shown
from tests.support.image import write_image
from tests.support.poll import wait_until

MIB = 1 << 20
ROOT = pytest.mark.only("root")
"""What is no other for an ordinary user, or is the same for both: these take turns."""
USER = pytest.mark.only("user")
"""The other half."""


@pytest.fixture(scope="module", params=[False, True], ids=["root", "user"])
def containerd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containerd]:
    folder = str(tmp_path_factory.mktemp("containerd"))
    open_to_all(folder)
    write_image(f"{folder}/image.tar")
    held = Containerd(folder, user=request.param)
    wait_until(held.answers, "containerd", LONGEST)
    held("images", "import", f"{folder}/image.tar").ok()
    yield held
    held.stop()


def status(containerd: Containerd, name: str) -> str:
    """What ctr says of the task."""
    rows = [line.split() for line in containerd("tasks", "list").ok().out.splitlines()[1:]]
    return next((row[2] for row in rows if row[0] == name), "")


@pytest.fixture(scope="module")
def asleep(containerd: Containerd) -> str:
    """A container that sleeps in a scope with a memory limit: one for all tests, the last of which removes it."""
    options = ("--detach", "--memory-limit", str(64 * MIB))
    containerd.run("asleep", "sleep", "10000", options=options).ok()
    return "asleep"


def test_an_exit_code(containerd: Containerd) -> None:
    assert containerd.run("ends", "sh", "-c", "exit 42", options=("--rm",)).code == 42
    assert not is_loaded("ringfence-ends.scope", user=containerd.user)


@ROOT
def test_a_program_that_is_not_there(containerd: Containerd) -> None:
    result = containerd.run("fails", "/nope", options=("--rm",))
    assert result.code != 0
    assert "no such file or directory" in result.err


def test_limits_are_in_force(containerd: Containerd, asleep: str) -> None:
    """In the cgroup and in the scope, which is in the slice that was named, of the user's own manager if he calls."""
    pids = containerd("tasks", "ps", asleep).ok().out.split()
    pid = next(word for word in pids if word.isdecimal())
    path = Path(f"/proc/{pid}/cgroup").read_text().splitlines()[-1].removeprefix("0::")
    above = "/user.slice/user-1000.slice/user@1000.service" if containerd.user else ""
    assert path == f"{above}/{containerd.slice}/ringfence-asleep.scope"
    assert Path(f"/sys/fs/cgroup{path}/memory.max").read_text() == f"{64 * MIB}\n"
    assert shown("ringfence-asleep.scope", "MemoryMax", user=containerd.user) == {"MemoryMax": str(64 * MIB)}


@ROOT
def test_terminal(containerd: Containerd) -> None:
    """``-t`` of ctr wants a terminal itself: script(1) gives it one, and ends its input with a NUL, which is echoed."""
    result = containerd.run_on_terminal("shows", "sh", "-c", "tty; exit 5")
    assert (result.code, result.out.removeprefix("^@").split()) == (5, ["/dev/pts/0"]), result


def test_exec(containerd: Containerd, asleep: str) -> None:
    result = containerd("tasks", "exec", "--exec-id", "more", asleep, "sh", "-c", "exit 7")
    assert result.code == 7


@USER
def test_pause_and_resume(containerd: Containerd, asleep: str) -> None:
    containerd("tasks", "pause", asleep).ok()
    assert status(containerd, asleep) == "PAUSED"
    containerd("tasks", "resume", asleep).ok()
    assert status(containerd, asleep) == "RUNNING"


@ROOT
def test_metrics(containerd: Containerd, asleep: str) -> None:
    """What containerd reads itself, in the cgroup of the pid that it was told."""
    assert "memory" in containerd("tasks", "metrics", asleep).ok().out


def test_kill(containerd: Containerd, asleep: str) -> None:
    """The task's status is 128 and the signal's number; with the container its scope is gone."""
    containerd("tasks", "kill", "--signal", "KILL", asleep).ok()
    wait_until(lambda: status(containerd, asleep) == "STOPPED", "the end of the task")
    result = containerd("tasks", "delete", asleep)
    assert "137" in f"{result.code} {result.err}", result
    containerd("containers", "delete", asleep).ok()
    assert not is_loaded("ringfence-asleep.scope", user=containerd.user)
