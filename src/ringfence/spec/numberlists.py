"""Lists of CPUs and memory nodes such as ``0-3,7`` (cpuset(7), List format)."""

from __future__ import annotations

CPUS = 8192  # the largest CONFIG_NR_CPUS
NODES = 1024  # MAX_NUMNODES


def parse_number_list(text: str, limit: int) -> int:
    """A bit mask with bit N set for every number N of the list; blanks are allowed around its parts, "" is no number.

    Raises:
        ValueError: it is not such a list, or a number is not below ``limit``.
    """
    mask = 0
    for part in text.split(",") if text.strip() else ():
        first, dash, last = part.strip().partition("-")
        start = _number(first, 0, limit)
        end = _number(last, start, limit) if dash else start
        mask |= (1 << end + 1) - (1 << start)
    return mask


def _number(digits: str, least: int, limit: int) -> int:
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"{digits[:20]!r} is not a number")
    number = int(digits[-20:])
    if len(digits) > 20 or not least <= number < limit:
        raise ValueError(f"{digits[:20]} is not from {least} to {limit - 1}")
    return number
