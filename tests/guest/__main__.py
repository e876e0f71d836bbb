"""``python3 -m tests.guest build``, or ``run SCRIPT [SHARED...]``; SCRIPT - is standard input."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.guest.boot import run
from tests.guest.build import image

LONGEST = 3600.0


def main(words: list[str]) -> int:
    if words[:1] == ["build"]:
        print(image())
        return 0
    if len(words) < 2 or words[0] != "run":
        print(__doc__, file=sys.stderr)
        return 2
    script = sys.stdin.read() if words[1] == "-" else Path(words[1]).read_text()
    ended = run(script, [(Path(path), Path(path).resolve().name) for path in words[2:]], 1, LONGEST)
    shutil.rmtree(ended.out)
    return ended.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
