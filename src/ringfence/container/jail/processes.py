"""Which processes a jail has, and what ps says of them (JAIL-PS-01, JAIL-PS-02)."""

from __future__ import annotations

from ringfence.container.jail.wall import load_made, own_jail, tools_of
from ringfence.drivers.jail import query
from ringfence.drivers.jail.tools import failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime

COLUMNS = ("pid", "ppid", "jid", "user", "stat", "time", "command")
HEADER = "  PID  PPID JID USER STAT TIME COMMAND\n"


def pids(runtime: Runtime, record: ContainerRecord) -> list[int]:
    """The pids of a container's processes in rising order; none if its jail has gone.

    Raises:
        RingfenceError: a tool fails.
    """
    tools = tools_of(runtime.log.debug)
    own = own_jail(tools, load_made(record))
    return sorted(process.pid for process in query.processes_of(tools, own.jid)) if own else []


def table(runtime: Runtime, record: ContainerRecord, words: tuple[str, ...]) -> str:
    """What ps prints of the jail's processes, by the columns of ours or the words of the caller.

    Raises:
        RingfenceError: ps refuses the words.
    """
    tools = tools_of(runtime.log.debug)
    own = own_jail(tools, load_made(record))
    if own is None:
        return HEADER
    asked = words or tuple(word for column in COLUMNS for word in ("-o", column))
    said = tools.run("ps", "-J", str(own.jid), *asked)
    if said.status and (not said.errors.strip() or "Invalid jail" in said.errors):
        return said.output or HEADER
    if said.status:
        raise failure("cannot list the processes of the jail", "ps", said)
    return said.output
