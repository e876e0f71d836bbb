"""What jail(8) and its companions take for a name, and what for a number."""

from __future__ import annotations

LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-")


def is_numeric(name: str) -> bool:
    """Whether strtoul(3) eats the whole of it: the tools take it for a JID then, and 0 is the host (JAIL-NAME-03)."""
    digits = name[1:] if name[:1] in ("+", "-") else name
    return digits.isascii() and digits.isdigit()


def is_plain(name: str) -> bool:
    """Whether it is one part of a jail's name, and no option: a dot would divide parent and child (JAIL-NAME-04)."""
    return name != "" and LETTERS.issuperset(name) and not name.startswith("-")
