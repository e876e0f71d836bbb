"""kill behind a jail: kill(2) from our own process, never a program of the container's (JAIL-KILL-01 to 05)."""

from __future__ import annotations

import os

from ringfence.container.jail.wall import load_made, own_jail, status_of, tools_of
from ringfence.container.status import STOPPED
from ringfence.drivers.jail import query
from ringfence.drivers.jail.undo import SIGKILL, kill_everything, signal_everything
from ringfence.errors import RingfenceError, from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime

HIGHEST = 126


def kill(runtime: Runtime, record: ContainerRecord, signal: int, *, everything: bool) -> None:
    """Signal the container's process, or with ``everything`` all of its jail and the jails below.

    Raises:
        RingfenceError: ``container not running``, or the kernel refused.
    """
    if not 0 <= signal <= HIGHEST:
        raise RingfenceError(f"invalid signal {signal}", hint=f"FreeBSD has 0 to {HIGHEST}")
    if everything:
        signal_all(runtime, record, signal)
        return
    # After a restart of the system another jail may have the number, and a process of its the pid (JAIL-NAME-06).
    if status_of(record) == STOPPED or own_jail(tools_of(runtime.log.debug), load_made(record)) is None:
        raise RingfenceError("container not running")
    try:
        os.kill(record.pid, signal)
    except ProcessLookupError:
        raise RingfenceError("container not running") from None
    except OSError as error:
        raise from_os_error(f"cannot send signal {signal}", error) from None


def signal_all(runtime: Runtime, record: ContainerRecord, signal: int) -> None:
    """Every process of the jail and of those below; KILL until none is left.

    Raises:
        RingfenceError: some cannot be killed.
    """
    made = load_made(record)
    tools = tools_of(runtime.log.debug)
    jails = query.all_jails(tools)
    own = query.ours(jails, made)
    if own is None:
        return
    jids = [jail.jid for jail in (own, *query.children(jails, own))]
    if signal == SIGKILL:
        kill_everything(tools, jids)
    else:
        signal_everything(tools, jids, signal)
