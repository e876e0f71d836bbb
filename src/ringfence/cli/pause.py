"""``pause``: freeze all processes of a container (LNX-PPR-05)."""

from __future__ import annotations

from ringfence.container.freeze import pause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Return when every process is frozen."""
    pause(runtime, arguments.words[0])
    return 0
