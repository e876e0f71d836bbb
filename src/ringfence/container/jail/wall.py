"""What the verbs of a jail have in common: its record, the tools, and whether its process lives."""

from __future__ import annotations

import os

from ringfence import settings
from ringfence.container.bundle import read_text
from ringfence.container.record import FIFO, write_whole
from ringfence.container.runtime import JAIL_FILE, WALLS
from ringfence.container.status import CREATED, PAUSED, RUNNING, STOPPED
from ringfence.drivers.jail import query
from ringfence.drivers.jail.made import Journal, Made, made_of_text, made_to_text
from ringfence.drivers.jail.tools import Tools
from ringfence.errors import RingfenceError, from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ringfence.container.record import ContainerRecord
    from ringfence.drivers.jail.output import JailLine, Process
    from ringfence.settings import JailSettings

ANSWER = "exec.answer"
JID_ANNOTATION = "org.freebsd.jail.jid"
SLACK = 200
"""Hundredths of a second between a process' start and our note of it, at most."""


def silent(_text: str) -> None:
    """Where nobody listens to what the tools are told."""


def jail_settings() -> JailSettings:
    """What ringfence.toml says of jails.

    Raises:
        RingfenceError: the file is wrong.
    """
    return settings.read_settings(settings.FILE, WALLS).jail


def tools_of(debug: Callable[[str], None] = silent) -> Tools:
    """The system's tools as ringfence.toml names them.

    Raises:
        RingfenceError: the file is wrong.
    """
    return Tools(jail_settings(), debug)


def load_made(record: ContainerRecord) -> Made:
    """What has been made for a container; nothing if there is no file yet.

    Raises:
        RingfenceError: the file cannot be read, or has been damaged.
    """
    try:
        return made_of_text(read_text(f"{record.directory}/{JAIL_FILE}"))
    except FileNotFoundError:
        return Made()
    except OSError as error:
        raise from_os_error(f"cannot read the state of container {record.id}", error) from None
    except RingfenceError as error:
        raise RingfenceError(
            f"{error} of container {record.id}", hint=f"remove it with: delete --force {record.id}"
        ) from None


def journal_of(record: ContainerRecord, made: Made | None = None) -> Journal:
    """The record of what is made, to be added to."""

    def save(changed: Made) -> None:
        try:
            write_whole(f"{record.directory}/{JAIL_FILE}", made_to_text(changed))
        except OSError as error:
            raise from_os_error(f"cannot write the state of container {record.id}", error) from None

    return Journal(load_made(record) if made is None else made, save)


def answers(pid: int) -> bool:
    """Whether there is a process of that number, of whatever kind."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_it(process: Process | None, record: ContainerRecord, made: Made) -> bool:
    """Whether a process is the container's: in its jail, no zombie, and born when that was (JAIL-STATE-02)."""
    if process is None or process.is_zombie or made.jid == 0:
        return False
    if (process.jid, process.jail) != (made.jid, made.name):
        return False
    return process.pid == record.pid and process.began(made.born, SLACK)


def status_of(record: ContainerRecord, processes: dict[int, Process] | None = None) -> str:
    """One of the four words; ``processes`` are those of the host, if they have been listed already.

    Raises:
        RingfenceError: ps fails.
    """
    if record.pid <= 0 or not answers(record.pid):
        return STOPPED
    try:
        made = load_made(record)
    except RingfenceError:
        return STOPPED
    process = query.process_of(tools_of(), record.pid) if processes is None else processes.get(record.pid)
    if not is_it(process, record, made):
        return STOPPED
    if made.paused:
        return PAUSED
    return CREATED if os.path.exists(f"{record.directory}/{FIFO}") else RUNNING


def own_jail(tools: Tools, made: Made) -> JailLine | None:
    """The container's jail as the system has it now, compared by JID and name (JAIL-NAME-06).

    Raises:
        RingfenceError: jls fails.
    """
    return query.ours(query.all_jails(tools), made) if made.name else None


def annotations_now(record: ContainerRecord, now: str) -> dict[str, str]:
    """The annotations with the JID as long as there is the jail (JAIL-STATE-01).

    The jail of a process that lives is there; that of one that has gone is asked for, unless ps has been asked already.
    """
    if now != STOPPED:
        return record.annotations
    if record.pid > 0 and not answers(record.pid) and own_jail(tools_of(), load_made(record)):
        return record.annotations
    return {key: value for key, value in record.annotations.items() if key != JID_ANNOTATION}
