"""Every test of dom0, as one of the host."""

from __future__ import annotations

import ast

import pytest

from tests.guest.report import PASSED, Case
from tests.guest.share import REPOSITORY

INSIDE = "tests/xen/inside"


def inner_tests() -> list[tuple[str, str]]:
    """File and name of every test in dom0."""
    found = []
    for path in sorted((REPOSITORY / INSIDE).glob("test_*.py")):
        nodes = ast.parse(path.read_text(encoding="utf-8")).body
        names = [one.name for one in nodes if isinstance(one, ast.FunctionDef)]
        found += [(path.name, name) for name in names if name.startswith("test_")]
    return found


@pytest.mark.parametrize(("file", "name"), inner_tests())
def test_passes_in_dom0(lab_report: dict[str, list[Case]], file: str, name: str) -> None:
    """A real domain, a real toolstack."""
    (found,) = (case for case in lab_report.get(f"{INSIDE}/{file}", []) if case.name == name)
    assert found.outcome == PASSED, found.text
