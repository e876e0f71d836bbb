"""Every row of the checklist of jails is named by a test, and no test names a row that there is not."""

from __future__ import annotations

import pytest

from tests.conformance.test_ids import TESTS, every_test

AREAS = {
    "NAME": 7,
    "CREATE": 13,
    "START": 3,
    "STATE": 5,
    "KILL": 5,
    "DEL": 6,
    "EXEC": 4,
    "PS": 2,
    "PAUSE": 2,
    "UPD": 6,
    "STAT": 2,
    "RUN": 4,
    "CFG": 17,
    "PROC": 8,
    "MNT": 17,
    "NET": 5,
    "HOOK": 6,
    "CON": 3,
    "ERR": 4,
    "CRASH": 4,
    "COMPAT": 7,
    "PORT": 5,
}
ROWS = [f"JAIL-{area}-{number:02}" for area, last in AREAS.items() for number in range(1, last + 1)]
WORDS = " ".join(words for _, words in every_test(TESTS))


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_a_test(row: str) -> None:
    assert row in WORDS


def test_named_rows_exist() -> None:
    named = {f"JAIL-{rest[:14].split()[0].rstrip('.:,;')}" for rest in WORDS.split("JAIL-")[1:]}
    assert named <= set(ROWS)
