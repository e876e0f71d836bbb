"""Whether this is a FreeBSD, and which."""

from __future__ import annotations

import posix

SYSTEM = "FreeBSD"
OLDEST = 14


def uname() -> tuple[str, str]:
    """The system's name and its release, such as ``14.0-STABLE``."""
    told = posix.uname()
    return told.sysname, told.release


def is_freebsd() -> bool:
    """Whether jails can be made here."""
    return uname()[0] == SYSTEM


def major(release: str) -> int:
    """14 of ``14.0-STABLE``; 14 for what is no release of FreeBSD, the oldest that jails are made for."""
    digits = release.partition(".")[0]
    return int(digits) if digits.isascii() and digits.isdigit() else OLDEST
