"""The sources keep the rules of docs/development.md that no linter knows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.packaging import REPOSITORY

LONGEST_FILE = 500
LONGEST_FUNCTION = 60
EXECUTOR = 2500
FOLDERS = ("src", "tools", "bench", "tests")
PYTHON = [path for folder in FOLDERS for path in sorted((REPOSITORY / folder).rglob("*.py"))]
C = sorted((REPOSITORY / "init").rglob("*.[ch]"))

# Imports run downwards: a layer may use those below it, and itself. Modules in no layer, such as errors and record, lie
# below all of them, and so do the words of seccomp, which spec checks with.
LAYERS = (
    "cli",
    "features",
    "image",
    "container",
    "criu",
    "drivers",
    "network",
    "cgroups",
    "resctrl",
    "seccomp",
    "plan",
    "host",
    "hookprocess",
    "spec",
)
BASE = len(LAYERS)
STRANGERS = {("plan", "spec"), ("plan", "host"), ("host", "spec")}


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def layer_of(module: str) -> str:
    """``plan`` for ringfence.plan.step; "" for what every layer may use."""
    name = module.partition(".")[2].partition(".")[0]
    return name if name in LAYERS and module != "ringfence.seccomp.names" else ""


def level(layer: str) -> int:
    return LAYERS.index(layer) if layer else BASE


def imported(path: Path) -> set[str]:
    """The layers of ringfence that a module names in its imports."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    modules = {node.module or "" for node in nodes} - {"ringfence"}
    modules |= {f"ringfence.{alias.name}" for node in nodes if node.module == "ringfence" for alias in node.names}
    return {layer_of(module) for module in modules if module.startswith("ringfence.")}


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
    """What guests and supervisors need too, or alone, lies in folders of its own."""
    sources = [path for path in C if path.suffix == ".c" and path.parent.name == "init"]
    assert sum(len(path.read_text().splitlines()) for path in sources) <= EXECUTOR


@pytest.mark.parametrize("path", sorted((REPOSITORY / "src" / "ringfence").rglob("*.py")), ids=name_of)
def test_imports_run_downwards(path: Path) -> None:
    parts = path.relative_to(REPOSITORY / "src").with_suffix("").parts
    own = layer_of(".".join(parts))
    used = imported(path) - {own}
    assert {layer for layer in used if level(layer) <= level(own)} == set()
    assert {layer for layer in used if (own, layer) in STRANGERS} == set()


@pytest.mark.parametrize("path", sorted((REPOSITORY / "src/ringfence/drivers").rglob("*.py")), ids=name_of)
def test_a_driver_uses_no_other_driver(path: Path) -> None:
    """What walls with a Linux kernel inside share lies in drivers/linux, what those with one of its own in guest."""
    own = path.relative_to(REPOSITORY / "src/ringfence/drivers").parts[0]
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    names = [(node.module or "").split(".") for node in nodes]
    used = {name[2] for name in names if name[:2] == ["ringfence", "drivers"] and len(name) > 2}
    assert used <= ({own, "linux"} if own in ("linux", "guest") else {own, "linux", "guest"})
