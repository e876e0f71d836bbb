"""What a guest says of its use is not believed beyond its form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.cgroups.measure import U64_MAX
from ringfence.container.machine_stats import memory, number, pids
from ringfence.jsontext import dumps

WORDS = st.dictionaries(
    st.sampled_from(["memory.current", "memory.max", "memory.peak", "memory.stat", "pids.current", "pids.max"]),
    st.text(max_size=40),
)


@pytest.mark.parametrize(
    ("said", "means"),
    [("17\n", 17), ("max\n", U64_MAX), ("-1", 0), ("", 0), ("9" * 21, 0), ("9" * 20, U64_MAX), ("²", 0)],
)
def test_a_number(said: str, means: int) -> None:
    """MVM-CTL-07, MVM-STATS-01."""
    assert number(said) == means


@given(WORDS)
def test_whatever_it_says_there_are_numbers(files: dict[str, str]) -> None:
    """MVM-CTL-07: every figure is one of 64 bits, every name an identifier."""

    def check(value: Any) -> None:
        for name, held in value.items():
            assert name.isidentifier()
            if isinstance(held, dict):
                check(held)
            else:
                assert 0 <= held <= U64_MAX

    check(memory(files))
    check(pids(files))
    dumps(memory(files))
