"""Waiting for something that another process does, with a bound."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE = 60.0
PAUSE = 0.01

Value = TypeVar("Value")


def eventually(condition: Callable[[], bool], deadline: float = DEADLINE) -> bool:
    """Whether ``condition`` becomes true within ``deadline`` seconds."""
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE)
    return True


def wait_until(condition: Callable[[], bool], what: str, deadline: float = DEADLINE) -> None:
    """Return as soon as ``condition`` is true.

    Raises:
        AssertionError: naming ``what``, when that takes longer than ``deadline`` seconds.
    """
    assert eventually(condition, deadline), f"not within {deadline} s: {what}"


def wait_for(produce: Callable[[], Value | None], what: str, deadline: float = DEADLINE) -> Value:
    """The first value of ``produce`` that is neither None nor empty.

    Raises:
        AssertionError: naming ``what``, when that takes longer than ``deadline`` seconds.
    """
    found: list[Value] = []

    def check() -> bool:
        value = produce()
        if value:
            found.append(value)
        return bool(found)

    wait_until(check, what, deadline)
    return found[0]
