"""Running tests in guests: ``python3 -m tests.guest.inner FOLDER [PATH...]``.

Two guests share the test files: those of PATHS, those of EVERYTHING if the path is ``all``, or the given ones. Without
a path the host runs those of ``unified.PATHS`` as well, and then those of ``apart.PATHS``. FOLDER gets ``prepared``
when they begin, ``output1``, ``output2``, ``output-unified`` and ``output-apart`` while they run, and in the end
``report1.xml``, ``report2.xml``, ``unified.xml`` and ``apart.xml``, and ``ended`` with what went wrong, "" if nothing
did.
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

LONGEST = 3300.0
GUESTS = 2
PREPARED, ENDED, UNIFIED, APART = "prepared", "ended", "unified.xml", "apart.xml"
HEAVY = {
    "test_podman.py": 450, "test_containerd.py": 220, "test_checkpoint.py": 240, "test_systemd.py": 180,
    "test_units.py": 160, "test_systemd_user.py": 80,
}  # fmt: skip
"""Seconds that a file's tests take in a guest, where its size does not tell: those of engines start many programs."""
BYTES_PER_SECOND = 200
SCRIPT = """\
cp -a installed/. /
cd tree
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export RINGFENCE_BINARY=/usr/local/bin/ringfence RINGFENCE_TEST_PROGRAMS=/share/programs RINGFENCE_GUEST=1
python3 -m pytest -p no:cacheprovider --junit-xml=/out/report.xml {words}
"""


def weight(path: Path) -> int:
    """About how many seconds a test file takes."""
    return HEAVY.get(path.name, path.stat().st_size // BYTES_PER_SECOND)


def files(words: list[str]) -> list[Path]:
    """The test files at and below the paths, the largest first."""
    found: set[Path] = set()
    for word in words:
        path = REPOSITORY / word
        found.update(path.rglob("test_*.py") if path.is_dir() else [path])
    return sorted(found, key=lambda path: (-weight(path), path))


def shares(words: list[str]) -> list[list[str]]:
    """The test files for each guest, about as much for one as for the other; none for one that is not needed."""
    found: list[list[Path]] = [[] for _ in range(GUESTS)]
    for path in files(words):
        min(found, key=lambda held: sum(map(weight, held))).append(path)
    return [[str(path.relative_to(REPOSITORY)) for path in held] for held in found if held]


def perform(folder: Path, number: int, words: list[str], share: list[tuple[Path, str]]) -> None:
    """Boot a guest and run pytest with these words.

    Raises:
        GuestError: the guest did not come to the end.
    """
    with open(folder / f"output{number}", "wb") as output:
        ended = run(SCRIPT.format(words=" ".join(words)), share, output.fileno(), LONGEST)
    try:
        shutil.copy(ended.out / "report.xml", folder / f"report{number}.xml")
    except FileNotFoundError:
        raise GuestError(f"pytest in the guest made no report, exit status {ended.status}") from None
    finally:
        shutil.rmtree(ended.out)


def perform_on_host(folder: Path) -> None:
    """Run the tests of the host's own cgroup v2, then those beside all others.

    Raises:
        ApartError: either did not come to the end.
    """
    with open(folder / "output-unified", "wb") as output:
        unified.perform(folder / UNIFIED, output.fileno())
    with open(folder / "output-apart", "wb") as output:
        apart.perform(folder / APART, output.fileno())


def perform_all(folder: Path, words: list[str], on_host: bool) -> None:
    """Run all paths in as many guests as it takes; options of pytest go to each. ``on_host``: the host's as well.

    Raises:
        GuestError: a guest did not come to the end.
        ApartError: the host's tests did not.
    """
    options = [word for word in words if word.startswith("-")]
    parts = shares([word for word in words if not word.startswith("-")])
    with tempfile.TemporaryDirectory(prefix="ringfence-inner-") as scratch, ThreadPoolExecutor(GUESTS + 1) as pool:
        share = prepare(Path(scratch), image())
        (folder / PREPARED).touch()
        begun = [pool.submit(perform, folder, number, [*options, *part], share) for number, part in enumerate(parts, 1)]
        if on_host:
            begun.append(pool.submit(perform_on_host, folder))
        for one in begun:
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
