"""What pytest in the guest has told, as seen from the host."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.guest import apart, unified
from tests.guest.inner import APART, ENDED, LAST, LONGEST, PATHS, PREPARED, REPORT, UNIFIED, files
from tests.guest.share import REPOSITORY

PASSED, SKIPPED, FAILED, EXPECTED = "passed", "skipped", "failed", "xfailed"
BUILD_TIME = 600.0


@dataclass(frozen=True)
class Case:
    """One test of the guest: its name, how it ended, and the reason or traceback."""

    name: str
    outcome: str
    text: str = ""


class Run:
    """One run of the guest's tests, or of another module that keeps to the same files, beside those of the host.

    It is no child of this process: tests take every new descendant of it for something left behind. They begin when
    what the guest gets of this tree is together, since some of them change what is built.

    Raises:
        RuntimeError: the guest could not be prepared.
    """

    def __init__(self, module: str = "tests.guest.inner") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ringfence-inside-"))
        words = ["setsid", "--fork", sys.executable, "-m", module, str(self.folder)]
        with open(self.folder / "log", "wb") as log:
            subprocess.run(words, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)
        self.until(lambda: (self.folder / PREPARED).exists() or (self.folder / ENDED).exists(), BUILD_TIME)

    def until(self, reached: Callable[[], bool], seconds: float) -> None:
        """Wait for something.

        Raises:
            RuntimeError: it does not come.
        """
        end = time.monotonic() + seconds
        while not reached():
            if time.monotonic() > end:
                raise RuntimeError(f"the guest does not come on\n{self.tail()}")
            time.sleep(0.2)

    def wait(self) -> dict[str, list[Case]]:
        """The guest's cases by test file, when all have ended.

        Raises:
            RuntimeError: the guest, or the tests of the host's cgroup v2, did not come to their end.
        """
        self.until((self.folder / ENDED).exists, LONGEST)
        told = (self.folder / ENDED).read_text()
        if told:
            raise RuntimeError(f"{told}\n{self.tail()}")
        return cases_of(self.folder / REPORT)

    def unified(self) -> dict[str, list[Case]]:
        """The cases of the host's cgroup v2 by test file; to be asked for after ``wait``."""
        return cases_of(self.folder / UNIFIED)

    def apart(self) -> dict[str, list[Case]]:
        """The cases of what ran beside all others by test file; likewise."""
        return {**cases_of(self.folder / APART), **cases_of(self.folder / LAST)}

    def tail(self) -> str:
        """The last of what it wrote."""
        texts = [path.read_text(errors="replace")[-3000:] for path in self.folder.glob("[lo]*") if path.is_file()]
        return "\n".join(texts)

    def stop(self) -> None:
        """End it if it still runs."""
        with suppress(OSError, ValueError):
            os.killpg(int((self.folder / "pid").read_text()), signal.SIGTERM)


def cases_of(report: Path) -> dict[str, list[Case]]:
    """Read a JUnit report."""
    found: dict[str, list[Case]] = defaultdict(list)
    for element in ElementTree.parse(report).iter("testcase"):
        file = element.get("classname", "").replace(".", "/") + ".py"
        found[file].append(Case(element.get("name", ""), *outcome_of(element)))
    return dict(found)


def outcome_of(element: ElementTree.Element) -> tuple[str, str]:
    """How a test ended, and why."""
    for child in element:
        if child.tag in ("failure", "error"):
            return FAILED, f"{child.get('message', '')}\n{child.text or ''}"
        if child.tag == "skipped":
            expected = child.get("type") == "pytest.xfail"
            return EXPECTED if expected else SKIPPED, child.get("message", "")
    return PASSED, ""


def inner_files() -> list[str]:
    """The test files that are run in the guest."""
    return names(PATHS)


def unified_files() -> list[str]:
    """The test files that are run on the host's cgroup v2."""
    return names(unified.PATHS)


def apart_files() -> list[str]:
    """The test files that are run beside all others."""
    return names(apart.PATHS)


def names(paths: tuple[str, ...]) -> list[str]:
    """The test files at and below some paths."""
    return sorted(str(path.relative_to(REPOSITORY)) for path in files(list(paths)))
