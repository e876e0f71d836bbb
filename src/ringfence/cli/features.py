"""``features``: what this runtime can do, as JSON (LNX-FEAT-02)."""

from __future__ import annotations

from ringfence.cli.output import write
from ringfence.container.choice import choose
from ringfence.features import features
from ringfence.jsontext import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def perform(runtime: Runtime, _arguments: Arguments) -> int:
    """Print the features of runtime-spec 1.3 behind the wall that a container would get."""
    wall = choose(runtime, {}).driver
    write(dumps(features(runtime.program, wall), indent="    ") + "\n")
    return 0
