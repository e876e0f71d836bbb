"""A call without a verb: the container of a folder, a file or a JSON text, in the foreground (OLD-CLI-01 to 14).

So runc of 2015 was called, by people and as the ExecStart= of systemd's units.
"""

from __future__ import annotations

import posix

from ringfence import paths
from ringfence.cli.container_id import check_id
from ringfence.cli.personality import OLD, personality
from ringfence.cli.world import absolute
from ringfence.container.bundle import checked, config_of, source_text
from ringfence.container.planning import choose_wall
from ringfence.container.record import container_directory, load_record
from ringfence.container.run import run
from ringfence.container.runtime import JAIL, CreateOptions, RunOptions, Source
from ringfence.container.status import STOPPED, status
from ringfence.errors import RingfenceError
from ringfence.spec.load import parse_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.runtime import Runtime

FAILED = "Container start failed"
BLANK = " \t\r\n"


def bare_source(program: str, words: list[str], cwd: str) -> Source | None:
    """The configuration that a call without a verb names, None where it names none.

    Raises:
        RingfenceError: the word can only have been a file's name, and there is none (OLD-CLI-03).
    """
    source = named_source(words, cwd)
    if source is None or (personality(program).bare == OLD and not is_old(source)):
        return None
    return source


def named_source(words: list[str], cwd: str) -> Source | None:
    """The folder's own configuration without a word, else what the word is: a JSON text, or the path of a file."""
    if not words:
        found = bool(cwd) and posix.access(config_of(cwd), posix.F_OK)
        return Source(cwd) if found else None
    word = words[0]
    if len(words) > 1:
        return None
    if word.lstrip(BLANK).startswith("{"):
        return Source(cwd, text=word)
    path = absolute(word, cwd)
    if paths.exists(path) and not paths.isdir(path):
        return Source(cwd, file=path)
    if "/" in word or word.endswith(".json"):
        raise RingfenceError(f"JSON specification file for {word} not found")
    return None


def is_old(source: Source) -> bool:
    """Whether a configuration is of a form before 1.0; one that cannot be read is nobody's."""
    from ringfence.spec.upgrade import CURRENT, recognise

    try:
        return recognise(parse_text(source_text(source)[0])) != CURRENT
    except RingfenceError:
        return source.text is not None or bool(source.file)


def run_bare(runtime: Runtime, source: Source, asked_id: str) -> int:
    """Run the container in the foreground and remove it afterwards; the exit status is its program's (OLD-CLI-12).

    Raises:
        RingfenceError: the configuration is wrong, or the container could not be started.
    """
    container_id = check_id(asked_id or default_id(source.bundle))
    chosen = choose_wall(runtime, CreateOptions(bundle=source.bundle, config=source))
    if chosen.choice.driver != JAIL:
        checked(chosen.read)  # what is wrong with it is said without a prefix
    try:
        make_way(runtime, container_id)
        return run(runtime, container_id, RunOptions(bundle=source.bundle, config=source, supervised=True))
    except RingfenceError as error:
        if posix.geteuid() != 0:
            error.attempted += " (runc should be run as root)"
        raise error.prefixed(FAILED) from None


def default_id(bundle: str) -> str:
    """The base name of the folder (OLD-CLI-04).

    Raises:
        RingfenceError: the folder is /.
    """
    name = paths.basename(bundle)
    if not name:
        raise RingfenceError("the container needs a name in /", hint="give it one with --id")
    return name


def make_way(runtime: Runtime, container_id: str) -> None:
    """Remove what a run of this id has left whose runtime was killed; a container that lives keeps its id.

    Raises:
        RingfenceError: the id is taken.
    """
    directory = container_directory(runtime, container_id)
    if not paths.exists(directory):
        return
    record = load_record(runtime, container_id)
    if not record.supervised or status(record) != STOPPED:
        raise RingfenceError(f"Container with id exists: {container_id}")
    from ringfence.container.delete import delete

    delete(runtime, container_id, force=True)


def is_created(runtime: Runtime, container_id: str) -> bool:
    """Whether there is a container of that name."""
    return "/" not in container_id and paths.exists(container_directory(runtime, container_id))


def old_start(runtime: Runtime, words: list[str], folder: str, asked_id: str) -> int | None:
    """Run what ``start`` of v0.0.4 to v0.0.7 would have run, None where there is nothing of the kind (OLD-CLI-07)."""
    source = named_source(words, folder)
    if source is None or not is_old(source):
        return None
    return run_bare(runtime, source, asked_id)
