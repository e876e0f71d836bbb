"""``run``: create a container, start it and, unless detached, wait for its program (LNX-LIFE-01, 12)."""

from __future__ import annotations

from ringfence.cli.bundle import create_fields
from ringfence.container.run import run
from ringfence.container.runtime import RunOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Run the container; the exit status is the program's."""
    options = RunOptions(
        **create_fields(runtime, arguments),
        detach=arguments.switch("detach"),
        keep=arguments.switch("keep"),
        no_subreaper=arguments.switch("no-subreaper"),
    )
    return run(runtime, arguments.words[0], options)
