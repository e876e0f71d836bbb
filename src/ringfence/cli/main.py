"""From the words of a command line to the exit status (LNX-CLI-01 to 26).

The modules of a verb are imported when it is known which one it is; ``state`` must cost little more than the start of
the interpreter. For the same reason the modules of the command line use ``posix``, which is built into the interpreter,
and not ``os``, which adds nothing that they need and 0.7 ms.
"""

from __future__ import annotations

import posix
import sys

from ringfence import paths
from ringfence.cli.container_id import check_id
from ringfence.cli.log import Log
from ringfence.cli.options import (
    GLOBAL_OPTIONS,
    GROUPS,
    MODULES,
    SUBVERBS,
    VERBS,
    WITH_FILE,
    WITH_ID,
    WITHOUT_ID,
    Arguments,
    UsageError,
    parse,
)  # fmt: skip
from ringfence.cli.output import ReaderGoneError, write
from ringfence.cli.personality import CLEAR, RUNJ, checked_name, personality
from ringfence.cli.world import make_runtime
from ringfence.errors import RingfenceError, from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ringfence.cli.options import Verb
    from ringfence.container.runtime import Runtime

    Perform = Callable[[Runtime, Arguments], int]

UNKNOWN_COMMAND = 3
MAKING = ("create", "run", "restore", "explain")
"""The commands whose container need not be there."""
INTERRUPTED = 130
PIPE_BROKEN = 141


def main() -> None:
    """Perform the command line and end the process; the interpreter is not taken down first, that costs 0.5 ms."""
    fill_standard_descriptors()
    program = sys.argv[0].rpartition("/")[2].removesuffix("__main__.py") or "ringfence"
    posix._exit(command(program, sys.argv[1:]))  # noqa: SLF001 - _exit(2) is public


def fill_standard_descriptors() -> None:
    """Put /dev/null where standard input, output or error is closed, lest the next file opened takes its place."""
    for number in (0, 1, 2):
        try:
            posix.fstat(number)
        except OSError:
            posix.set_inheritable(posix.open("/dev/null", posix.O_RDWR), True)


def command(program: str, words: list[str]) -> int:
    """Perform one command line and report its failure. Returns the exit status."""
    log = Log()
    try:
        status = perform(program, words, log)
    except ReaderGoneError:
        return PIPE_BROKEN
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        reported = known(error, log)
        log.failure(reported)
        return reported.status
    log.release()
    return status


def known(error: Exception, log: Log) -> RingfenceError:
    """The error itself, or for one that nobody foresaw one line that says what and where."""
    if isinstance(error, RingfenceError):
        return error
    try:
        from ringfence.cli.internal import internal_error, trace
    except OSError as missing:
        # With no descriptor left not even that can be read (EMFILE).
        return from_os_error("cannot load the runtime's own modules", missing)
    if log.verbose:
        log.debug(trace(error))
    return internal_error(error)


def perform(program: str, words: list[str], log: Log) -> int:
    """Read the global options and hand on to the command."""
    line = personality(program).line
    if line == CLEAR:
        from ringfence.cli.clear.command import perform_clear

        return perform_clear(program, words, log)
    if line == RUNJ:
        from ringfence.cli.runj.command import perform_runj

        return perform_runj(program, words, log)
    if personality(program).runx:
        from ringfence.cli.runx import arranged

        words = arranged(words)
    try:
        given = parse(words, GLOBAL_OPTIONS, anywhere=False)
    except UsageError as error:
        from ringfence.cli.help import general_help

        write(f"Incorrect Usage. {error}\n\n{general_help(program)}")
        raise
    if given.given("personality") and given.text("personality") != program:
        return perform(checked_name(given.text("personality")), words, log)
    if given.switch("help") or given.switch("version"):
        return inform(program, given)
    verbose = given.switch("debug") or given.text("log-level") == "debug"
    log.configure(given.text("log"), given.text("log-format", "text"), verbose)
    if not given.words:
        return perform_bare(program, given, log)
    name = given.words[0]
    if name in ("help", "h"):
        return explain_command(program, given.words[1:])
    if " ".join(given.words[:2]) in SUBVERBS:
        name = " ".join(given.words[:2])
        given.words[:2] = [name]
    elif name not in VERBS:
        return perform_bare(program, given, log)
    return perform_verb(program, name, given, log)


def perform_bare(program: str, given: Arguments, log: Log) -> int:
    """Run the container of this folder, or the one a word describes; without either there is only help (OLD-CLI-01)."""
    from ringfence.cli.bare import bare_source, run_bare
    from ringfence.cli.world import current_directory

    source = bare_source(program, given.words, current_directory())
    if source is not None:
        return run_bare(make_runtime(program, "run", given, log), source, given.text("id"))
    if given.words:
        raise RingfenceError(f"No help topic for '{given.words[0]}'", status=UNKNOWN_COMMAND)
    return inform(program, given)


def inform(program: str, given: Arguments) -> int:
    """Print the version or the general help."""
    if given.switch("version") and not given.switch("help"):
        from ringfence.cli.version import version_text

        write(version_text(program))
    else:
        from ringfence.cli.help import general_help

        write(general_help(program))
    return 0


def explain_command(program: str, words: list[str]) -> int:
    """Print the general help or that of one command."""
    from ringfence.cli.help import general_help, verb_help

    topic = words[0] if words else ""
    if topic in GROUPS and " ".join(words[:2]) in SUBVERBS:
        topic = " ".join(words[:2])
    if topic in ("", "help", "h", "-h", "--help"):
        write(general_help(program))
    elif topic in VERBS or topic.partition(" ")[0] in GROUPS:
        write(verb_help(program, topic))
    else:
        raise RingfenceError(f"No help topic for '{topic}'", status=UNKNOWN_COMMAND)
    return 0


def perform_verb(program: str, name: str, given: Arguments, log: Log) -> int:
    """Read the options of a command and do what it says."""
    verb = SUBVERBS.get(name) or VERBS[name]
    try:
        arguments = parse(given.words[1:], verb.options, verb.anywhere)
    except UsageError as error:
        refuse(program, name, f"Incorrect Usage: {error}")
        raise
    if arguments.switch("help"):
        return explain_command(program, name.split())
    if name in GROUPS:
        refuse(program, name, "Incorrect Usage.")
        raise UsageError(f'{program}: "{name}" needs a command after it')
    if given.given("id") and name in WITH_ID:
        arguments.words.insert(0, given.text("id"))
    if name == "start" and (status := start_bare(program, given, arguments, log)) is not None:
        return status
    extra = 1 if given.given("id") and name in WITH_FILE and len(arguments.words) > 1 else 0
    wrong = wrong_count(verb, len(arguments.words) - extra)
    if wrong:
        refuse(program, name, "Incorrect Usage.")
        raise UsageError(f'{program}: "{name}" requires {wrong} argument(s)')
    return operate(program, name, given, arguments, log)


def start_bare(program: str, given: Arguments, arguments: Arguments, log: Log) -> int | None:
    """``start`` of the forms before 1.0 did what ``run`` does (OLD-CLI-07).

    None for one that means a created container; such a container goes before a file of its name.
    """
    word = arguments.words[0] if arguments.words else ""
    if word and not word.lstrip().startswith("{") and (not paths.exists(word) or paths.isdir(word)):
        return None
    from ringfence.cli.bare import is_created, old_start
    from ringfence.cli.world import absolute, current_directory

    runtime = make_runtime(program, "run", given, log)
    if word and is_created(runtime, word):
        return None
    cwd = absolute(arguments.text("bundle"), current_directory())
    return old_start(runtime, arguments.words, cwd, given.text("id"))


def refuse(program: str, name: str, text: str) -> None:
    """Say on standard output that the command line is wrong, and what a right one looks like."""
    from ringfence.cli.help import verb_help

    first = name.partition(" ")[0]
    write(f"{text}\n\n{verb_help(program, name if first in GROUPS else first)}")


def wrong_count(verb: Verb, count: int) -> str:
    """How many words a command wants if ``count`` is wrong, else ""."""
    if verb.least == verb.most != count:
        return f"exactly {verb.least}"
    if count < verb.least:
        return f"a minimum of {verb.least}"
    if 0 <= verb.most < count:
        return f"a maximum of {verb.most}"
    return ""


def operate(
    program: str, name: str, given: Arguments, arguments: Arguments, log: Log, act: Perform | None = None
) -> int:
    """Call the command's module, or ``act``; errors get the command's prefix and exit status (LNX-CLI-22, 24)."""
    verb = SUBVERBS.get(name) or VERBS[name]
    runtime = make_runtime(program, name, given, log)
    if name == "create" or (name == "exec" and arguments.switch("detach")):
        log.hold()
    try:
        if name in VERBS and name not in WITHOUT_ID and verb.most != 0 and arguments.words:
            check_id(arguments.words[0])
            if runtime.driver and name not in MAKING:
                from ringfence.container.choice import check_recorded

                check_recorded(runtime, arguments.words[0])
        return (act or action(name, given))(runtime, arguments)
    except ReaderGoneError:
        raise
    except Exception as error:
        reported = known(error, log)
        if verb.prefix:
            reported = reported.prefixed(verb.prefix)
        reported.status = max(verb.status, reported.status)
        raise reported from None


def action(name: str, given: Arguments) -> Perform:
    """What a command does."""
    chosen = WITH_ID.get(name, name) if given.given("id") else MODULES.get(name, name)
    module = __import__(f"ringfence.cli.{chosen.replace(' ', '_').replace('-', '_')}", fromlist=("perform",))
    act: Perform = module.perform
    return act
