"""Every row of the checklist of Xen is named by a test or stands in OPEN, and no test names a row that there is not."""

from __future__ import annotations

import re

import pytest

from tests.conformance.test_ids import TESTS, every_test

AREAS = {
    "CREATE": 9,
    "START": 4,
    "STATE": 7,
    "KILL": 5,
    "DELETE": 4,
    "PAUSE": 4,
    "UPDATE": 3,
    "STATS": 1,
    "RUN": 5,
    "EXEC": 3,
    "CFG": 10,
    "VM": 8,
    "ENV": 5,
    "ROOTFS": 8,
    "GUEST": 6,
    "NET": 9,
    "CONSOLE": 6,
    "HOOKS": 4,
    "ERR": 12,
    "CRASH": 5,
    "COMPAT": 7,
    "SEC": 5,
}
ROWS = [f"XEN-{area}-{number:02}" for area, last in AREAS.items() for number in range(1, last + 1)]
OPEN: list[str] = []
"""Rows that no test names yet."""
WORDS = " ".join(words for _, words in every_test(TESTS))


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_a_test(row: str) -> None:
    assert (row in WORDS) != (row in OPEN)


def test_named_rows_exist() -> None:
    assert {*re.findall(r"XEN-[A-Z0-9]+-\d\d", WORDS)} <= {*ROWS}
