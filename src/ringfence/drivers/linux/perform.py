"""Performing a plan: the init is spawned as the conductor, and what it reports is read to the end."""

from __future__ import annotations

import fcntl
import posix

from ringfence.drivers.linux.failure import failure
from ringfence.errors import RingfenceError, from_os_error
from ringfence.initfile import memory_file, sealed_init
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ringfence.plan.plan import Plan

FAILED, BORN, INTERMEDIATE, WARNING, READY, DONE, DEBUG, LISTENER, UNIT = range(1, 10)
HEAD_SIZE = 24


class Report(Record):
    """One record from the init: what kind, at which step (from 1 over all phases), a number and a text."""

    kind: int
    step: int
    value: int
    text: str


class Outcome(Record):
    """How a birth went. ``pid`` is 0 when there was none; ``done`` are the steps and times of a traced plan."""

    pid: int = 0
    ready: bool = False
    failed: Report | None = None
    intermediate: int = 0
    done: tuple[Report, ...] = ()
    notes: tuple[str, ...] = ()


def parse_reports(data: bytes) -> tuple[list[Report], bytes]:
    """The whole records in the bytes, and the rest that waits for more."""
    reports = []
    while len(data) >= HEAD_SIZE:
        size = HEAD_SIZE + int.from_bytes(data[16:20], "little")
        if len(data) < size:
            break
        kind, step = int.from_bytes(data[:4], "little"), int.from_bytes(data[4:8], "little")
        value = int.from_bytes(data[8:16], "little", signed=True)
        reports.append(Report(kind, step, value, data[HEAD_SIZE:size].decode("utf-8", "surrogateescape")))
        data = data[size:]
    return reports, data


def take_report(outcome: Outcome, report: Report) -> None:
    """Enter one report into the outcome."""
    if report.kind == BORN:
        outcome.pid = report.value
    elif report.kind == INTERMEDIATE:
        outcome.intermediate = report.value
    elif report.kind == READY:
        outcome.ready = True
    elif report.kind == DONE:
        outcome.done += (report,)
    elif report.kind == FAILED and outcome.failed is None:
        outcome.failed = report
    elif report.kind in (WARNING, DEBUG):
        outcome.notes += (report.text,)


def read_outcome(
    status: int,
    on_birth: Callable[[int], None],
    on_listener: Callable[[int, int], None] | None,
    on_unit: Callable[[int], None] | None,
) -> Outcome:
    """Read reports until both processes of the init have closed the pipe.

    The new process may have told of its listener before the conductor has told of the birth.
    """
    outcome, waiting, listener = Outcome(), b"", -1
    while chunk := posix.read(status, 65536):
        reports, waiting = parse_reports(waiting + chunk)
        for report in reports:
            take_report(outcome, report)
            if report.kind == BORN:
                on_birth(report.value)
            elif report.kind == LISTENER:
                listener = report.value
            elif report.kind == UNIT and on_unit:
                on_unit(report.value)
        if listener >= 0 and outcome.pid and on_listener:
            on_listener(outcome.pid, listener)
            listener = -1
    return outcome


def raised(descriptors: list[int], lowest: int) -> list[int]:
    """Copies of the descriptors from a number on, so that none is overwritten while they are put in their places."""
    return [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, lowest) for descriptor in descriptors]


def spawn(plan: Plan, encoded: bytes, status: int, given: dict[str, int], stdio: tuple[int, int, int] | None) -> int:
    """Start the conductor with the plan's descriptors from 3 + kept on; returns its pid.

    Raises:
        RingfenceError: the init could not be started.
    """
    base = 3 + plan.kept
    try:
        owned = [sealed_init(), memory_file("plan", encoded)]
        sources = [owned[1], status, *(given[name] for name in plan.slots[2:])]
        copies = raised([owned[0], *(stdio or ()), *sources], base + len(sources))
    except OSError as error:
        raise from_os_error("cannot prepare the init", error) from None
    ends = copies[1:4] if stdio else []
    actions: list[tuple[int, int, int]] = [(posix.POSIX_SPAWN_DUP2, end, number) for number, end in enumerate(ends)]
    slots = copies[1 + len(ends) :]
    actions += [(posix.POSIX_SPAWN_DUP2, slot, base + number) for number, slot in enumerate(slots)]
    try:
        return posix.posix_spawn(
            f"/proc/self/fd/{copies[0]}",
            ["ringfence-init", str(base), str(len(slots))],
            {},
            file_actions=actions,
        )
    except OSError as error:
        raise from_os_error("cannot start the init", error) from None
    finally:
        for descriptor in (*owned, *copies):
            posix.close(descriptor)


def perform(
    plan: Plan,
    given: dict[str, int],
    stdio: tuple[int, int, int] | None,
    on_birth: Callable[[int], None],
    *,
    on_listener: Callable[[int, int], None] | None = None,
    on_unit: Callable[[int], None] | None = None,
    traced: bool = False,
) -> Outcome:
    """Perform a plan's birth and inside phases; returns when the process waits for start or has been exec'd.

    ``given`` are descriptors by slot name, ``stdio`` what becomes 0, 1 and 2 (the caller's own when None).
    ``on_birth`` is called with the pid as soon as there is one, ``on_listener`` with it and the number of a seccomp
    listener in it, when the process waits for the agent to have that; ``on_unit`` with the pid of the conductor that
    waits to be moved into its unit. The new process is a child of this one.

    Raises:
        RingfenceError: a step failed; the process has ended and is reaped.
    """
    encoded = plan.encode(traced)
    status, far = posix.pipe()
    try:
        try:
            conductor = spawn(plan, encoded, far, given, stdio)
        finally:
            posix.close(far)
        outcome = read_outcome(status, on_birth, on_listener, on_unit)
    finally:
        posix.close(status)
    posix.waitpid(conductor, 0)
    if outcome.intermediate:
        posix.waitpid(outcome.intermediate, 0)
    if outcome.failed is None and outcome.ready and outcome.pid:
        return outcome
    if outcome.pid:
        end(outcome.pid)
    if outcome.failed is None:
        raise RingfenceError("the init ended without a word", hint="was it killed, perhaps for want of memory?")
    raise failure(plan, outcome.failed)


def perform_outside(plan: Plan) -> None:
    """Perform a plan that has steps for the conductor alone, and no birth.

    Raises:
        RingfenceError: a step failed.
    """
    status, far = posix.pipe()
    try:
        try:
            conductor = spawn(plan, plan.encode(), far, {}, None)
        finally:
            posix.close(far)
        outcome = read_outcome(status, lambda _: None, None, None)
    finally:
        posix.close(status)
    posix.waitpid(conductor, 0)
    if outcome.failed:
        raise failure(plan, outcome.failed)


def end(pid: int) -> None:
    """Kill and reap a child of ours; it may have ended already."""
    try:
        posix.kill(pid, 9)
        posix.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        return
