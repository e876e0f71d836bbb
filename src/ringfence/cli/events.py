"""``events``: resource usage and what happens to a container, as lines of JSON (LNX-EVT-01 to 05)."""

from __future__ import annotations

from ringfence.cli.output import write
from ringfence.container.events import stats, watch
from ringfence.container.record import load_record
from ringfence.errors import RingfenceError
from ringfence.jsontext import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime

DEFAULT_SECONDS = 5.0


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Print one report, or reports until the container is gone."""
    container_id = arguments.words[0]
    seconds = arguments.seconds("interval", DEFAULT_SECONDS)
    if seconds <= 0:
        load_record(runtime, container_id)  # that it does not exist is said first
        raise RingfenceError("duration interval must be greater than 0")
    if arguments.switch("stats"):
        print_line({"type": "stats", "id": container_id, "data": stats(runtime, container_id)})
        return 0
    for event in watch(runtime, container_id, seconds):
        print_line(event)
    return 0


def print_line(event: dict[str, object]) -> None:
    """One object, one line."""
    write(dumps(event) + "\n")
