"""``--id ID events``: the lines of runc in 2015 (OLD-CLI-10)."""

from __future__ import annotations

from ringfence.cli import events
from ringfence.cli.events import print_line
from ringfence.container.events import stats, watch
from ringfence.container.old_stats import old_stats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Print one report, or reports until the container is gone."""
    container_id = arguments.words[0]
    seconds = events.interval(runtime, arguments)
    if arguments.switch("stats"):
        print_line({"type": "stats", "id": container_id, "data": old_stats(stats(runtime, container_id))})
        return 0
    for event in watch(runtime, container_id, seconds):
        data = event.get("data")
        print_line({**event, "data": old_stats(data)} if isinstance(data, dict) else event)
    return 0
