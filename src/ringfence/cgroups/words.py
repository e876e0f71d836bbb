"""Limits in words, for the descriptions of steps."""

from __future__ import annotations

UNITS = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def size(count: int) -> str:
    """``64 MiB`` for 67108864; bytes when no unit divides them; negative is unlimited."""
    if count < 0:
        return "unlimited"
    for unit, name in UNITS:
        if count >= unit and count % unit == 0:
            return f"{count // unit} {name}"
    return f"{count} bytes"


def amount(count: int) -> str:
    """The number, or ``unlimited`` when negative."""
    return "unlimited" if count < 0 else str(count)
