"""``features``: what this runtime can do, as JSON (LNX-FEAT-02)."""

from __future__ import annotations

from ringfence.cli.output import write
from ringfence.features import features
from ringfence.jsontext import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def perform(runtime: Runtime, _arguments: Arguments) -> int:
    """Print the features of runtime-spec 1.3."""
    write(dumps(features(runtime.program), indent="    ") + "\n")
    return 0
