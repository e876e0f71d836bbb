"""delete behind a jail: everything that was made is taken back, the record last (JAIL-DEL-01 to 06)."""

from __future__ import annotations

import os
import signal

from ringfence.container.jail.neighbours import neighbours
from ringfence.container.jail.wall import load_made, status_of, tools_of
from ringfence.container.place import remove_directory
from ringfence.container.record import ContainerRecord
from ringfence.container.saved import saved_config
from ringfence.container.status import CREATED, STOPPED
from ringfence.drivers.jail import query
from ringfence.drivers.jail.made import Made
from ringfence.drivers.jail.names import jail_name
from ringfence.drivers.jail.parameters import jail_of
from ringfence.drivers.jail.undo import Undoing
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.runtime import Runtime
    from ringfence.drivers.jail.output import JailLine


def remove(runtime: Runtime, record: ContainerRecord, *, force: bool) -> None:
    """End what lives, take back what was made, run the poststop hooks; the caller holds the container's lock.

    Raises:
        RingfenceError: it lives or has children (and not ``force``), or something cannot be taken back.
    """
    now = status_of(record)
    if now not in (STOPPED, CREATED) and not force:
        text = f"cannot delete container {record.id} that is not stopped: {now}"
        raise RingfenceError(text, hint="kill it first, or use --force")
    made = known(record, force=force)
    tools = tools_of(runtime.log.debug)
    jails = query.all_jails(tools) if made.name else []
    if not force:
        check_children(runtime, record, made, jails)
    if now != STOPPED:
        end_process(record)
    config = saved_config(record) if record.hooks else None
    Undoing(tools, made, runtime.log.warning).all(jails)
    remove_directory(record.directory)
    if config is not None:
        from ringfence.container.hooks import run_poststop

        run_poststop(runtime, record, config)


def known(record: ContainerRecord, *, force: bool) -> Made:
    """What has been made; with ``force`` a damaged record of it does not keep the jail itself from being removed.

    Raises:
        RingfenceError: the record is damaged (and not ``force``).
    """
    try:
        return load_made(record)
    except RingfenceError:
        if not force:
            raise
        jail = jail_of(saved_config(record))
        return Made(name=jail_name(record.id, jail.parent or ""), path=record.rootfs, rootfs=record.rootfs)


def remove_remains(runtime: Runtime, directory: str, container_id: str) -> None:
    """Take back what was made for a container whose state.json tells nothing any more.

    Raises:
        RingfenceError: something cannot be taken back.
    """
    made = load_made(ContainerRecord(directory, container_id, "", "", ""))
    Undoing(tools_of(runtime.log.debug), made, runtime.log.warning).all()


def check_children(runtime: Runtime, record: ContainerRecord, made: Made, jails: list[JailLine]) -> None:
    """Whether other containers live in jails below this one (JAIL-DEL-06).

    Raises:
        RingfenceError: they do.
    """
    own = query.ours(jails, made)
    below = {jail.name for jail in query.children(jails, own)} if own else set()
    held = [name for name, other in neighbours(runtime, record) if other.name in below] if below else []
    if held:
        text = f"cannot delete container {record.id}: it is the parent of {', '.join(held)}"
        raise RingfenceError(text, hint="delete those first, or use --force")


def end_process(record: ContainerRecord) -> None:
    """Kill the container's process; all others of the jail are ended with it."""
    try:
        os.kill(record.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
