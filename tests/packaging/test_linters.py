"""The formatter, the linter and the type checker are tests like others, so that one failure hides no other."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.packaging import REPOSITORY

LINTERS = {"format": ["ruff", "format", "--check"], "ruff": ["ruff", "check"], "mypy": ["mypy"]}


@pytest.mark.parametrize("linter", LINTERS)
def test_the_linter_has_nothing_to_say(linter: str) -> None:
    name, *options = LINTERS[linter]
    program = os.path.join(os.path.dirname(sys.executable), name)
    told = subprocess.run([program, *options], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
