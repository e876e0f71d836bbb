"""From the words of such a command line to the exit status."""

from __future__ import annotations

from ringfence.cli.clear.log import MODE, ClearStyle
from ringfence.cli.clear.options import (
    ATTACH,
    HELP_WORDS,
    IDLE,
    MAY_BE_UNKNOWN,
    NEW,
    OPTIONS,
    OWN_NAMES,
    STOP,
    VERSION,
    WITH_BUNDLE,
    usage,
    with_console,
    with_unit,
)
from ringfence.cli.clear.verbs import ACTIONS
from ringfence.cli.main import action, operate, wrong_count
from ringfence.cli.options import SUBVERBS, VERBS, UsageError, parse
from ringfence.cli.output import write
from ringfence.cli.personality import personality
from ringfence.cli.world import absolute, caller_environment, current_directory, default_root, state_root
from ringfence.container.record import container_directory
from ringfence.errors import RingfenceError
from ringfence.paths import exists

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.log import Log
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def perform_clear(program: str, words: list[str], log: Log) -> int:
    """Perform one command line; ``program`` is the name whose personality it has."""
    given = parse(words, OPTIONS, anywhere=False)
    name = given.words[0] if given.words else ""
    if given.switch("version") or name == VERSION:
        return version(program)
    if given.switch("help") or not name or name in HELP_WORDS:
        return general_help(program)
    if name not in VERBS and name not in OWN_NAMES:
        raise RingfenceError(f"no such command: {name}")
    set_up_log(program, given, log)
    if " ".join(given.words[:2]) in SUBVERBS:
        name = " ".join(given.words[:2])
        given.words[:2] = [name]
    return perform_verb(program, name, given, log)


def version(program: str) -> int:
    """Print three lines (MVM-CCOR-14)."""
    from ringfence.version import SPEC_VERSION, VERSION

    name = personality(program).name
    write(f"{name} version: {VERSION}\nspec version: {SPEC_VERSION}\ncommit: {VERSION}\n")
    return 0


def general_help(program: str) -> int:
    """Print how the program is called, and its commands."""
    from ringfence.cli.help import VERB_LINES, columns

    own = {STOP: "end a container and remove what is left of it", ATTACH: "talk with the console of its machine"}
    commands = {**VERB_LINES, **own, VERSION: "print the version"}
    write(f"Usage: {program} [global options] <command> [options] [arguments]\n\n{columns(sorted(commands.items()))}")
    return 0


def set_up_log(program: str, given: Arguments, log: Log) -> None:
    """Take up the options of logging; a format that is not JSON means text (MVM-CCOR-13).

    Raises:
        RingfenceError: a file cannot be opened.
    """
    form = "json" if given.text("log-format") == "json" else "text"
    log.configure(given.text("log"), form, given.switch("debug"), MODE)
    means, cwd = personality(program), current_directory()
    style = ClearStyle(means.name, log.verbose)
    log.style = style
    path = given.text("global-log")
    if path:
        style.open_global(absolute(path, cwd))
    elif means.global_log:
        root = (
            state_root(given.text("root"), cwd) if given.given("root") else default_root(program, caller_environment())
        )
        if exists(root):
            style.open_global(f"{root}/{means.global_log}")
    log.verbose = log.verbose or style.everything >= 0
    for name in IDLE:
        if given.given(name):
            log.debug(f"--{name} has no effect: there is no such program any more")


def perform_verb(program: str, name: str, given: Arguments, log: Log) -> int:
    """Read the options of a command and do what it says.

    Raises:
        UsageError: the words are too few or too many.
    """
    own = OWN_NAMES.get(name, name)
    verb = SUBVERBS.get(own) or VERBS[own]
    options = WITH_BUNDLE.get(name, verb.options)
    words = adapted(name, given.words[1:])
    arguments = parse(words, options, verb.anywhere)
    if arguments.switch("help"):
        from ringfence.cli.help import verb_help

        write(verb_help(program, own.split()[0]))
        return 0
    if name in WITH_BUNDLE and len(arguments.words) == 2 and not arguments.given("bundle"):
        arguments.values["bundle"] = [arguments.words.pop()]
    if wrong_count(verb, len(arguments.words)):
        raise UsageError(usage(name))

    def act(runtime: Runtime, arguments: Arguments) -> int:
        check_known(runtime, name, arguments)
        return (ACTIONS.get(name) or action(name, given))(runtime, arguments)

    return operate(program, own, given, arguments, log, act)


def adapted(name: str, words: list[str]) -> list[str]:
    """The words as our reader of options takes them."""
    if name in WITH_BUNDLE:
        return with_console(words)
    return with_unit(words) if name == "events" else words


def check_known(runtime: Runtime, name: str, arguments: Arguments) -> None:
    """Refuse a container that is not there where it has to be, or is where it must not (MVM-CCOR-17).

    Raises:
        RingfenceError: so it is.
    """
    if not arguments.words:
        return
    container_id = arguments.words[0]
    directory = container_directory(runtime, container_id)
    if name in NEW and exists(directory):
        raise RingfenceError(f"container {container_id} already exists")
    may_be_unknown = name in MAY_BE_UNKNOWN or (name == "start" and arguments.given("bundle"))
    if not may_be_unknown and not exists(directory):
        raise RingfenceError(f"failed to parse json file: {directory}/state.json: container does not exist")
