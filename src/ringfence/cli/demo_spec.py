"""``demo spec``: write a config.json for a jail (IMG-DEMO-06)."""

from __future__ import annotations

import os

from ringfence.cli.bundle import bundle_path
from ringfence.cli.spec import NAME, write_new
from ringfence.errors import RingfenceError
from ringfence.image.freebsd import demo_config
from ringfence.jsontext import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Write it into the bundle, or into the caller's folder."""
    path = os.path.join(bundle_path(runtime, arguments), NAME)
    if os.path.lexists(path):
        raise RingfenceError(f"{NAME} exists. Remove it first")
    write_new(path, dumps(demo_config(), indent="  ") + "\n")
    return 0
