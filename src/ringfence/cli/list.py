"""``list``: the containers of a state folder (LNX-STATE-10 to 14)."""

from __future__ import annotations

import posix

from ringfence.cli.log import put
from ringfence.cli.output import STDERR, write
from ringfence.cli.table import padded
from ringfence.cli.world import default_root
from ringfence.container.listing import listing
from ringfence.errors import RingfenceError
from ringfence.jsontext import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime

COLUMNS = ("id", "pid", "status", "bundle", "created", "owner")
MORE_COLUMNS = ("hypervisor", "kernel", "image")


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Print the containers; an entry that cannot be read is named on standard error and does no harm."""
    form = arguments.text("format", "table")
    check_root(runtime)
    whole = arguments.switch("all")
    states, broken = listing(runtime, whole=whole)
    if broken:
        put(STDERR, "".join(f"{text}\n" for text in broken))
    if arguments.switch("quiet"):
        write("".join(f"{state['id']}\n" for state in states))
    elif form == "json":
        write(dumps(states) + "\n")
    elif form == "table":
        write(table(states, COLUMNS + MORE_COLUMNS if whole else COLUMNS))
    else:
        raise RingfenceError("invalid format option", hint="the formats are table and json")
    return 0


def check_root(runtime: Runtime) -> None:
    """Refuse a state folder that is not there, except the default one, which the first container makes (LNX-STATE-13).

    Raises:
        RingfenceError: it is not there.
    """
    if not posix.access(runtime.root, posix.F_OK) and runtime.root != default_root(
        runtime.program, runtime.environment
    ):
        raise RingfenceError(f"open {runtime.root}: no such file or directory")


def table(states: list[dict[str, object]], columns: tuple[str, ...]) -> str:
    """One line for each container below a header."""
    rows = [[column.upper() for column in columns]]
    rows += [[str(state[column]) for column in columns] for state in states]
    return padded(rows, least=12, gap=3)
