"""exec behind a jail: the entry point without the wait (JAIL-EXEC-01 to 04)."""

from __future__ import annotations

import errno

from ringfence import paths
from ringfence.container.birth import write_pid_file
from ringfence.container.bundle import read_text
from ringfence.container.descriptors import check_preserved
from ringfence.container.exec_process import changed_process
from ringfence.container.jail.foreground import JailForeground
from ringfence.container.jail.fork import bear, end
from ringfence.container.jail.wall import jail_settings, load_made, own_jail
from ringfence.container.saved import saved_config
from ringfence.container.sockets import check_terminal_options, connected
from ringfence.drivers.jail.entry import Entry
from ringfence.drivers.jail.library import JAIL_ATTACH, Library
from ringfence.drivers.jail.plan import compile_exec
from ringfence.drivers.jail.tools import Tools
from ringfence.errors import RingfenceError, from_os_error
from ringfence.host import freebsd
from ringfence.spec.rules.jail.load import load_jail_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import ExecOptions, Runtime
    from ringfence.spec.types import Process


def execute(runtime: Runtime, record: ContainerRecord, options: ExecOptions) -> int:
    """Run a process in a container that lives; returns its exit status, 0 when detached.

    Raises:
        RingfenceError: it could not be run; then nothing has been executed, and never on the host.
    """
    process = asked_process(runtime, record, options)
    check_terminal_options(process.terminal, options.detach, options.console_socket, given=False)
    check_preserved(3, options.preserve_fds)
    refuse_linux(options)
    settings = jail_settings()
    own = own_jail(Tools(settings, runtime.log.debug), load_made(record))
    if own is None or own.dying:
        raise RingfenceError("cannot exec in a stopped container")
    plan = compile_exec(process, freebsd.major(freebsd.uname()[1]))
    steps = plan.part("entry").host
    entry = Entry(own.jid, steps[:-1], steps[-1:], -1, preserve=options.preserve_fds)
    library = Library(settings.libc)
    if options.detach:
        return detached(runtime, options, entry, library)
    return foreground(runtime, options, process, entry, library)


def asked_process(runtime: Runtime, record: ContainerRecord, options: ExecOptions) -> Process:
    """The process: whole from a file, else the container's own, changed by the options (JAIL-EXEC-02).

    Raises:
        RingfenceError: it is wrong, or asks for what a jail has not.
    """
    if options.process_text:
        return load_jail_process(options.process_text)
    if options.process_file:
        path = paths.join(runtime.cwd, options.process_file)
        try:
            return load_jail_process(read_text(path))
        except OSError as error:
            raise from_os_error(f"cannot read {path}", error) from None
    if not options.args:
        raise RingfenceError("exec args cannot be empty")
    process = saved_config(record).process
    assert process is not None
    return changed_process(process, options)


def refuse_linux(options: ExecOptions) -> None:
    """Options for what a jail has nothing like.

    Raises:
        RingfenceError: one is given.
    """
    told = (
        ("--cap", options.cap),
        ("--apparmor", options.apparmor),
        ("--process-label", options.process_label),
        ("--no-new-privs", options.no_new_privs),
        ("--cgroup", options.cgroup),
        ("--pidfd-socket", options.pidfd_socket),
    )
    for name, value in told:
        if value:
            raise RingfenceError(f"{name} cannot be given: a jail has no such thing")


def changed(entry: Entry, **values: object) -> Entry:
    """The same with other values."""
    return Entry(**{**dict(entry.items()), **values})


def born(runtime: Runtime, options: ExecOptions, entry: Entry, library: Library) -> int:
    """Bear the process, wait until it has become its program, and tell its pid; one that cannot be told of is ended.

    Raises:
        RingfenceError: the program could not be executed.
    """
    pid, ready = bear(entry, library, lambda _pid: None)
    try:
        ready()
        if options.pid_file:
            write_pid_file(runtime, options.pid_file, pid)
    except RingfenceError as error:
        end(pid)
        if error.errno == errno.EINVAL and error.attempted.startswith(JAIL_ATTACH):
            raise error.prefixed("cannot exec in a stopped container") from None
        raise
    return pid


def detached(runtime: Runtime, options: ExecOptions, entry: Entry, library: Library) -> int:
    """A process with the caller's own stdio, not waited for."""
    if not options.console_socket:
        born(runtime, options, entry, library)
        return 0
    socket = connected(runtime, options.console_socket, "console socket")
    try:
        born(runtime, options, changed(entry, console=socket.fileno()), library)
    finally:
        socket.close()
    return 0


def foreground(runtime: Runtime, options: ExecOptions, process: Process, entry: Entry, library: Library) -> int:
    """A process that is waited for."""
    front = JailForeground(process.terminal)
    pid = born(runtime, options, changed(entry, stdio=front.stdio, console=front.console), library)
    return front.wait_for_end(pid)
