"""What runj's commands do, and its words for what they refuse."""

from __future__ import annotations

import posix

from ringfence.cli.numbers import signal_number, whole
from ringfence.cli.options import UsageError
from ringfence.cli.output import write
from ringfence.cli.world import absolute
from ringfence.container.record import load_record
from ringfence.container.status import CREATED, PAUSED, RUNNING, STOPPED, status
from ringfence.errors import RingfenceError, from_os_error
from ringfence.jsontext import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime

    Perform = Callable[[Runtime, Arguments], int]

SIGTERM = "SIGTERM"
FAILURE = 1
PID_LENGTH = 32
KILLED = 128
"""The exit status of what signal N ended is this much more than N."""
S_IFMT, S_IFREG = 0o170000, 0o100000


def create(runtime: Runtime, arguments: Arguments) -> int:
    """``create``; the bundle is named in one place (JAIL-COMPAT-01)."""
    from ringfence.container.create import create as make
    from ringfence.container.runtime import CreateOptions

    bundle = bundle_of(runtime, arguments)
    check_regular(f"{bundle}/config.json")
    options = CreateOptions(
        bundle, console_socket=arguments.text("console-socket"), pid_file=arguments.text("pid-file")
    )
    make(runtime, arguments.words[0], options)
    return 0


def bundle_of(runtime: Runtime, arguments: Arguments) -> str:
    """The bundle, made absolute.

    Raises:
        UsageError: it is given in both places, or in none.
    """
    found = [*arguments.words[1:], *([arguments.text("bundle")] if arguments.given("bundle") else [])]
    if len(found) != 1:
        raise UsageError("the bundle is given twice" if found else "a bundle is needed: as second word or by --bundle")
    return absolute(found[0], runtime.cwd)


def check_regular(path: str) -> None:
    """Whether config.json is a file and no link to one (JAIL-COMPAT-01).

    Raises:
        RingfenceError: it is not, or is not there.
    """
    try:
        kind = posix.lstat(path).st_mode & S_IFMT
    except OSError as error:
        raise from_os_error(f"cannot read {path}", error) from None
    if kind != S_IFREG:
        raise RingfenceError(f"{path} is not a regular file")


def start(runtime: Runtime, arguments: Arguments) -> int:
    """``start``.

    Raises:
        RingfenceError: the container has been started, in runj's words.
    """
    from ringfence.container.start import start as release

    container_id = arguments.words[0]
    now = status(load_record(runtime, container_id))
    if now in (RUNNING, PAUSED):
        raise RingfenceError("cannot start already running container")
    release(runtime, container_id)
    return 0


def state(runtime: Runtime, arguments: Arguments) -> int:
    """``state``: five keys at most (JAIL-COMPAT-02)."""
    from ringfence.container.saved import saved_config
    from ringfence.version import SPEC_VERSION

    record = load_record(runtime, arguments.words[0])
    now = status(record)
    pid = {} if now == STOPPED or not record.pid else {"pid": record.pid}
    version = saved_config(record).oci_version or SPEC_VERSION
    told = {"ociVersion": version, "id": record.id, "status": now, **pid, "bundle": record.bundle}
    write(dumps(told, indent="  ") + "\n")
    return 0


def kill(runtime: Runtime, arguments: Arguments) -> int:
    """``kill``: the container's process, all of its processes, or one of them.

    Raises:
        RingfenceError: it has stopped, or has no such process.
        UsageError: all and one are asked for.
    """
    from ringfence.container.kill import kill as send

    container_id = arguments.words[0]
    if arguments.switch("all") and arguments.given("pid"):
        raise UsageError("--all and --pid exclude each other")
    signal = signal_number(arguments.words[1] if len(arguments.words) > 1 else SIGTERM)
    if status(load_record(runtime, container_id)) == STOPPED:
        raise RingfenceError("cannot signal non-running container")
    if arguments.given("pid"):
        return kill_one(runtime, container_id, arguments.text("pid"), signal)
    send(runtime, container_id, signal, everything=arguments.switch("all"))
    return 0


def kill_one(runtime: Runtime, container_id: str, word: str, signal: int) -> int:
    """A signal to one process, which has to be the container's.

    Raises:
        RingfenceError: it is not, or has ended.
    """
    from ringfence.container.processes import processes

    pid = whole(word)
    if pid is None or pid not in processes(runtime, container_id):
        raise RingfenceError(f"container {container_id} has no process {word}")
    try:
        posix.kill(pid, signal)
    except OSError as error:
        raise from_os_error(f"cannot signal process {pid}", error) from None
    return 0


def delete(runtime: Runtime, arguments: Arguments) -> int:
    """``delete``.

    Raises:
        RingfenceError: it lives, in runj's words.
    """
    from ringfence.container.delete import delete as remove

    container_id = arguments.words[0]
    if status(load_record(runtime, container_id)) not in (STOPPED, CREATED):
        raise RingfenceError(f'delete: jail "{container_id}" is not stopped')
    remove(runtime, container_id, force=False)
    return 0


def execute(runtime: Runtime, arguments: Arguments) -> int:
    """``extension exec``; the status is the program's own, and 1 if it could not be run."""
    from ringfence.container.execute import execute as perform
    from ringfence.container.runtime import ExecOptions

    container_id, socket = arguments.words[0], arguments.text("console-socket")
    try:
        directory = load_record(runtime, container_id).directory
        options = ExecOptions(
            args=tuple(arguments.words[1:]),
            process_file=arguments.text("process"),
            console_socket=socket,
            detach=bool(socket),
            pid_file=f"{directory}/exec.{posix.getpid()}" if socket else "",
        )
        status = perform(runtime, container_id, options)
        # Its terminal is elsewhere, but the command waits for it all the same.
        return ended(options.pid_file) if socket else status
    except RingfenceError as error:
        error.status = FAILURE
        raise


def ended(pid_file: str) -> int:
    """The exit status of a child of ours, whose pid a file tells; the file is removed."""
    descriptor = posix.open(pid_file, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        pid = int(posix.read(descriptor, PID_LENGTH))
    finally:
        posix.close(descriptor)
        posix.unlink(pid_file)
    status = posix.waitstatus_to_exitcode(posix.waitpid(pid, 0)[1])
    return status if status >= 0 else KILLED - status


ACTIONS: dict[str, Perform] = {
    "create": create,
    "start": start,
    "state": state,
    "kill": kill,
    "delete": delete,
    "extension exec": execute,
}
"""What is done for each command but those of ``demo``, which are as under every other name."""
