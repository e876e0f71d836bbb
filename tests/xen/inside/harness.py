"""Running the tests of this folder, and telling of each in the form of JUnit's reports."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from tests.support.process import become_subreaper
from tests.xen.inside.dom0 import Dom0, traces

HERE = Path(__file__).resolve().parent
PLACE = "/var/tmp"
Test = Callable[[Dom0], None]


def tests_of(path: Path) -> list[tuple[str, Test]]:
    """The tests of a file, in its order."""
    module = importlib.import_module(f"tests.xen.inside.{path.stem}")
    return [(name, held) for name, held in vars(module).items() if name.startswith("test_")]


def perform(test: Test, before: dict[str, list[str]]) -> str:
    """Run one test in a folder of its own; why it failed, "" when it has not.

    Leaving something behind, beside what is in ``before``, is a failure too; that is what there is in the end then.
    """
    folder = tempfile.mkdtemp(prefix="rf-", dir=PLACE)
    os.chmod(folder, 0o755)
    dom0 = Dom0(folder, before)
    told = ""
    try:
        test(dom0)
    except Exception:
        told = traceback.format_exc() + dom0.last_words()
    try:
        left = dom0.close()
    except Exception:
        left = [traceback.format_exc()]
    before.update(dom0.before)
    if left and not told:
        told = "left behind after delete --force:\n" + "\n".join(left)
    shutil.rmtree(folder, ignore_errors=True)
    return told


def case(module: str, name: str, seconds: float, told: str) -> str:
    """One test as JUnit's form has it."""
    head = f"<testcase classname={quoteattr(module)} name={quoteattr(name)} time='{seconds:.1f}'"
    if not told:
        return f"{head}/>"
    shown = escape("".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in told))
    return f"{head}><failure message={quoteattr(told.strip().splitlines()[-1][:200])}>{shown}</failure></testcase>"


def run(report: Path, words: list[str]) -> None:
    """Run the tests; the report is written anew behind each, so that what follows a hang is all that is lost."""
    become_subreaper()
    cases: list[str] = []
    there = traces()
    for path in sorted(HERE.glob("test_*.py")):
        for name, test in tests_of(path):
            if words and not any(word in f"{path.name}::{name}" for word in words):
                continue
            begun = time.monotonic()
            told = perform(test, there)
            seconds = time.monotonic() - begun
            print(f"{'FAILED' if told else 'passed'} {seconds:5.1f} s  {path.name}::{name}\n{told}", flush=True)
            cases.append(case(f"tests.xen.inside.{path.stem}", name, seconds, told))
            report.write_text(f"<testsuite>{''.join(cases)}</testsuite>", encoding="utf-8", errors="replace")
    sys.stdout.flush()
