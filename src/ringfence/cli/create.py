"""``create``: make a container whose program waits for ``start`` (LNX-LIFE-01)."""

from __future__ import annotations

from ringfence.cli.bundle import create_fields
from ringfence.container.create import create
from ringfence.container.runtime import CreateOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Create the container from its bundle."""
    container_id = arguments.words[0]
    create(runtime, container_id, CreateOptions(**create_fields(runtime, arguments)))
    return 0
