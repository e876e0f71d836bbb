"""``demo download``: fetch a release of FreeBSD (IMG-DEMO-01 to 05)."""

from __future__ import annotations

from ringfence.cli.demo_words import fetch, named_release, say
from ringfence.cli.world import absolute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime

USUAL = "rootfs.txz"


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Download it."""
    target = absolute(arguments.text("output", USUAL), runtime.cwd)
    fetch(named_release(arguments), target, arguments)
    say(f"Wrote {target}")
    return 0
