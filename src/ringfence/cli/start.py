"""``start``: let the program of a created container go (LNX-LIFE-10)."""

from __future__ import annotations

from ringfence.container.start import start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Release the program that waits."""
    start(runtime, arguments.words[0])
    return 0
