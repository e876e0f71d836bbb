"""pause and resume behind a jail, which has no freezer: SIGSTOP and SIGCONT to all (JAIL-PAUSE-01)."""

from __future__ import annotations

import os
import signal
import time

from ringfence.container.jail.wall import journal_of, tools_of
from ringfence.drivers.jail import query
from ringfence.drivers.jail.undo import signal_everything
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.drivers.jail.tools import Tools

SECONDS = 10
PAUSE = 0.02


def stop_all(runtime: Runtime, record: ContainerRecord) -> None:
    """Stop every process of the jail and of those below, and return when all stand; the caller holds the lock.

    Raises:
        RingfenceError: some go on after ten seconds; those that stand are let go again.
    """
    tools = tools_of(runtime.log.debug)
    journal = journal_of(record)
    jids = jids_of(tools, record)
    journal.note(paused=True)
    end = time.monotonic() + SECONDS
    while left := going(tools, jids):
        if time.monotonic() > end:
            signal_everything(tools, jids, signal.SIGCONT)
            journal.note(paused=False)
            raise RingfenceError(f"{len(left)} processes of the jail cannot be stopped")
        for pid in left:
            stop(pid)
        time.sleep(PAUSE)


def stop(pid: int) -> None:
    """Stop one process, which may have ended."""
    try:
        os.kill(pid, signal.SIGSTOP)
    except ProcessLookupError:
        return


def going(tools: Tools, jids: list[int]) -> list[int]:
    """The pids of processes that do not stand."""
    found = [process for jid in jids for process in query.processes_of(tools, jid)]
    return [process.pid for process in found if not process.is_stopped and not process.is_zombie]


def jids_of(tools: Tools, record: ContainerRecord) -> list[int]:
    """The container's jail and those below it.

    Raises:
        RingfenceError: it has gone.
    """
    jails = query.all_jails(tools)
    own = query.ours(jails, journal_of(record).made)
    if own is None:
        raise RingfenceError("container not running")
    return [jail.jid for jail in (own, *query.children(jails, own))]


def go_on(runtime: Runtime, record: ContainerRecord) -> None:
    """Let every process go on; the caller holds the lock.

    Raises:
        RingfenceError: the jail has gone.
    """
    tools = tools_of(runtime.log.debug)
    signal_everything(tools, jids_of(tools, record), signal.SIGCONT)
    journal_of(record).note(paused=False)
