"""Rows that only the guest can run have run there."""

from __future__ import annotations

import ast

import pytest

from tests.conformance.table import GUEST, TABLE
from tests.guest.report import PASSED, Case, inner_files
from tests.guest.share import REPOSITORY


def naming(row: str) -> set[tuple[str, str]]:
    """File and name of the guest's tests whose docstring names a row."""
    found = set()
    for path in inner_files():
        for node in ast.walk(ast.parse((REPOSITORY / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and row in (ast.get_docstring(node) or ""):
                found.add((path, node.name))
    return found


@pytest.mark.parametrize("row", [row for row, state in TABLE.items() if state == GUEST])
def test_a_row_of_the_guest_has_passed_there(guest_report: dict[str, list[Case]], row: str) -> None:
    """What the table says the guest tests was run there and passed, and was not only skipped."""
    wanted = naming(row)
    passed = {
        (path, case.name.partition("[")[0])
        for path, cases in guest_report.items()
        for case in cases
        if case.outcome == PASSED
    }
    assert wanted & passed, f"of {sorted(wanted)} none has passed"
