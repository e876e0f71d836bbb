"""``python3 -m tests.xen.lab build`` or ``run SCRIPT [SHARED...]``; SCRIPT - is standard input."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tests.xen.lab.boot import run
from tests.xen.lab.build import image

LONGEST = 3600.0


def script(words: list[str]) -> int:
    """Run a script with what is named beside it shared; its exit status."""
    text = sys.stdin.read() if words[0] == "-" else Path(words[0]).read_text()
    # QEMU takes no descriptor below 3.
    ended = run(text, [(Path(path), Path(path).resolve().name) for path in words[1:]], os.dup(1), LONGEST)
    shutil.rmtree(ended.out)
    return ended.status


def main(words: list[str]) -> int:
    if words[:1] == ["build"]:
        print(image())
        return 0
    if words[:1] == ["run"] and len(words) > 1:
        return script(words[1:])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
