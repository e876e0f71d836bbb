"""The wall of a Xen domain in numbers: ``make bench-xen``, or ``python3 -m bench.xen --rounds 5``.

In the lab of tests/xen each round measures the way to the program's first line beside the toolstack's own commands for
the same domain, up to the first word of its init.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys

from tests.xen.lab.inner import in_dom0

LONGEST = 3600.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.xen", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each thing is measured (default 5)")
    given = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("bench: making the lab needs root")
    # QEMU takes no descriptor below 3.
    ended = in_dom0(f"python3 -m bench.xen.inside {given.rounds}", os.dup(1), LONGEST)
    shutil.rmtree(ended.out)
    return ended.status


if __name__ == "__main__":
    sys.exit(main())
