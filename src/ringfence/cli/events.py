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
    seconds = interval(runtime, arguments)
    if arguments.switch("stats"):
        print_line({"type": "stats", "id": container_id, "data": stats(runtime, container_id)})
        return 0
    for event in watch(runtime, container_id, seconds):
        print_line(event)
    return 0


def interval(runtime: Runtime, arguments: Arguments) -> float:
    """Seconds between two reports.

    Raises:
        RingfenceError: none, or less; or there is no such container, which is said first.
    """
    seconds = arguments.seconds("interval", DEFAULT_SECONDS)
    if seconds <= 0:
        load_record(runtime, arguments.words[0])
        raise RingfenceError("duration interval must be greater than 0")
    return seconds


def print_line(event: dict[str, object]) -> None:
    """One object, one line."""
    write(dumps(event) + "\n")
