"""``--id ID exec FILE``: the process object of a file, in its old or new form (OLD-CLI-08)."""

from __future__ import annotations

from ringfence.cli.world import absolute
from ringfence.container.bundle import read_text
from ringfence.container.execute import execute
from ringfence.container.runtime import ExecOptions
from ringfence.errors import RingfenceError, from_os_error
from ringfence.jsontext import dumps
from ringfence.spec.load import parse_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Run the process; its exit status is the command's."""
    container_id, *words = arguments.words
    if len(words) != 1:
        raise RingfenceError("exec with --id takes one file")
    return execute(runtime, container_id, ExecOptions(process_text=process_text(runtime, words[0])))


def process_text(runtime: Runtime, word: str) -> str:
    """The process object of a file, of today.

    Raises:
        RingfenceError: there is no such file, or it holds no process.
    """
    path = absolute(word, runtime.cwd)
    try:
        document = parse_text(read_text(path), word)
    except FileNotFoundError:
        raise RingfenceError(f"JSON configuration file for {word} not found") from None
    except OSError as error:
        raise from_os_error(f"cannot read {path}", error) from None
    from ringfence.container.old import surroundings
    from ringfence.spec.upgrade.place import Place
    from ringfence.spec.upgrade.process import process_of

    place = Place(document, "process", [])
    return dumps(process_of(place, Place({}, "linux", []), surroundings({}, runtime.cwd, strict=True)))
