"""``demo oci-image``: make an image of a release of FreeBSD (IMG-DEMO-07)."""

from __future__ import annotations

import os

from ringfence.cli.demo_words import NAMES, fetch, named_release, say
from ringfence.cli.image_build import source_epoch
from ringfence.cli.progress import Bar
from ringfence.cli.world import absolute
from ringfence.errors import RingfenceError
from ringfence.image.build import Build, build
from ringfence.image.output import Output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime
    from ringfence.image.platform import Platform

USUAL = "image.tar"
CONFIG = {"Cmd": ["/bin/sh"]}


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Make the image, of the archive given or of one that is downloaded and removed again."""
    target = absolute(arguments.text("output", USUAL), runtime.cwd)
    if arguments.given("input"):
        named = [f"--{name}" for name in NAMES if arguments.given(name)]
        if named:
            raise RingfenceError(f"demo oci-image: --input and {', '.join(named)} exclude each other")
        make(runtime, absolute(arguments.text("input"), runtime.cwd), target, None)
        return 0
    release = named_release(arguments)
    fetched = f"{target}.base.txz"
    fetch(release, fetched, arguments)
    make(runtime, fetched, target, release.platform())
    os.unlink(fetched)
    return 0


def make(runtime: Runtime, archive: str, target: str, platform: Platform | None) -> None:
    """Write the image of an archive; what it is for is said by its programs if not by the caller."""
    say(f"Building layer and image from {archive}")
    wanted = Build(
        rootfs=archive,
        platform=platform,
        config=CONFIG,
        epoch=source_epoch(runtime.environment),
        spool=runtime.environment.get("TMPDIR", "") or os.path.dirname(target),
    )
    with Bar("building") as bar, Output(target) as output:
        found = build(wanted, output, runtime.log.warning, bar.add)
    say(f"Wrote {target} for {found}")
