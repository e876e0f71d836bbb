"""create behind a jail: everything is made, the process waits in the jail for ``start`` (JAIL-CREATE-01)."""

from __future__ import annotations

import contextlib
import os
import signal

from ringfence.container.birth import timestamp, write_pid_file
from ringfence.container.descriptors import check_preserved
from ringfence.container.jail.fork import bear, end
from ringfence.container.jail.hooks import run_hooks, run_poststop
from ringfence.container.jail.neighbours import check_neighbours
from ringfence.container.jail.planning import prepare
from ringfence.container.jail.wall import ANSWER, JID_ANNOTATION, journal_of
from ringfence.container.place import make_directory, remove_directory
from ringfence.container.record import CONFIG, FIFO, ContainerRecord, lock, save_record, write_whole
from ringfence.container.runtime import JAIL
from ringfence.container.sockets import check_terminal_options, connected
from ringfence.container.trace import write_steps
from ringfence.drivers.jail import entry
from ringfence.drivers.jail.library import Library
from ringfence.drivers.jail.made import Made
from ringfence.drivers.jail.perform import Maker
from ringfence.drivers.jail.query import now
from ringfence.drivers.jail.steps import RaiseChildren
from ringfence.drivers.jail.tools import Tools
from ringfence.drivers.jail.undo import Undoing
from ringfence.drivers.linux.hooks import has_hooks
from ringfence.errors import RingfenceError, from_os_error
from ringfence.host import freebsd
from ringfence.version import SPEC_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from ringfence.container.jail.planning import PreparedJail
    from ringfence.container.planning import Chosen
    from ringfence.container.runtime import CreateOptions, Runtime
    from ringfence.plan.plan import Plan

ENDING = (signal.SIGINT, signal.SIGTERM)
START = "unable to start container process"


class EndedError(BaseException):
    """A signal that ends the runtime, whose work has to be undone first."""

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


def create(runtime: Runtime, container_id: str, options: CreateOptions, chosen: Chosen) -> None:
    """Create a container; its process exists and is blocked when this returns (JAIL-CREATE-04).

    Raises:
        RingfenceError: it could not be created; nothing is left behind.
    """
    prepared = decide(runtime, container_id, options, chosen, detached=True)
    console = -1
    socket = None
    if options.console_socket:
        socket = connected(runtime, options.console_socket, "console socket")
        console = socket.fileno()
    Birth(runtime, container_id, options, prepared).perform(None, console)
    if socket:
        socket.close()


def decide(
    runtime: Runtime, container_id: str, options: CreateOptions, chosen: Chosen, *, detached: bool
) -> PreparedJail:
    """Decide everything for a container that is to be made here and now, and say what to be cautious of.

    Raises:
        RingfenceError: the configuration is wrong, or there can be no jail here.
    """
    check_here()
    if options.pidfd_socket:
        raise RingfenceError("--pidfd-socket cannot be given: FreeBSD has no pidfds")
    if options.state:
        raise RingfenceError("a jail cannot be restored")
    if options.terminal >= 0:
        raise RingfenceError("only a machine takes a given terminal", hint="use --console-socket")
    prepared = prepare(runtime, container_id, options, chosen.read, chosen.choice)
    check_terminal_options(prepared.process.terminal, detached, options.console_socket, given=False)
    check_preserved(3, options.preserve_fds)
    groups = len(prepared.process.user.additional_gids) + 1 if prepared.process.user else 1
    if groups > os.sysconf("SC_NGROUPS_MAX"):
        most = os.sysconf("SC_NGROUPS_MAX")
        text = f"{groups} groups are more than a process can have: {most}"
        raise RingfenceError(text, field="/process/user/additionalGids")
    for caution in prepared.cautions:
        runtime.log.warning(caution)
    return prepared


def check_here() -> None:
    """Whether jails can be made here, by this caller (JAIL-CREATE-13).

    Raises:
        RingfenceError: they cannot.
    """
    if not freebsd.is_freebsd():
        system = freebsd.uname()[0]
        raise RingfenceError(f'the driver "jail" is not available: this system is {system}, not {freebsd.SYSTEM}')
    if os.geteuid() != 0:
        raise RingfenceError("permission denied: jails are made by root")


class Birth:
    """One container on its way: everything that has been made, so that it can be undone."""

    def __init__(self, runtime: Runtime, container_id: str, options: CreateOptions, prepared: PreparedJail):
        self.runtime = runtime
        self.options = options
        self.prepared = prepared
        self.tools = Tools(prepared.choice.settings.jail, runtime.log.debug)
        self.record = ContainerRecord(
            "",
            container_id,
            options.bundle,
            prepared.rootfs,
            timestamp(),
            annotations=prepared.config.annotations,
            own_pid_namespace=False,
            hooks=has_hooks(prepared.config, "poststart", "poststop"),
            driver=JAIL,
        )
        self.lock = -1
        self.gates: tuple[int, ...] = ()

    def perform(self, stdio: tuple[int, int, int] | None, console: int) -> None:
        """Make everything; afterwards the process waits for start.

        Raises:
            RingfenceError: a step failed; everything has been undone.
        """
        self.begin()
        before = {number: signal.signal(number, ended) for number in ENDING}
        try:
            self.make(stdio, console)
        except EndedError as end:
            self.undo()
            signal.signal(end.number, signal.SIG_DFL)
            os.kill(os.getpid(), end.number)
            raise
        except BaseException:
            self.undo()
            raise
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        self.release()

    def begin(self) -> None:
        """Make the state folder and record what is going to be made, before it is.

        Raises:
            RingfenceError: the id is taken, or the folder cannot be written to.
        """
        record = self.record
        record.directory = make_directory(self.runtime, record.id)
        try:
            self.lock = lock(record.directory)
            write_whole(f"{record.directory}/{CONFIG}", self.prepared.text)
            save_record(record)
            self.journal = journal_of(record, Made(rootfs=record.rootfs))
            self.journal.note()
            self.gates = make_gates(record.directory)
        except (OSError, RingfenceError) as error:
            self.release()
            remove_directory(record.directory)
            if isinstance(error, RingfenceError):
                raise
            raise from_os_error(f"cannot write the state of container {record.id}", error) from None

    def make(self, stdio: tuple[int, int, int] | None, console: int) -> None:
        """The jail, its process, and the hooks that come before start."""
        library = Library(self.prepared.choice.settings.jail.libc)
        check_neighbours(self.runtime, self.record, self.prepared.plan)
        maker = Maker(self.tools, self.journal, self.prepared.plan, self.runtime.log.warning)
        with one_at_a_time(self.runtime, self.prepared.plan):
            maker.perform()
        if self.runtime.trace:
            write_steps(self.runtime.trace, self.prepared.plan, maker.done)
        jid = self.journal.made.jid
        self.record.annotations = {**self.record.annotations, JID_ANNOTATION: str(jid)}
        given = self.entry_of(jid, stdio, console)
        pid, ready = bear(given, library, self.born)
        try:
            ready()
        except RingfenceError as error:
            raise error.prefixed(START) from None
        self.tell(pid)
        run_hooks(self.runtime, self.record, self.prepared.config)

    def entry_of(self, jid: int, stdio: tuple[int, int, int] | None, console: int) -> entry.Entry:
        """What the process is given."""
        plan = self.prepared.plan
        record = self.record
        state = {"ociVersion": SPEC_VERSION, "id": record.id, "status": "", "pid": 0, "bundle": record.bundle}
        gate, answer, watched = self.gates
        return entry.Entry(
            jid,
            plan.part("entry").host,
            plan.part("start").host,
            -1,
            gate=gate,
            answer=answer,
            watched=watched,
            stdio=stdio,
            console=console,
            preserve=self.options.preserve_fds,
            hooks=self.prepared.config.hooks,
            state={**state, "annotations": record.annotations},
        )

    def born(self, pid: int) -> None:
        """Record the process as soon as there is one.

        Raises:
            RingfenceError: there is no room for it.
        """
        born = now()
        self.record.pid = pid
        try:
            save_record(self.record)
        except OSError as error:
            raise from_os_error(f"cannot write the state of container {self.record.id}", error) from None
        self.journal.note(born=born)

    def tell(self, pid: int) -> None:
        """The caller's pid file, before the hooks and before the command returns."""
        if self.options.pid_file:
            write_pid_file(self.runtime, self.options.pid_file, pid)

    def undo(self) -> None:
        """Leave nothing behind; what cannot be undone is told, the first error stays the message (JAIL-CREATE-12)."""
        record = self.record
        if record.pid:
            end(record.pid)
        try:
            Undoing(self.tools, self.journal.made, self.runtime.log.warning).all()
        except RingfenceError as error:
            self.runtime.log.warning(f"not everything could be undone: {error}")
            self.release()
            return
        self.release()
        remove_directory(record.directory)
        if record.hooks and record.pid:
            run_poststop(self.runtime, record, self.prepared.config)

    def release(self) -> None:
        """Give back the lock and the ends of the FIFOs."""
        for descriptor in (self.lock, *self.gates):
            if descriptor >= 0:
                os.close(descriptor)
        self.lock, self.gates = -1, ()


@contextlib.contextmanager
def one_at_a_time(runtime: Runtime, plan: Plan) -> Iterator[None]:
    """Nobody else of this root changes what a parent jail allows before the child is there (JAIL-CFG-11)."""
    if not any(isinstance(step, RaiseChildren) for step in plan.host):
        yield
        return
    held = lock(runtime.root)
    try:
        yield
    finally:
        os.close(held)


def ended(number: int, _frame: FrameType | None) -> None:
    """What a signal that ends the runtime does while something is half made."""
    raise EndedError(number)


def make_gates(directory: str) -> tuple[int, ...]:
    """The FIFO that start writes to and the one it is answered on, each open at both ends so that neither ever ends.

    Behind them a file whose removal tells that the record has gone.

    Raises:
        OSError: they cannot be made.
    """
    ends = []
    for name in (FIFO, ANSWER):
        path = f"{directory}/{name}"
        os.mkfifo(path, 0o600)
        ends.append(os.open(path, os.O_RDWR | os.O_CLOEXEC))
    return *ends, os.open(f"{directory}/{CONFIG}", os.O_RDONLY | os.O_CLOEXEC)
