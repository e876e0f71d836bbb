"""Running the tests of dom0: ``python3 -m tests.xen.lab.inner FOLDER [WORD...]``.

FOLDER gets ``prepared`` when they begin, ``output`` while they run, and in the end ``report.xml`` and ``ended`` with
what went wrong, "" if nothing did, as tests.guest.inner has it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from guest.own import build as own_kernel
from tests.guest.inner import ENDED, PREPARED, REPORT
from tests.guest.share import prepare
from tests.xen.lab.boot import Ended, run
from tests.xen.lab.build import image

KERNEL = "vmlinux"
LONGEST = 4500.0
PLACE = "/var/cache/ringfence/guest/current"
SCRIPT = """\
cp -a installed/. /
mkdir -p {place}
mv {kernel} {place}
cd tree
export RINGFENCE_BINARY=/usr/local/bin/ringfence PYTHONDONTWRITEBYTECODE=1
{command}
"""


def in_dom0(command: str, output: int, seconds: float, prepared: Callable[[], None] = lambda: None) -> Ended:
    """Boot the lab with this tree, its installation and the guests' kernel, and run a command in the tree.

    Raises:
        GuestError: dom0 did not come to the end.
    """
    with tempfile.TemporaryDirectory(prefix="ringfence-xen-share-") as scratch:
        share = prepare(Path(scratch), image())
        prepared()
        share.append((own_kernel() / KERNEL, KERNEL))
        return run(SCRIPT.format(place=PLACE, kernel=KERNEL, command=command), share, output, seconds)


def perform(folder: Path, words: list[str]) -> None:
    """Run the tests of dom0.

    Raises:
        GuestError: dom0 did not come to the end.
    """
    command = f"python3 -m tests.xen.inside /out/report.xml {' '.join(words)}"
    with open(folder / "output", "wb") as output:
        ended = in_dom0(command, output.fileno(), LONGEST, (folder / PREPARED).touch)
    try:
        shutil.copy(ended.out / REPORT, folder / REPORT)
    finally:
        shutil.rmtree(ended.out)


def main(words: list[str]) -> None:
    folder = Path(words[0])
    (folder / "pid").write_text(str(os.getpid()))
    told = ""
    try:
        perform(folder, words[1:])
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
    beside = folder / f"{ENDED}.new"
    beside.write_text(told)
    os.rename(beside, folder / ENDED)
    if told:
        print(told)


if __name__ == "__main__":
    main(sys.argv[1:])
