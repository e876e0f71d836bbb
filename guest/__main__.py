"""Make a kernel for guests: ``python3 -m guest`` builds our own, ``python3 -m guest stock`` fetches the distribution's.

``python3 -m guest aarch64`` builds it for another processor, by the cross compiler of the distribution.

The last line printed is its folder.
"""

from __future__ import annotations

import sys

from guest import own, stock
from guest.place import GuestError


def main(words: list[str]) -> int:
    """Make it, and say where it is."""
    try:
        print(stock.build() if words == ["stock"] else own.build(*words[:1]))
    except GuestError as error:
        print(f"guest: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
