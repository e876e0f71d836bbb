"""GVariant texts of annotations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.cgroups.systemd.variant import parse_variant


@pytest.mark.parametrize(
    ("text", "signature", "value"),
    [
        ("true", "b", True),
        ("5", "i", 5),
        ("-5", "i", -5),
        ("0x10", "i", 16),
        ("uint64 18446744073709551615", "t", 2**64 - 1),
        ("@t 7", "t", 7),
        ("1.5", "d", 1.5),
        ("'it''", "s", None),
        ("'text'", "s", "text"),
        ('"a \\"b\\" c"', "s", 'a "b" c'),
        ("['a', 'b']", "as", ["a", "b"]),
        ("@as []", "as", []),
        ("[('a', 1), ('b', 2)]", "a(si)", [("a", 1), ("b", 2)]),
        ("[byte 1, byte 2]", "ay", [1, 2]),
    ],
)
def test_values(text: str, signature: str, value: Any) -> None:
    """LNX-SYSD-12: the texts that properties need."""
    if value is None:
        with pytest.raises(ValueError):
            parse_variant(text)
    else:
        assert parse_variant(text) == (signature, value)


@pytest.mark.parametrize(
    "text",
    ["", "[", "[1, 'a']", "(1", "uint64 -1", "byte 256", "int32 2147483648", "'a' 'b'", "@v 5", "1 2", "{}", "[" * 50],
)
def test_texts_that_are_none(text: str) -> None:
    """LNX-SYSD-12: anything else is an error, never a guess."""
    with pytest.raises(ValueError):
        parse_variant(text)


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    """LNX-SYSD-12: whatever an annotation holds, it is a value or a ValueError."""
    try:
        parse_variant(text)
    except (ValueError, SyntaxError):
        pass


@given(st.integers(0, 2**64 - 1))
def test_numbers_are_kept_exactly(number: int) -> None:
    """LNX-SYSD-12: 64 bits are kept."""
    assert parse_variant(f"uint64 {number}") == ("t", number)
