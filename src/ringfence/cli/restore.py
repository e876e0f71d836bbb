"""``restore``: bring a container back from the files of a checkpoint (LNX-CR-03)."""

from __future__ import annotations

from ringfence.cli.bundle import create_fields
from ringfence.cli.criu import criu_options
from ringfence.container.restore import restore
from ringfence.container.runtime import RunOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Restore the container; unless detached the exit status is its program's."""
    options = RunOptions(**create_fields(runtime, arguments), detach=arguments.switch("detach"))
    return restore(runtime, arguments.words[0], options, criu_options(runtime, arguments))
