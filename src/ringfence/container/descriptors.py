"""Descriptors the caller hands on to the program: --preserve-fds."""

from __future__ import annotations

import fcntl

from ringfence.errors import RingfenceError


def check_preserved(first: int, count: int) -> None:
    """See that the descriptors from ``first`` on are the caller's (LNX-EXEC-26, LNX-FILE-07).

    Raises:
        RingfenceError: one is not open, or was opened since by this process: those are close-on-exec, inherited ones
            never are.
    """
    if count < 0:
        raise RingfenceError(f'invalid value "{count}" for --preserve-fds')
    for number in range(count):
        try:
            missing = fcntl.fcntl(first + number, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
        except OSError:
            missing = True
        if missing:
            raise RingfenceError(
                f"unable to stat preserved-fd {number} (of {count}): descriptor {first + number} is not open"
            )
