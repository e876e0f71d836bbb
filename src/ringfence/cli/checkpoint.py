"""``checkpoint``: write a container's processes to files (LNX-CR-02)."""

from __future__ import annotations

from ringfence.cli.criu import criu_options
from ringfence.container.checkpoint import checkpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Checkpoint the container."""
    checkpoint(runtime, arguments.words[0], criu_options(runtime, arguments))
    return 0
