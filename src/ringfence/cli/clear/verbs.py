"""The commands that did or printed something else than runc's (MVM-CCOR-17 to 19)."""

from __future__ import annotations

import posix

from ringfence.cli.bundle import create_fields
from ringfence.cli.clear.options import ATTACH, STOP
from ringfence.cli.numbers import signal_number
from ringfence.cli.output import STDOUT, write
from ringfence.cli.table import padded
from ringfence.cli.world import absolute
from ringfence.container.record import container_directory, load_record
from ringfence.container.status import CREATED, STOPPED, status
from ringfence.errors import RingfenceError, from_os_error
from ringfence.jsontext import dumps
from ringfence.paths import exists

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ringfence.cli.options import Arguments
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.spec.types import Config

    Perform = Callable[[Runtime, Arguments], int]

COLUMNS = ("id", "pid", "status", "bundle", "created")
SIGTERM = "15"
NONE = -1


def create(runtime: Runtime, arguments: Arguments) -> int:
    """``create``, whose terminal may be given (MVM-CCOR-15)."""
    from ringfence.container.create import create as make
    from ringfence.container.runtime import CreateOptions

    options = CreateOptions(**create_fields(runtime, arguments), terminal=given_terminal(runtime, arguments))
    make(runtime, arguments.words[0], options)
    return 0


def run(runtime: Runtime, arguments: Arguments) -> int:
    """``run``; in the foreground a given terminal is as the caller's own."""
    from ringfence.container.run import run as perform
    from ringfence.container.runtime import RunOptions

    terminal, detach = given_terminal(runtime, arguments), arguments.switch("detach")
    if terminal >= 0 and not detach:
        posix.dup2(terminal, 0)
        posix.dup2(terminal, STDOUT)
        terminal = NONE
    options = RunOptions(
        **create_fields(runtime, arguments),
        detach=detach,
        keep=arguments.switch("keep"),
        no_subreaper=arguments.switch("no-subreaper"),
        terminal=terminal,
    )
    return perform(runtime, arguments.words[0], options)


def start(runtime: Runtime, arguments: Arguments) -> int:
    """``start``; with a bundle, as in 2016, it runs a container that is not there yet (MVM-CCOR-16)."""
    from ringfence.container.start import start as release

    if not exists(container_directory(runtime, arguments.words[0])):
        return run(runtime, arguments)
    release(runtime, arguments.words[0])
    return 0


def given_terminal(runtime: Runtime, arguments: Arguments) -> int:
    """A descriptor of the terminal that ``--console`` names, -1 if it names none.

    Raises:
        RingfenceError: it is no terminal.
    """
    path = arguments.text("console")
    if not path:
        return NONE
    try:
        terminal = posix.open(absolute(path, runtime.cwd), posix.O_RDWR | posix.O_NOCTTY | posix.O_CLOEXEC)
    except OSError as error:
        raise from_os_error(f"open console {path}", error) from None
    if not posix.isatty(terminal):
        posix.close(terminal)
        raise RingfenceError(f"console {path} is no terminal")
    return terminal


def pause(runtime: Runtime, arguments: Arguments) -> int:
    """``pause``, which tells of it."""
    from ringfence.container.freeze import pause as freeze

    freeze(runtime, arguments.words[0])
    write(f"paused container {arguments.words[0]}\n")
    return 0


def resume(runtime: Runtime, arguments: Arguments) -> int:
    """``resume``, which tells of it."""
    from ringfence.container.freeze import resume as thaw

    thaw(runtime, arguments.words[0])
    write(f"resumed container {arguments.words[0]}\n")
    return 0


def gone(runtime: Runtime, container_id: str) -> bool:
    """Whether there is nothing to remove, which is a warning: containerd asks for it twice."""
    if exists(container_directory(runtime, container_id)):
        return False
    runtime.log.warning(f"container {container_id} does not exist")
    return True


def delete(runtime: Runtime, arguments: Arguments) -> int:
    """``delete``; one that lives is refused in the words of that runtime."""
    from ringfence.container.delete import delete as remove

    container_id, force = arguments.words[0], arguments.switch("force")
    if gone(runtime, container_id):
        return 0
    if not force and status(load_record(runtime, container_id)) not in (STOPPED, CREATED):
        raise RingfenceError("cannot delete container, it is not stopped", hint="kill it first, or call stop")
    remove(runtime, container_id, force)
    return 0


def stop(runtime: Runtime, arguments: Arguments) -> int:
    """``stop``: end the container and remove it."""
    from ringfence.container.delete import delete as remove

    container_id = arguments.words[0]
    if not gone(runtime, container_id):
        remove(runtime, container_id, force=True)
        write(f"stopped container {container_id}\n")
    return 0


def attach(runtime: Runtime, arguments: Arguments) -> int:
    """``attach`` of 2016 (MVM-CCOR-22)."""
    from ringfence.container.attach import attach as connect

    connect(runtime, arguments.words[0])
    return 0


def kill(runtime: Runtime, arguments: Arguments) -> int:
    """``kill``; TERM without a signal (MVM-CCOR-18)."""
    from ringfence.container.kill import kill as send

    word = arguments.words[1] if len(arguments.words) > 1 else SIGTERM
    try:
        signal = signal_number(word)
    except RingfenceError:
        raise RingfenceError(f"signal {word} is not supported") from None
    send(runtime, arguments.words[0], signal, everything=arguments.switch("all"))
    return 0


def listed(runtime: Runtime, arguments: Arguments) -> int:
    """``list``; columns as wide as their longest entry, and ``null`` for none in JSON (MVM-CCOR-19).

    Raises:
        RingfenceError: an unknown format.
    """
    from ringfence.cli.list import MORE_COLUMNS
    from ringfence.container.listing import listing

    whole = arguments.switch("all")
    columns = COLUMNS + MORE_COLUMNS if whole else COLUMNS
    states, broken = listing(runtime, whole=whole)
    for text in broken:
        runtime.log.warning(text)
    rows = [{name: one[name] for name in columns} for one in states]
    if arguments.switch("quiet"):
        write("".join(f"{row['id']}\n" for row in rows))
    else:
        write(shown(rows, columns, arguments.text("format", "table")))
    return 0


def shown(rows: list[dict[str, object]], columns: tuple[str, ...], form: str) -> str:
    """The containers in a format.

    Raises:
        RingfenceError: it is unknown.
    """
    if form == "json":
        return dumps(rows) + "\n" if rows else "null"
    if form != "table":
        raise RingfenceError("invalid format option", hint="the formats are table and json")
    lines = [[name.upper() for name in columns], *([str(cell) for cell in row.values()] for row in rows)]
    return padded(lines, least=0, gap=1)


def state(runtime: Runtime, arguments: Arguments) -> int:
    """``state``: what the runtime specification asks for, and what that runtime had (MVM-CCOR-19)."""
    from ringfence.container.state import describe

    record = load_record(runtime, arguments.words[0])
    write(dumps({**describe(record, ""), **more(record)}, indent="  ") + "\n")
    return 0


def more(record: ContainerRecord) -> dict[str, object]:
    """The keys that its state.json had beside those of the specification."""
    from ringfence.container.saved import saved_config
    from ringfence.container.state import first_child

    hypervisor, kernel, _, _, image, *_ = record.machine or ("", "", "", "", "")
    pid = 0 if status(record) == STOPPED or not record.machine else first_child(record.pid)
    return {
        "bundlePath": record.bundle,
        "vm": {"pid": pid, "hypervisor_path": hypervisor, "image_path": image, "kernel_path": kernel},
        "console": {"path": ""},
        "process": process_of(saved_config(record)),
        "pod": {},
    }


def process_of(config: Config) -> dict[str, object]:
    """The program as it was asked for."""
    process = config.process
    if process is None or process.user is None:
        return {}
    user = process.user
    return {
        "cwd": process.cwd,
        "terminal": process.terminal,
        "user": {"uid": user.uid, "gid": user.gid, "additionalGids": list(user.additional_gids)},
        "args": list(process.args),
        "env": list(process.env),
    }


def events(runtime: Runtime, arguments: Arguments) -> int:
    """``events``, in the form of its day; an interval without a unit is in seconds (MVM-CCOR-20)."""
    from ringfence.cli.old_events import perform

    return perform(runtime, arguments)


ACTIONS: dict[str, Perform] = {
    "create": create,
    "run": run,
    "start": start,
    "events": events,
    "pause": pause,
    "resume": resume,
    "delete": delete,
    STOP: stop,
    ATTACH: attach,
    "kill": kill,
    "list": listed,
    "state": state,
}
"""What is done for each command; one that is not here is as under every other name."""
