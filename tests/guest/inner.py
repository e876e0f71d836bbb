"""Running tests in the guest: ``python3 -m tests.guest.inner FOLDER [PATH...]``.

FOLDER gets ``output`` while they run, and in the end ``report.xml`` and ``ended`` with one line, "" if all went well.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.guest.boot import GuestError, run
from tests.guest.build import image
from tests.guest.share import prepare

PATHS = (
    "tests/guest/inside", "tests/conformance", "tests/security", "tests/faults", "tests/unit/cgroups",
)  # fmt: skip
"""What is run in the guest."""

LONGEST = 2400.0
SCRIPT = """\
cp -a installed/. /
cd tree
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export RINGFENCE_BINARY=/usr/local/bin/ringfence RINGFENCE_TEST_PROGRAMS=/share/programs RINGFENCE_GUEST=1
python3 -m pytest -n 2 --dist loadfile -p no:cacheprovider --junit-xml=/out/report.xml {words}
"""


def perform(folder: Path, words: list[str]) -> None:
    """Boot the guest and run pytest with these words.

    Raises:
        GuestError: the guest did not come to the end.
    """
    with tempfile.TemporaryDirectory(prefix="ringfence-inner-") as scratch, open(folder / "output", "wb") as output:
        share = prepare(Path(scratch), image())
        ended = run(SCRIPT.format(words=" ".join(words)), share, output.fileno(), LONGEST)
    try:
        shutil.copy(ended.out / "report.xml", folder / "report.xml")
    except FileNotFoundError:
        raise GuestError(f"pytest in the guest made no report, exit status {ended.status}") from None
    finally:
        shutil.rmtree(ended.out)


def main(words: list[str]) -> None:
    folder = Path(words[0])
    (folder / "pid").write_text(str(os.getpid()))
    begun = time.monotonic()
    try:
        perform(folder, words[1:] or list(PATHS))
        told = ""
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
    beside = folder / "ended.new"
    beside.write_text(told)
    os.rename(beside, folder / "ended")
    print(f"{time.monotonic() - begun:.0f} s {told}")


if __name__ == "__main__":
    main(sys.argv[1:])
