"""What a guest says of its container's end: one value in the part of xenstore that is its own. Pure (XEN-RUN-02).

Nothing that a guest says is believed beyond what it tells of itself: the value is short and has one form.
"""

from __future__ import annotations

from ringfence.record import Record

KEY = "data/ringfence"
LONGEST = 16
WORDS = ("exit", "signal", "oom", "failed")


class Report(Record):
    """How the container's process ended, as a shell says it, and the word for why."""

    status: int
    why: str


def parse_report(value: str) -> Report | None:
    """The report in a value; None for anything that is none."""
    if len(value) > LONGEST:
        return None
    number, blank, word = value.partition(" ")
    if not blank or word not in WORDS or not (number.isascii() and number.isdigit()):
        return None
    status = int(number)
    return Report(status, word) if status <= 255 and str(status) == number else None
