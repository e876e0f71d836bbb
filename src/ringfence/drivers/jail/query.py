"""Asking the system about jails and their processes, one tool for each question."""

from __future__ import annotations

import time

from ringfence.drivers.jail import output
from ringfence.drivers.jail.tools import failure
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.jail.made import Made
    from ringfence.drivers.jail.output import JailLine, Process
    from ringfence.drivers.jail.tools import Tools


def all_jails(tools: Tools) -> list[JailLine]:
    """Every jail of the host, dying ones too.

    Raises:
        RingfenceError: jls fails.
    """
    return output.jails(tools.must("cannot list the jails", "jls", *output.JLS_WORDS).output)


def ours(jails: list[JailLine], made: Made) -> JailLine | None:
    """The container's own jail, by JID and name; by name and root if no JID is recorded yet (JAIL-NAME-06)."""
    for jail in jails:
        same = jail.jid == made.jid if made.jid else made.path != "" and jail.path == made.path
        if same and jail.name == made.name:
            return jail
    return None


def children(jails: list[JailLine], parent: JailLine) -> list[JailLine]:
    """All jails below one."""
    return [jail for jail in jails if jail.name.startswith(f"{parent.name}.")]


def processes_of(tools: Tools, jid: int) -> list[Process]:
    """The processes of one jail, zombies too; none of a jail that has gone.

    Raises:
        RingfenceError: ps fails.
    """
    said = tools.run("ps", "-J", str(jid), *output.PS_WORDS)
    if said.status and (not said.errors.strip() or "Invalid jail" in said.errors):
        return []
    if said.status:
        raise failure("cannot list the processes of the jail", "ps", said)
    return output.processes(said.output)


def process_of(tools: Tools, pid: int) -> Process | None:
    """One process of the host; None when there is none.

    Raises:
        RingfenceError: ps fails.
    """
    before = now()
    said = tools.run("ps", "-p", str(pid), *output.PS_WORDS)
    if said.status and not said.errors.strip():
        return None
    if said.status:
        raise failure("cannot look for the container's process", "ps", said)
    return dated(before, output.processes(said.output)).get(pid)


def every_process(tools: Tools) -> dict[int, Process]:
    """All processes of the host by their pids.

    Raises:
        RingfenceError: ps fails.
    """
    before = now()
    said = tools.must("cannot list the processes", "ps", "-ax", *output.PS_WORDS)
    return dated(before, output.processes(said.output))


def now() -> int:
    """Hundredths of a second since boot."""
    return int(time.monotonic() * 100)


def dated(before: int, processes: list[Process]) -> dict[int, Process]:
    """Processes by their pids, which know between when they were looked at."""
    asked = (before, now())
    return {one.pid: output.Process(**{**dict(one.items()), "asked": asked}) for one in processes}


def mounted_nodes(tools: Tools) -> list[str]:
    """Where something is mounted.

    Raises:
        RingfenceError: mount fails.
    """
    return output.mounted(tools.must("cannot list the mounts", "mount", "-p").output)


def is_jailed(tools: Tools) -> bool:
    """Whether this system is a jail itself."""
    try:
        return tools.run("sysctl", "-n", "security.jail.jailed").output.strip() == "1"
    except RingfenceError:
        return False
