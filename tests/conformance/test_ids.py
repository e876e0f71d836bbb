"""The tests and the table of rows agree: what the table calls tested is named by a test."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.table import GUEST, NOT_HERE, PARTLY, TABLE, TESTED

TESTS = Path(__file__).resolve().parent.parent
ROW = re.compile(r"(?:LNX|OLD)-[A-Z0-9]+-\d\d")


def every_test(folder: Path) -> Iterator[tuple[str, str]]:
    """FILE:NAME and docstring of every test function below the folder."""
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield f"{path.name}:{node.name}", ast.get_docstring(node) or ""


def named_rows() -> dict[str, list[str]]:
    """The tests by the rows that their docstrings name."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, words in every_test(TESTS):
        for match in ROW.finditer(words):
            found[match.group()].append(name)
    return found


NAMED = named_rows()


@pytest.mark.parametrize("row", [row for row, state in TABLE.items() if state in (TESTED, GUEST)])
def test_a_row_that_is_called_tested_has_a_test(row: str) -> None:
    """What the table says is tested is named in the docstring of a test."""
    assert NAMED[row], f"no test names {row}"


def test_named_rows_exist() -> None:
    """No test names a row that the checklist does not have."""
    strange = set(NAMED) - set(TABLE)
    assert not strange


def test_reasons_belong_to_rows() -> None:
    """A reason is given for rows of the table only, and in part only for those that are tested."""
    assert {row for row in NOT_HERE if ROW.fullmatch(row)} == set(NOT_HERE)
    assert all(TABLE[row] == TESTED for row in PARTLY)


def test_every_conformance_test_names_a_row() -> None:
    """A conformance test begins its docstring with the row it covers."""
    own = Path(__file__).name
    silent = [name for name, words in every_test(TESTS / "conformance") if not ROW.match(words)]
    assert [name for name in silent if not name.startswith(own)] == []
