"""The entry point: the process that becomes the container's program.

It is a fork of the runtime, with all modules it needs in memory before it attaches: no file of the container's root is
ever code for it (JAIL-CREATE-08). It keeps its pid through attach and exec, holds no descriptor but those that were
asked for (JAIL-CREATE-07), and says on a channel how far it has come.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import select
import signal
import socket
import struct
import termios

from ringfence.drivers.jail import steps
from ringfence.drivers.jail.channel import say_ill, say_well
from ringfence.drivers.jail.program import environment_of, find_program, with_home
from ringfence.errors import FAILURE, RingfenceError, from_os_error
from ringfence.hookprocess import run_hook
from ringfence.jsontext import dumps
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.drivers.jail.library import Library
    from ringfence.plan.step import HostStep
    from ringfence.spec.types import Hooks

KEPT = (signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE)
"""Signals left as they are: two that nobody can change, and PIPE, which a hook that reads nothing would raise."""


class Entry(Record):
    """What a new process is given.

    ``before`` are the steps until it is ready, ``after`` those behind ``start``. ``channel`` is who waits for the
    first. For one that waits, ``gate`` and ``answer`` are the FIFOs of ``start`` and ``watched`` a file that is there
    as long as the record is, else -1. ``stdio`` are the descriptors for 0, 1 and 2, ``console`` a socket that takes a
    terminal's master; ``preserve`` how many descriptors from 3 on stay. ``state`` is what startContainer hooks read,
    without the pid.
    """

    jid: int
    before: tuple[HostStep, ...]
    after: tuple[HostStep, ...]
    channel: int
    gate: int = -1
    answer: int = -1
    watched: int = -1
    stdio: tuple[int, int, int] | None = None
    console: int = -1
    preserve: int = 0
    hooks: Hooks | None = None
    state: dict[str, object] = {}  # noqa: RUF012 - records are values, their defaults are never changed


def become(entry: Entry, library: Library) -> None:
    """Be the process, in a fork of the runtime; never returns."""
    living = Living(entry, library)
    channel = entry.channel
    try:
        living.leave_the_runtime()
        for step in entry.before:
            living.perform(step)
        if entry.gate >= 0:
            say_well(channel)
            os.close(channel)
            channel = entry.answer
            await_byte(entry.gate, entry.watched)
        living.channel = channel
        for step in entry.after:
            living.perform(step)
    except RingfenceError as error:
        say_ill(channel, error)
    except BaseException as error:
        say_ill(channel, RingfenceError(f"the entry point failed: {type(error).__name__}: {error}"))
    os._exit(FAILURE)


class Living:
    """The process on its way: what later steps need of earlier ones."""

    def __init__(self, entry: Entry, library: Library):
        self.entry = entry
        self.library = library
        self.channel = entry.channel
        self.pty: tuple[int, int] | None = None
        self.folder = ""
        everything = (*entry.before, *entry.after)
        self.user = next(step for step in everything if isinstance(step, steps.BecomeUser))
        self.program = next(step for step in everything if isinstance(step, steps.Execute))
        self.environment = environment_of(self.program.env)

    def leave_the_runtime(self) -> None:
        """A session of its own, default signals, and only the descriptors that were asked for (JAIL-PROC-05)."""
        entry = self.entry
        if any(isinstance(step, steps.RunHook) for step in entry.after):
            # What runs a hook is loaded here: in the jail nothing can be (JAIL-CREATE-08).
            import subprocess  # noqa: F401
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in signal.valid_signals():
            if number not in KEPT:
                with contextlib.suppress(OSError):  # SIGTHR is the C library's own
                    signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for standard, descriptor in enumerate(entry.stdio or ()):
            os.dup2(descriptor, standard)
        if any(isinstance(step, steps.OpenTerminal) for step in entry.before):
            self.pty = os.openpty()
        held = {entry.channel, entry.gate, entry.answer, entry.watched, entry.console, *(self.pty or ())}
        first = 3 + entry.preserve
        for descriptor in sorted({*held, first - 1}):
            if descriptor >= first:
                os.closerange(first, descriptor)
            first = max(first, descriptor + 1)
        os.closerange(first, os.sysconf("SC_OPEN_MAX"))

    def perform(self, step: HostStep) -> None:
        """Do one step.

        Raises:
            RingfenceError: it failed, with its field.
        """
        name = ACTS.get(type(step).__name__)
        if name is None:
            return
        act = getattr(self, name)
        try:
            act(step)
        except OSError as error:
            verb, what = step.describe()
            raise from_os_error(
                f"unable to start container process: {verb} {what}", error, field=step.pointer
            ) from None
        except RingfenceError as error:
            error.field = error.field or step.pointer
            raise

    def attach(self, _step: steps.Attach) -> None:
        """Into the jail; only what is in it can be reached from here on."""
        self.library.forbid_tracing()
        self.library.attach(self.entry.jid)
        os.chdir("/")

    def make_folder(self, step: steps.MakeFolder) -> None:
        """The working directory, with its parents; what is there is left as it is (JAIL-PROC-04)."""
        before = os.umask(0o022)
        if not os.path.exists(step.path):
            os.makedirs(step.path, 0o755, exist_ok=True)
        os.umask(before)

    def open_terminal(self, step: steps.OpenTerminal) -> None:
        """A terminal of the jail's devfs, or else the one from before, as session leader (JAIL-CON-01)."""
        assert self.pty is not None
        try:
            master, slave = os.openpty()
            for descriptor in self.pty:
                os.close(descriptor)
        except OSError:
            master, slave = self.pty
        name = name_of(slave)
        os.fchown(slave, self.user.uid, -1)
        os.fchmod(slave, 0o620)
        if step.width or step.height:
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", step.height, step.width, 0, 0))
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for number in (0, 1, 2):
            os.dup2(slave, number)
        os.close(slave)
        with socket.socket(fileno=self.entry.console) as connection:
            socket.send_fds(connection, [name.encode()], [master])
        os.close(master)

    def find(self, step: steps.FindProgram) -> None:
        """Look for the program as its user, and be root again (JAIL-PROC-07)."""
        groups, gid, uid = os.getgroups(), os.getegid(), os.geteuid()
        if "/" in step.program.lstrip("/"):
            os.chdir(step.cwd)
        os.setgroups(self.user.all_groups)
        os.setegid(self.user.gid)
        os.seteuid(self.user.uid)
        try:
            find_program(step.program, self.environment)
        finally:
            os.seteuid(uid)
            os.setegid(gid)
            os.setgroups(groups)

    def enter(self, step: steps.EnterFolder) -> None:
        """The working directory; one that only the user may enter is entered later."""
        self.folder = ""
        try:
            os.chdir(step.path)
        except PermissionError:
            self.folder = step.path

    def limit(self, step: steps.SetLimit) -> None:
        """A limit of the process."""
        number = getattr(resource, step.name, None)
        if number is None:
            raise RingfenceError(f"this system has no {step.name}")
        soft, hard = (resource.RLIM_INFINITY if value < 0 else value for value in (step.soft, step.hard))
        try:
            resource.setrlimit(number, (soft, hard))
        except ValueError as error:
            raise RingfenceError(f"cannot set {step.name}: {error}") from None

    def become_user(self, step: steps.BecomeUser) -> None:
        """Umask, groups and ids, and a look at whether they are so (JAIL-PROC-01)."""
        os.umask(step.umask)
        os.setgroups(step.all_groups)
        os.setresgid(step.gid, step.gid, step.gid)
        os.setresuid(step.uid, step.uid, step.uid)
        wanted = ((step.uid,) * 3, (step.gid,) * 3, {*step.all_groups} - {step.gid})
        if (os.getresuid(), os.getresgid(), {*os.getgroups()} - {step.gid}) != wanted:
            raise RingfenceError("the process did not get the user and groups it was to have")
        self.environment = with_home(self.environment, step.uid)
        if self.folder:
            os.chdir(self.folder)

    def hook(self, step: steps.RunHook) -> None:
        """A startContainer hook, in the jail as the program's user (JAIL-HOOK-02)."""
        assert self.entry.hooks is not None
        hook = getattr(self.entry.hooks, step.field)[step.index]
        state = dumps({**self.entry.state, "status": "created", "pid": os.getpid()})
        run_hook(hook, state, os.getcwd(), f"{step.list} hook #{step.index}", self.environment)

    def execute(self, step: steps.Execute) -> None:
        """Become the program."""
        path = find_program(step.args[0], self.environment)
        os.set_inheritable(self.channel, False)
        say_well(self.channel)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        try:
            os.execve(path, step.args, self.environment)
        except OSError as error:
            raise failed(path, error, step.pointer) from None


def await_byte(gate: int, watched: int) -> None:
    """Wait for start's byte, without polling; on FreeBSD the process ends if its record is removed (JAIL-CREATE-06)."""
    with contextlib.suppress(OSError):  # not every file system tells of removals
        if hasattr(select, "kqueue") and not is_released(select, gate, watched):
            os._exit(FAILURE)
    os.close(watched)
    while not os.read(gate, 1):
        continue


def is_released(kernel: Any, gate: int, watched: int) -> bool:
    """Whether there is a byte at the gate, and not the watched file removed; waits for either (kqueue(2))."""
    queue = kernel.kqueue()
    read = kernel.kevent(gate, kernel.KQ_FILTER_READ, kernel.KQ_EV_ADD)
    gone = kernel.kevent(watched, kernel.KQ_FILTER_VNODE, kernel.KQ_EV_ADD, kernel.KQ_NOTE_DELETE)
    found = queue.control([read, gone], 1)
    queue.close()
    return bool(found[0].filter == kernel.KQ_FILTER_READ)


def name_of(terminal: int) -> str:
    """The name of a terminal, as far as it has one in the jail."""
    try:
        return os.ttyname(terminal)
    except OSError:
        return "pty"


def failed(path: str, error: OSError, field: str) -> RingfenceError:
    """A program that was found and could not be executed."""
    return from_os_error(f"exec {path}", error, field=field)


ACTS = {
    "Attach": "attach",
    "MakeFolder": "make_folder",
    "OpenTerminal": "open_terminal",
    "FindProgram": "find",
    "EnterFolder": "enter",
    "SetLimit": "limit",
    "BecomeUser": "become_user",
    "RunHook": "hook",
    "Execute": "execute",
}
