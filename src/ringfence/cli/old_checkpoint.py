"""``--id ID checkpoint``: as runc of 2015 did it, which let open TCP connections be every time (OLD-CLI-11)."""

from __future__ import annotations

from ringfence.cli.criu import criu_options
from ringfence.container.checkpoint import checkpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Checkpoint the container."""
    options = criu_options(runtime, arguments)
    options.tcp_established = True
    checkpoint(runtime, arguments.words[0], options)
    return 0
