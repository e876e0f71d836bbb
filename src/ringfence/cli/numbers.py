"""Signals, sizes, durations and other numbers as people write them."""

from __future__ import annotations

from ringfence.cli.options import I64_MAX
from ringfence.errors import RingfenceError
from ringfence.host import freebsd

U64_MAX = 2**64 - 1
I32_MIN, I32_MAX = -(2**31), 2**31 - 1
NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,  # the micro sign
    "\u03bcs": 1_000,  # the Greek letter
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
SIZE_LETTERS = "kmgtp"


def signal_number(word: str) -> int:
    """The signal called ``9``, ``KILL``, ``sigkill`` or ``SIGKILL`` (LNX-KILL-01).

    A number is passed on as it is, the kernel knows which exist.

    Raises:
        RingfenceError: ``unknown signal "FOO"``, or a number that the kernel's int cannot hold.
    """
    number = whole(word)
    if number is not None:
        if not I32_MIN <= number <= I32_MAX:
            raise RingfenceError(f"cannot send signal {word}: invalid argument")
        return number
    known = signals().get(word.upper().removeprefix("SIG"))
    if known is None:
        raise RingfenceError(f'unknown signal "{word}"')
    return known


def signals() -> dict[str, int]:
    """The names of this system's signals, and their numbers."""
    if freebsd.is_freebsd():
        from ringfence.spec.rules.jail.signals import native

        return native()
    from ringfence.spec.names import SIGNALS

    return SIGNALS


def whole(text: str) -> int | None:
    """A decimal number with an optional sign, as strconv.ParseInt with base 10 reads it; None if it is none."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits.isascii() or not digits.isdigit() or len(digits) > 20:
        return None
    return int(text)


def size_bytes(text: str) -> int | None:
    """A size in bytes: digits, perhaps a fraction, and k, m, g, t, p (powers of 1024, also as kb and kib), or b.

    Returns:
        None when the text is no size, is negative, or needs more than 63 bits.
    """
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    scale = size_scale(text[len(number) :].lower())
    digits, _, fraction = number.removesuffix(" ").partition(".")
    if scale == 0 or not (digits + fraction).isdigit() or not (digits + fraction).isascii() or len(digits) > 20:
        return None
    value = int(digits or "0") * scale
    if fraction:
        value += int(fraction[:20]) * scale // 10 ** len(fraction[:20])
    return value if value <= I64_MAX else None


def size_scale(suffix: str) -> int:
    """How many bytes ``k``, ``kb`` or ``kib`` stands for, 1 for "" and ``b``; 0 for anything else."""
    if suffix in ("", "b"):
        return 1
    if suffix[1:] not in ("", "b", "ib") or suffix[0] not in SIZE_LETTERS:
        return 0
    return int(1024 ** (SIZE_LETTERS.index(suffix[0]) + 1))


def duration_nanoseconds(text: str) -> int | None:
    """A duration as Go's time.ParseDuration reads it: ``100ms``, ``1m30s``, ``-1.5h``, ``0``.

    Returns:
        Nanoseconds, None when the text is no duration or needs more than 63 bits.
    """
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0
    if not rest:
        return None
    total = 0
    while rest:
        number, rest = split_at(rest, "0123456789.", inside=True)
        unit, rest = split_at(rest, "0123456789.", inside=False)
        digits, _, fraction = number.partition(".")
        if unit not in NANOSECONDS or not (digits + fraction).isdigit() or len(number) > 40:
            return None
        total += int(digits or "0") * NANOSECONDS[unit]
        total += int(fraction or "0") * NANOSECONDS[unit] // 10 ** len(fraction)
    if total > I64_MAX:
        return None
    return -total if text[0] == "-" else total


def split_at(text: str, letters: str, inside: bool) -> tuple[str, str]:
    """Split before the first character whose being one of ``letters`` is not ``inside``."""
    for position, letter in enumerate(text):
        if (letter in letters) != inside:
            return text[:position], text[position:]
    return text, ""
