"""What the entry point says to whoever waits for it: that all is well, or what went wrong, before the channel ends.

One byte says which; a channel that ends without it belonged to a process that was killed.
"""

from __future__ import annotations

import os

from ringfence.errors import RingfenceError
from ringfence.jsontext import dumps, loads

WELL, ILL = b".", b"!"
LARGEST = 1 << 16


def say_well(channel: int) -> None:
    """All is well so far."""
    os.write(channel, WELL)


def say_ill(channel: int, error: RingfenceError) -> None:
    """What went wrong."""
    told = {"text": error.attempted, "field": error.field, "errno": error.errno, "hint": error.hint}
    os.write(channel, ILL + dumps(told).encode("utf-8", "surrogateescape"))


def heard(channel: int) -> bool:
    """Read to the end; whether the process said that all is well and nothing else. False when it was killed.

    Raises:
        RingfenceError: what it said went wrong.
    """
    said = b""
    while part := os.read(channel, LARGEST):
        said = (said + part)[:LARGEST]
    _, ill, rest = said.partition(ILL)
    if ill:
        raise error_of(rest)
    return said == WELL


def error_of(raw: bytes) -> RingfenceError:
    """The error of a message; the process that wrote it is in the jail, so it may be any bytes."""
    try:
        told = loads(raw.decode("utf-8", "surrogateescape"))
    except RingfenceError:
        told = None
    held = told if isinstance(told, dict) else {}
    number = held.get("errno")
    return RingfenceError(
        str(held.get("text", "the container's process failed")),
        field=str(held.get("field", "")),
        hint=str(held.get("hint", "")),
        errno=number if isinstance(number, int) else 0,
    )
