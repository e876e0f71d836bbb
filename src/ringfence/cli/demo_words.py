"""What the demo commands that fetch a release have in common."""

from __future__ import annotations

from ringfence.cli.output import write
from ringfence.cli.progress import Bar
from ringfence.image.demo.download import Download
from ringfence.image.demo.release import MIRROR, Release, wanted_release
from ringfence.image.platform import system_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments

NAMES = ("machine", "arch", "version")


def say(text: str) -> None:
    """Print a line."""
    write(f"{text}\n")


def named_release(arguments: Arguments) -> Release:
    """The release of the options, or of the host."""
    return wanted_release({name: arguments.text(name) for name in NAMES}, system_name() == "freebsd", say)


def fetch(release: Release, target: str, arguments: Arguments) -> None:
    """Download the base system of a release to a file."""
    say(f"Downloading base system of {release.version} for {release.machine}, {release.arch}")
    with Bar("downloading") as bar:
        Download(release, target, bar).run(arguments.texts("mirror") or (MIRROR,))
