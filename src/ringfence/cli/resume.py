"""``resume``: thaw the processes of a paused container (LNX-PPR-07)."""

from __future__ import annotations

from ringfence.container.freeze import resume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Return when every process runs again."""
    resume(runtime, arguments.words[0])
    return 0
