"""``python3 -m tests.xen.inside REPORT [WORD...]``: run the tests whose file::name has one of the words, or all."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.xen.inside.harness import run

if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2:])
