"""Changing the limits of a container behind a Xen domain (XEN-UPDATE-01 to 03)."""

from __future__ import annotations

from ringfence.container.domain_state import own_domain, tools_in
from ringfence.container.record import save_record, write_whole
from ringfence.container.resources import STORED, merged, stored_resources, to_json
from ringfence.container.toolstack import command, succeeded
from ringfence.drivers.guest.asked import refuse_fixed
from ringfence.drivers.xen.change import CHANGEABLE, Change, changes_of, named
from ringfence.drivers.xen.guest import WALL
from ringfence.drivers.xen.sizes import Sizes
from ringfence.errors import RingfenceError
from ringfence.jsontext import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.drivers.xen.wanted import Tools
    from ringfence.spec.types import Config, Resources

SCHEDULERS = ("credit", "credit2")


def update_domain(record: ContainerRecord, config: Config, new: Resources) -> None:
    """Set the limits that are named, all or none, and store what they come to.

    Raises:
        RingfenceError: one cannot be changed, or not to this value; the others are as they were.
    """
    old = stored_resources(record, config)
    result = merged(old, new)
    tools, number = tools_in(record), record.domain["number"]
    made, floor = Sizes(int(record.domain["memory"]), int(record.domain["vcpus"])), int(record.domain["floor"])
    refuse_fixed(new, CHANGEABLE, WALL)
    changes = changes_of(new, result, made, floor)
    back = changes_of(named(old), old, made, floor)
    scheduler = scheduler_of(tools) if any(change.verb == "sched" for change in changes) else ""
    done: list[Change] = []
    try:
        for change in changes:
            done.append(change)
            apply(record, tools, number, scheduler, change)
        write_whole(f"{record.directory}/{STORED}", dumps(to_json(result)))
    except (OSError, RingfenceError):
        for change in back:
            if any(change.verb == one.verb for one in done):
                command(tools, *words_of(change, number, scheduler))
        raise
    save_record(record)


def scheduler_of(tools: Tools) -> str:
    """The host's scheduler.

    Raises:
        RingfenceError: it is none whose weights are known.
    """
    name = succeeded(tools, "info", "xen_scheduler").output.strip()
    if name not in SCHEDULERS:
        shown = name if name.isprintable() else "?"
        raise RingfenceError(
            f"processor limits cannot be set with Xen's scheduler {shown}", hint="credit and credit2 can"
        )
    return name


def words_of(change: Change, number: str, scheduler: str) -> tuple[str, ...]:
    """The command of one change."""
    if change.verb == "sched":
        return (f"sched-{scheduler}", "-d", number, *change.words)
    return (change.verb, number, *change.words)


def apply(record: ContainerRecord, tools: Tools, number: str, scheduler: str, change: Change) -> None:
    """Make one change, and see that it holds: exit code 0 is no proof.

    Raises:
        RingfenceError: xl fails, or the domain has something else afterwards.
    """
    succeeded(tools, *words_of(change, number, scheduler))
    if change.memory or change.vcpus:
        found = own_domain(record)
        got = (found.memory, found.vcpus) if found else (0, 0)
        if change.memory and got[0] != change.memory:
            raise RingfenceError(f"the domain has {got[0]} MiB of memory, not {change.memory}, after xl mem-set")
