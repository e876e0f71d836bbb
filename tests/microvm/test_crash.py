"""A runtime that is killed in the middle of what it does."""

from __future__ import annotations

import pytest

from tests.support import Bundle, Runtime
from tests.support.process import read_text

POINTS = 4
"""Places spread over a verb's system calls: each costs a machine."""


def calls_of(machines: Runtime, *words: str) -> int:
    """How many system calls of its own the runtime makes for a verb."""
    log = machines.new_path("calls")
    machines.prefix = ["strace", "-qq", "-o", log]
    machines.run(*words).ok()
    machines.prefix = []
    return len(read_text(log).splitlines())


def kill_at(machines: Runtime, call: int, *words: str) -> None:
    """Run a verb whose runtime is killed as it enters its n-th system call, if it comes so far: it may wait less."""
    inject = f"inject=all:signal=SIGKILL:when={call}"
    machines.prefix = ["strace", "-qq", "-o", "/dev/null", "-e", inject]
    result = machines.run(*words)
    machines.prefix = []
    assert result.code in (137, -9, 0), result


def points(count: int, *, first: int = 150) -> list[int]:
    """Numbers of system calls; those before the first belong to the interpreter's start."""
    return [first + (count - 1 - first) * point // (POINTS - 1) for point in range(POINTS)]


def removed(machines: Runtime, name: str) -> None:
    """``delete --force`` leaves nothing, and may be repeated."""
    machines.run("delete", "--force", name).ok()
    assert machines.ids() == []
    assert machines.leaks.settled() == []
    machines.run("delete", "--force", name).ok()


@pytest.fixture
def made(machines: Runtime, bundle: Bundle) -> tuple[str, ...]:
    """The words that make a container, whose id is the last."""
    bundle.sleep()
    bundle.write()
    return ("create", "--bundle", bundle.path, machines.new_id())


def test_killed_while_it_creates(machines: Runtime, made: tuple[str, ...]) -> None:
    """MVM-CRASH-01, MVM-DELETE-02: whatever has been made is found; the id is free again."""
    count = calls_of(machines, *made)
    removed(machines, made[-1])
    for call in points(count):
        kill_at(machines, call, *made)
        removed(machines, made[-1])
    machines.run(*made).ok()


def test_killed_while_it_starts(machines: Runtime, made: tuple[str, ...]) -> None:
    """MVM-CRASH-01: the container is created or running, never anything between."""
    machines.run(*made).ok()
    count = calls_of(machines, "start", made[-1])
    for call in points(count):
        removed(machines, made[-1])
        machines.run(*made).ok()
        kill_at(machines, call, "start", made[-1])
        assert machines.container(made[-1]).status() in ("created", "running")
    removed(machines, made[-1])


def test_killed_while_it_deletes(machines: Runtime, made: tuple[str, ...]) -> None:
    """MVM-CRASH-01: a delete goes on where another one has ended."""
    machines.run(*made).ok()
    count = calls_of(machines, "delete", "--force", made[-1])
    for call in points(count):
        machines.run(*made).ok()
        kill_at(machines, call, "delete", "--force", made[-1])
        removed(machines, made[-1])


def test_killed_while_it_executes(machines: Runtime, made: tuple[str, ...]) -> None:
    """MVM-CRASH-01: the container does not notice."""
    machines.run(*made).ok()
    machines.run("start", made[-1]).ok()
    words = ("exec", made[-1], "true")
    for call in points(calls_of(machines, *words)):
        kill_at(machines, call, *words)
        machines.run(*words).ok()
    removed(machines, made[-1])
