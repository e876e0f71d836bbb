"""``delete``: remove what is left of a container (LNX-DEL-01 to 06)."""

from __future__ import annotations

from ringfence.container.delete import delete

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Remove the container, with ``--force`` also one that runs or is not there."""
    delete(runtime, arguments.words[0], force=arguments.switch("force"))
    return 0
