"""``spec upgrade``: print a configuration of an older form as one of today (OLD-UPGRADE-01 to 04)."""

from __future__ import annotations

import posix
import sys

from ringfence import paths
from ringfence.cli.output import write
from ringfence.cli.world import absolute
from ringfence.container.bundle import read_text, source_text
from ringfence.container.old import upgraded
from ringfence.container.runtime import Source
from ringfence.errors import from_os_error
from ringfence.jsontext import dumps
from ringfence.spec.load import load_document, parse_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Print the document, and one line for everything that is doubtful about it."""
    text, folder = told(runtime, arguments.words[0])
    result = upgraded(parse_text(text), folder, strict=False)
    printed = dumps(result.document, indent="\t") + "\n"
    load_document(parse_text(printed))
    for where, doubt in result.warnings:
        print(f"warning: {where}: {doubt}", file=sys.stderr)
    write(printed)
    return 0


def told(runtime: Runtime, word: str) -> tuple[str, str]:
    """The text, and the folder beside which runtime.json may lie.

    Raises:
        RingfenceError: there is none, or it cannot be read.
    """
    if word == "-":
        try:
            return read_text("/proc/self/fd/0"), runtime.cwd
        except OSError as error:
            raise from_os_error("cannot read standard input", error) from None
    path = absolute(word, runtime.cwd)
    if paths.isdir(path):
        return source_text(Source(path))
    return source_text(Source(posix.getcwd(), file=path))
