"""``state``: what a container is and does, as JSON (LNX-STATE-01)."""

from __future__ import annotations

from ringfence.cli.output import write
from ringfence.container.state import state
from ringfence.jsontext import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Print the state of one container."""
    write(dumps(state(runtime, arguments.words[0]), indent="  ") + "\n")
    return 0
