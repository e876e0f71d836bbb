"""delete: everything of a container is removed."""

from __future__ import annotations

import posix
import time

from ringfence import paths
from ringfence.cgroups.manager import Cgroup
from ringfence.container.kill import SIGKILL, signal_init
from ringfence.container.place import remove_directory
from ringfence.container.record import container_directory, load_record, lock
from ringfence.container.runtime import JAIL, JAIL_FILE, XEN
from ringfence.container.status import CREATED, STOPPED, is_alive, status
from ringfence.container.unit import stop_unit
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.spec.types import Config

TRIES = 1000
PAUSE = 0.01
WATCHERS_TRIES = 300


def delete(runtime: Runtime, container_id: str, force: bool) -> None:
    """Remove a container; one that lives is killed if it is only created, or with ``force`` (LNX-DEL-01 to 07).

    Raises:
        RingfenceError: it does not exist (and not ``force``), or lives.
    """
    try:
        held = lock(container_directory(runtime, container_id))
    except RingfenceError:
        if force:
            return
        raise
    try:
        record = load_record(runtime, container_id)
    except RingfenceError:
        if not force:
            posix.close(held)
            raise
        directory = container_directory(runtime, container_id)
        if paths.exists(f"{directory}/{JAIL_FILE}"):
            from ringfence.container.jail.delete import remove_remains

            remove_remains(runtime, directory, container_id)
        # A half-made or damaged folder: there is nothing that tells what else to remove (LNX-DEL-05).
        remove_directory(container_directory(runtime, container_id))
        posix.close(held)
        return
    try:
        remove(runtime, record, force)
    finally:
        posix.close(held)


def remove(runtime: Runtime, record: ContainerRecord, force: bool) -> None:
    """End what lives, remove what was made, run the poststop hooks (LNX-HOOK-06)."""
    if record.driver == JAIL:
        from ringfence.container.jail.delete import remove as remove_jail

        remove_jail(runtime, record, force=force)
        return
    now = status_for(runtime, record, force=force)
    if now not in (STOPPED, CREATED) and not force:
        raise RingfenceError(
            f"cannot delete container {record.id} that is not stopped: {now}",
            hint="kill it first, or use --force",
        )
    group = Cgroup(record.cgroups)
    if record.driver == XEN:
        end_domain(runtime, record)
    elif now != STOPPED:
        end_init(record, group)
    config = read_hooks(record) if record.hooks else None
    group.end_all()
    stop_unit(runtime, record)
    group.remove(kill=True)
    if record.network:
        from ringfence.container.network import disconnect_network

        disconnect_network(record)
    if record.reserved:
        from ringfence.container.own_network import release_address

        release_address(record)
    if record.resctrl:
        from ringfence.resctrl.files import remove as remove_resctrl

        remove_resctrl(record.resctrl)
    remove_directory(record.directory)
    if config is not None:
        from ringfence.container.hooks import run_poststop

        run_poststop(runtime, record, config)


def status_for(runtime: Runtime, record: ContainerRecord, *, force: bool) -> str:
    """The status; with ``force`` one that nobody can tell any more is no hindrance (XEN-CRASH-05).

    Raises:
        RingfenceError: a Xen domain's toolstack is there and cannot tell.
    """
    try:
        return status(record)
    except RingfenceError as error:
        from ringfence.container.domain_end import tools_present

        if not force or tools_present(record):
            raise
        runtime.log.warning(error.attempted)
        return STOPPED


def end_domain(runtime: Runtime, record: ContainerRecord) -> None:
    """Take a container's domain away, then wait for its watcher, which ends by itself.

    Raises:
        RingfenceError: the domain stays.
    """
    from ringfence.container.domain_end import remove_domain

    remove_domain(runtime, record)
    for _ in range(WATCHERS_TRIES):
        if not is_alive(record):
            return
        time.sleep(PAUSE)
    signal_init(record, SIGKILL)


def read_hooks(record: ContainerRecord) -> Config:
    """The configuration as it was at create."""
    from ringfence.container.saved import saved_config

    return saved_config(record)


def end_init(record: ContainerRecord, group: Cgroup) -> None:
    """Kill the init and wait until it is gone.

    Raises:
        RingfenceError: ``container init still running``.
    """
    signal_init(record, SIGKILL)
    if group.is_frozen():
        group.thaw()
    for _ in range(TRIES):
        if not is_alive(record):
            return
        time.sleep(PAUSE)
    raise RingfenceError("container init still running")
