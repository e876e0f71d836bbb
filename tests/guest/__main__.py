"""``python3 -m tests.guest build``, ``run SCRIPT [SHARED...]`` or ``bench [OPTION...]``.

SCRIPT - is standard input; the benchmark's options are those of ``python3 -m bench``.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.guest.boot import run
from tests.guest.build import image
from tests.guest.share import prepare

LONGEST = 3600.0
BENCH = """\
cp -a installed/. /
cd tree
python3 -m bench --runtimes ringfence=/usr/local/bin/ringfence,runc,crun --output /out {words}
"""


def output() -> int:
    """Standard output under another number, since QEMU takes none below 3."""
    return os.dup(1)


def script(words: list[str]) -> int:
    """Run a script with what is named beside it shared; its exit status."""
    text = sys.stdin.read() if words[0] == "-" else Path(words[0]).read_text()
    ended = run(text, [(Path(path), Path(path).resolve().name) for path in words[1:]], output(), LONGEST)
    shutil.rmtree(ended.out)
    return ended.status


def bench(words: list[str]) -> int:
    """Compare the runtimes on cgroup v2; the tables go to standard output."""
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as scratch:
        share = prepare(Path(scratch), image())
        ended = run(BENCH.format(words=" ".join(words)), share, output(), LONGEST)
    shutil.rmtree(ended.out)
    return ended.status


def main(words: list[str]) -> int:
    if words[:1] == ["build"]:
        print(image())
        return 0
    if words[:1] == ["bench"]:
        return bench(words[1:])
    if words[:1] == ["run"] and len(words) > 1:
        return script(words[1:])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
