"""The sources keep the rules of docs/development.md that no linter knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging import REPOSITORY

LONGEST_FILE = 500
LONGEST_FUNCTION = 60
EXECUTOR = 2500
FOLDERS = ("src", "tools", "bench", "tests")
PYTHON = [path for folder in FOLDERS for path in sorted((REPOSITORY / folder).rglob("*.py"))]
C = sorted((REPOSITORY / "init").glob("*.[ch]"))

# Imports run downwards: a layer may use those below it, and itself.
LAYERS = (
    {"cli"},
    {"container", "features"},
    {"drivers"},
    {"cgroups"},
    {"plan", "host", "spec"},
    {"seccomp"},
    {"jsontext", "version"},
    {"errors", "record", "__version__"},
)
FORBIDDEN_SIDEWAYS = {("plan", "spec"), ("plan", "host"), ("spec", "plan"), ("spec", "host"), ("host", "plan")}


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def level(layer: str) -> int:
    return next(index for index, names in enumerate(LAYERS) if layer in names)


def imported(path: Path) -> Iterator[str]:
    """The layers of ringfence a module names in its imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ringfence":
            parts = (node.module or "").split(".")
            yield parts[1] if len(parts) > 1 else node.names[0].name


@pytest.mark.parametrize("path", [*PYTHON, *C], ids=name_of)
def test_a_file_holds_one_idea(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_a_function_fits_on_a_page(path: Path) -> None:
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    long = [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION]
    assert long == []


@pytest.mark.parametrize("path", C, ids=name_of)
def test_a_function_of_the_init_fits_on_a_page(path: Path) -> None:
    bodies = re.findall(r"^\{\n(.*?)^\}", path.read_text(), re.MULTILINE | re.DOTALL)
    assert [body for body in bodies if body.count("\n") > LONGEST_FUNCTION] == []


def test_the_executor_stays_small() -> None:
    sources = [path for path in C if path.suffix == ".c"]
    assert sum(len(path.read_text().splitlines()) for path in sources) <= EXECUTOR


@pytest.mark.parametrize("path", sorted((REPOSITORY / "src" / "ringfence").rglob("*.py")), ids=name_of)
def test_imports_run_downwards(path: Path) -> None:
    own = path.relative_to(REPOSITORY / "src" / "ringfence").parts[0].removesuffix(".py")
    if own == "__init__":
        assert list(imported(path)) == []
        return
    used = set(imported(path)) - {own}
    assert {layer for layer in used if level(layer) < level(own)} == set()
    assert {layer for layer in used if (own, layer) in FORBIDDEN_SIDEWAYS} == set()
