"""Every row of the checklist of images is named by a test, and no test names a row that there is not."""

from __future__ import annotations

import pytest

from tests.conformance.test_ids import TESTS, every_test

AREAS = {"BUILD": 8, "BUNDLE": 16, "CONF": 8, "INSP": 1, "DEMO": 7, "INTEROP": 5}
ROWS = [f"IMG-{area}-{number:02}" for area, last in AREAS.items() for number in range(1, last + 1)]
WORDS = " ".join(words for _, words in every_test(TESTS))


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_a_test(row: str) -> None:
    assert row in WORDS


def test_named_rows_exist() -> None:
    named = {f"IMG-{rest[:12].split()[0].rstrip('.:,;')}" for rest in WORDS.split("IMG-")[1:]}
    assert named <= set(ROWS)
