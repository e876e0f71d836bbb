"""A progress bar on standard error, if that is a terminal."""

from __future__ import annotations

import os
import time

from ringfence.cli.output import STDERR

WIDTH = 30
INTERVAL = 0.1
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


class Bar:
    """Shows how much of a known or unknown number of bytes is done, how fast, and how long it will take.

    A context manager, which ends the line. Without a terminal it shows nothing.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self.shown = os.isatty(STDERR)
        self.total = 0
        self.before = 0
        self.done = 0
        self.started = self.last = time.monotonic()

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self.shown and self.done:
            self._draw(time.monotonic())
            os.write(STDERR, b"\n")

    def begin(self, total: int, done: int = 0) -> None:
        """So many bytes there will be, -1 if nobody knows, and ``done`` of them are there already."""
        self.total, self.done, self.before = total, done, done
        self.started = self.last = time.monotonic()

    def add(self, count: int) -> None:
        """So many bytes more."""
        self.done += count
        now = time.monotonic()
        if self.shown and now - self.last >= INTERVAL:
            self.last = now
            self._draw(now)

    def _draw(self, now: float) -> None:
        os.write(STDERR, f"\r\033[K{line(self.label, self.done, self.total, self.rate(now))}".encode())

    def rate(self, now: float) -> float:
        """Bytes a second."""
        return (self.done - self.before) / max(now - self.started, 0.001)


def line(label: str, done: int, total: int, rate: float) -> str:
    """One line: a bar if the total is known, sizes, rate, and the time that is left."""
    if total <= 0:
        return f"{label} {size(done)}  {size(rate)}/s"
    full = min(WIDTH, WIDTH * done // total)
    left = (total - done) / rate if rate > 0 else 0
    bar = "#" * full + "-" * (WIDTH - full)
    return f"{label} [{bar}] {size(done)} of {size(total)}  {size(rate)}/s  {clock(left)} left"


def size(count: float) -> str:
    """A number of bytes for people."""
    unit = 0
    while count >= 1024 and unit < len(UNITS) - 1:
        count, unit = count / 1024, unit + 1
    return f"{count:.1f} {UNITS[unit]}" if unit else f"{count:.0f} {UNITS[0]}"


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02}"
