"""Running tests in the guest: ``python3 -m tests.guest.inner FOLDER [PATH...]``.

The guest runs the test files of PATHS, those of EVERYTHING if the path is ``all``, or the given ones. Without a path
the host runs those of ``apart.LAST`` behind it, and beside it those of ``unified.PATHS`` and then of ``apart.FIRST``.
FOLDER gets ``prepared`` when they begin, ``output`` and others of that name while they run, and in the end
``report.xml``, ``unified.xml``, ``apart.xml`` and ``last.xml``, and ``ended`` with what went wrong, "" if nothing did.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.guest import apart, unified
from tests.guest.boot import GuestError, run
from tests.guest.build import image
from tests.guest.share import REPOSITORY, prepare

PATHS = (
    "tests/guest/inside", "tests/unit/cgroups/test_privileged_v2.py", "tests/security/test_cgroups.py",
    "tests/conformance/test_events.py",
)  # fmt: skip
"""What is run in the guest by every ``make test``: what depends on controllers of cgroup v2, on systemd or on the user.
The whole of EVERYTHING takes longer than all other tests together where emulation is slow; it is run by hand."""
EVERYTHING = ("tests/guest/inside", "tests/conformance", "tests/security", "tests/faults", "tests/unit/cgroups")

LONGEST = 4500.0
PREPARED, ENDED, REPORT = "prepared", "ended", "report.xml"
UNIFIED, APART, LAST = "unified.xml", "apart.xml", "last.xml"
SCRIPT = """\
cp -a installed/. /
cd tree
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export RINGFENCE_BINARY=/usr/local/bin/ringfence RINGFENCE_TEST_PROGRAMS=/share/programs RINGFENCE_GUEST=1
python3 -m pytest -p no:cacheprovider --junit-xml=/out/report.xml {words}
"""


def files(words: list[str]) -> list[Path]:
    """The test files at and below the paths."""
    found: set[Path] = set()
    for word in words:
        path = REPOSITORY / word
        found.update(path.rglob("test_*.py") if path.is_dir() else [path])
    return sorted(found)


def perform(folder: Path, words: list[str], share: list[tuple[Path, str]]) -> None:
    """Boot the guest and run pytest with these words.

    Raises:
        GuestError: the guest did not come to the end.
    """
    with open(folder / "output", "wb") as output:
        ended = run(SCRIPT.format(words=" ".join(words)), share, output.fileno(), LONGEST)
    try:
        shutil.copy(ended.out / REPORT, folder / REPORT)
    except FileNotFoundError:
        raise GuestError(f"pytest in the guest made no report, exit status {ended.status}") from None
    finally:
        shutil.rmtree(ended.out)


def perform_on_host(folder: Path) -> None:
    """Run the tests of the host's own cgroup v2, then the first part of those beside all others.

    Raises:
        ApartError: either did not come to the end.
    """
    with open(folder / "output-unified", "wb") as output:
        unified.perform(folder / UNIFIED, output.fileno())
    with open(folder / "output-apart", "wb") as output:
        apart.perform(folder / APART, output.fileno(), apart.FIRST)


def perform_last(folder: Path) -> None:
    """Run the last part of them.

    Raises:
        ApartError: it did not come to the end.
    """
    with open(folder / "output-last", "wb") as output:
        apart.perform(folder / LAST, output.fileno(), apart.LAST)


def perform_all(folder: Path, words: list[str], on_host: bool) -> None:
    """Run all paths, with options of pytest among them, in the guest. ``on_host``: with it those of the host.

    Raises:
        GuestError: the guest did not come to the end.
        ApartError: the host's tests did not.
    """
    with tempfile.TemporaryDirectory(prefix="ringfence-inner-") as scratch, ThreadPoolExecutor(1) as pool:
        share = prepare(Path(scratch), image())
        (folder / PREPARED).touch()
        beside = [pool.submit(perform_on_host, folder)] if on_host else []
        perform(folder, words, share)
        if on_host:
            perform_last(folder)
        for one in beside:
            one.result()


def main(words: list[str]) -> None:
    folder = Path(words[0])
    (folder / "pid").write_text(str(os.getpid()))
    begun = time.monotonic()
    try:
        paths = list(EVERYTHING) if words[1:] == ["all"] else words[1:] or list(PATHS)
        perform_all(folder, paths, on_host=not words[1:])
        told = ""
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
    beside = folder / f"{ENDED}.new"
    beside.write_text(told)
    os.rename(beside, folder / ENDED)
    print(f"{time.monotonic() - begun:.0f} s {told}")


if __name__ == "__main__":
    main(sys.argv[1:])
