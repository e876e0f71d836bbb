"""What an engine's verbs load. Every module costs; a newcomer has to be worth it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = str(Path(__file__).parents[3] / "src")
OURS = "ringfence"
LIGHT = "errno fcntl select"
IN_C = "_blake2 _json _signal _socket _stat"
ALLOWED = frozenset(("__future__", *LIGHT.split(), *IN_C.split()))
"""Modules of the standard library beyond those of a bare interpreter."""


def loaded(code: str) -> set[str]:
    program = f"import sys; sys.path.insert(0, {SOURCE!r}); {code}; print(*sys.modules)"
    line = [sys.executable, "-I", "-S", "-c", program]
    return set(subprocess.run(line, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    "verb", ["create", "delete", "exec", "kill", "list", "pause", "resume", "run", "start", "state"]
)
def test_the_verbs_of_engines_load_light_modules_only(verb: str) -> None:
    bare = loaded("pass")
    newcomers = loaded(f"import ringfence.cli.main, ringfence.cli.{verb}") - bare - ALLOWED
    assert {name for name in newcomers if name.split(".")[0] != OURS} == set()


def test_the_command_line_of_state_loads_few_modules_of_ours() -> None:
    ours = {name for name in loaded("import ringfence.cli.main") if name.split(".")[0] == OURS}
    assert ours == {
        "ringfence",
        "ringfence.cli",
        "ringfence.cli.container_id",
        "ringfence.cli.log",
        "ringfence.cli.main",
        "ringfence.cli.options",
        "ringfence.cli.output",
        "ringfence.cli.personality",
        "ringfence.cli.world",
        "ringfence.paths",
        "ringfence.container",
        "ringfence.container.runtime",
        "ringfence.errors",
        "ringfence.record",
    }


def test_the_command_line_of_state_does_without_os() -> None:
    assert "os" not in loaded("import ringfence.cli.main")


def test_reading_a_command_line_loads_no_help() -> None:
    code = "from ringfence.cli.options import VERBS, parse; parse(['x', '-f'], VERBS['delete'].options, True)"
    assert not {name for name in loaded(code) if name.startswith("ringfence.cli.") and name != "ringfence.cli.options"}
