"""From the words of such a command line to the exit status."""

from __future__ import annotations

from ringfence.cli.container_id import check_id
from ringfence.cli.main import action, wrong_count
from ringfence.cli.options import UsageError, parse
from ringfence.cli.output import write
from ringfence.cli.runj.options import COMMANDS, GROUPS, HELP_WORDS, LINES, OPTIONS, VERSION, command_of, usage
from ringfence.cli.runj.verbs import ACTIONS
from ringfence.cli.world import make_runtime
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.log import Log
    from ringfence.cli.options import Arguments


def perform_runj(program: str, words: list[str], log: Log) -> int:
    """Perform one command line; ``program`` is the name whose personality it has.

    Raises:
        RingfenceError: there is no such command, or it fails.
    """
    given = parse(words, OPTIONS, anywhere=False)
    first = given.words[0] if given.words else ""
    if given.switch("version") or first == VERSION:
        return version(program)
    if given.switch("help") or not first or first in HELP_WORDS:
        return general_help(program)
    log.configure(given.text("log"), given.text("log-format", "text"), given.switch("debug"))
    name, rest = command_of(given.words)
    if name in GROUPS:
        return group_help(program, name, rest)
    if name not in COMMANDS:
        raise RingfenceError(f'unknown command "{name}" for "{program}"')
    return perform_command(program, name, rest, given, log)


def version(program: str) -> int:
    """Print the version and the revision."""
    from ringfence.version import VERSION

    write(f"{program} version {VERSION} (revision {VERSION})\n")
    return 0


def general_help(program: str) -> int:
    """Print how the program is called, and its commands."""
    from ringfence.cli.help import columns

    lines = columns(sorted({**LINES, **GROUPS}.items()))
    write(f"Usage:\n  {program} [global options] <command> [options] [arguments]\n\n{lines}")
    return 0


def group_help(program: str, group: str, rest: list[str]) -> int:
    """Print the commands of two words; one that is none of them is an error.

    Raises:
        RingfenceError: so it is.
    """
    if rest and not rest[0].startswith("-") and rest[0] not in HELP_WORDS:
        raise RingfenceError(f'unknown command "{rest[0]}" for "{program} {group}"')
    write("".join(usage(program, name) for name in COMMANDS if name.startswith(f"{group} ")))
    return 0


def perform_command(program: str, name: str, words: list[str], given: Arguments, log: Log) -> int:
    """Read the options of a command and do what it says; how it is called is shown for wrong arguments alone.

    Raises:
        RingfenceError: it fails.
        UsageError: the words are wrong.
    """
    try:
        arguments = read(name, words)
        if arguments.switch("help"):
            write(usage(program, name))
            return 0
        act = ACTIONS.get(name) or action(name, given)
        return act(make_runtime(program, name, given, log), arguments)
    except UsageError:
        write(usage(program, name))
        raise


def read(name: str, words: list[str]) -> Arguments:
    """The options and words of a command.

    Raises:
        RingfenceError: the id is none.
        UsageError: they are wrong.
    """
    verb = COMMANDS[name]
    arguments = parse(words, verb.options, verb.anywhere)
    if arguments.switch("help"):
        return arguments
    wrong = wrong_count(verb, len(arguments.words))
    if wrong:
        raise UsageError(f"{name} requires {wrong} argument(s)")
    if verb.least:
        check_id(arguments.words[0])
    return arguments
