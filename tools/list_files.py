"""Print the files below a folder that end in one of the given suffixes, one a line, sorted; meson.build asks it."""

from __future__ import annotations

import sys
from pathlib import Path


def main(folder: str, *suffixes: str) -> None:
    root = Path(folder)
    found = (path for path in root.rglob("*") if path.suffix in suffixes)
    for path in sorted(found):
        print(path.relative_to(root))


if __name__ == "__main__":
    main(*sys.argv[1:])
