"""``kill``: send a signal to a container (LNX-KILL-01, 02, 05)."""

from __future__ import annotations

from ringfence.cli.numbers import signal_number
from ringfence.container.kill import kill
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime

SIGTERM = "15"


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Send the signal; that the container does not exist is said before that the signal does not."""
    container_id = arguments.words[0]
    word = arguments.words[1] if len(arguments.words) > 1 else SIGTERM
    try:
        signal = signal_number(word)
    except RingfenceError:
        from ringfence.container.record import load_record

        load_record(runtime, container_id)
        raise
    kill(runtime, container_id, signal, everything=arguments.switch("all"))
    return 0
