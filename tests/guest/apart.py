"""Tests of the host that run beside all others, so that two processors have work to the end: no two of them meet.

Run by themselves (``pytest tests/microvm``) they are tests like any; with the guest's they are one row a file.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.guest.share import REPOSITORY

FIRST, LAST = ("tests/microvm", "tests/xen/outside"), ("tests/xen/test_lab.py",)
"""Two parts: what runs behind the tests of the host's cgroup v2, and what behind those of the guest."""
PATHS = (*FIRST, *LAST)
FAILED_TESTS = 1


class ApartError(Exception):
    """Tests could not be run."""


def perform(report: Path, output: int, paths: tuple[str, ...], before: tuple[str, ...] = ()) -> None:
    """Run pytest, with these words before it; its JUnit report goes to a file.

    Raises:
        ApartError: pytest did not come to the end.
    """
    pytest = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junit-xml={report}", *paths]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    ended = subprocess.run(
        [*before, *pytest], cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        check=False,
    )  # fmt: skip
    if ended.returncode not in (0, FAILED_TESTS):
        raise ApartError(f"pytest of {' '.join(paths)} beside the others ended with status {ended.returncode}")
