"""Signals, sizes and durations in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.cli.numbers import NANOSECONDS, duration_nanoseconds, signal_number, size_bytes, whole
from ringfence.errors import RingfenceError


@pytest.mark.parametrize("word", ["KILL", "kill", "SIGKILL", "sigkill", "SigKill", "9"])
def test_signal_by_name_or_number(word: str) -> None:
    """LNX-KILL-01."""
    assert signal_number(word) == 9


@pytest.mark.parametrize("word", ["2147483648", "-2147483649", "99999999999999999999"])
def test_a_number_that_no_signal_can_have(word: str) -> None:
    """LNX-KILL-02."""
    with pytest.raises(RingfenceError, match="invalid argument"):
        signal_number(word)


def test_realtime_signals_count_from_either_end() -> None:
    assert signal_number("SIGRTMIN+3") == 37
    assert signal_number("rtmax-1") == 63


@pytest.mark.parametrize("word", ["FOO", "", "SIG", "SIGSIGKILL", "9x", "0x9"])
def test_unknown_signal(word: str) -> None:
    """LNX-KILL-02."""
    with pytest.raises(RingfenceError) as caught:
        signal_number(word)
    assert str(caught.value) == f'unknown signal "{word}"'


@given(st.text())
def test_any_word_is_a_signal_or_unknown(word: str) -> None:
    try:
        assert isinstance(signal_number(word), int)
    except RingfenceError as error:
        assert str(error).startswith(("unknown signal", "cannot send signal"))


@given(st.integers(-(10**19), 10**19))
def test_whole_numbers_round_trip(number: int) -> None:
    assert whole(str(number)) == number


@given(st.text())
def test_a_text_is_a_whole_number_or_none(text: str) -> None:
    assert whole(text) is None or int(text) == whole(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("4096b", 4096),
        ("1k", 1024),
        ("1K", 1024),
        ("1kb", 1024),
        ("1KiB", 1024),
        ("64m", 64 << 20),
        ("2G", 2 << 30),
        ("1t", 1 << 40),
        ("1p", 1 << 50),
        ("1.5g", 3 << 29),
        (".5k", 512),
        ("32 mb", 32 << 20),
    ],
)
def test_sizes(text: str, size: int) -> None:
    """LNX-UPD-04."""
    assert size_bytes(text) == size


@pytest.mark.parametrize(
    "text", ["", "abc", "1x", "-5", "1kk", "1bb", "1GiBx", "1.5.5", "k", ".", "1e3", "8192p", "\u0661"]
)
def test_what_is_no_size(text: str) -> None:
    assert size_bytes(text) is None


@given(st.integers(0, 2**63 - 1), st.sampled_from(["", "k", "m", "g"]))
def test_sizes_round_trip(number: int, suffix: str) -> None:
    scale = 1024 ** ["", "k", "m", "g"].index(suffix)
    assert size_bytes(f"{number}{suffix}") == (number * scale if number * scale < 2**63 else None)


@given(st.text(alphabet="0123456789.kmgbiKMGB -"))
def test_any_text_is_a_size_or_none(text: str) -> None:
    size = size_bytes(text)
    assert size is None or 0 <= size < 2**63


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("-0", 0),
        ("100ms", 100_000_000),
        ("1s", 1_000_000_000),
        ("1m30s", 90_000_000_000),
        ("1.5h", 5_400_000_000_000),
        (".5s", 500_000_000),
        ("1.s", 1_000_000_000),
        ("-2s", -2_000_000_000),
        ("+3us", 3_000),
        ("3\u00b5s", 3_000),
        ("3\u03bcs", 3_000),
        ("7ns", 7),
        ("1s1s", 2_000_000_000),
    ],
)
def test_durations(text: str, nanoseconds: int) -> None:
    """LNX-EVT-01."""
    assert duration_nanoseconds(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "5", "s", "-", ".s", "1x", "1.2.3s", "1 s", "s1", "1s2", "3000000h", "--1s"])
def test_what_is_no_duration(text: str) -> None:
    assert duration_nanoseconds(text) is None


@given(st.lists(st.tuples(st.integers(0, 999), st.sampled_from(sorted(NANOSECONDS))), min_size=1, max_size=5))
def test_durations_round_trip(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{number}{unit}" for number, unit in parts)
    assert duration_nanoseconds(text) == sum(number * NANOSECONDS[unit] for number, unit in parts)


@given(st.text(alphabet="0123456789.hmsnu\u00b5+-"))
def test_any_text_is_a_duration_or_none(text: str) -> None:
    duration = duration_nanoseconds(text)
    assert duration is None or abs(duration) < 2**63
