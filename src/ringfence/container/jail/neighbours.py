"""The other jails of the same root, as far as a new one could get in their way (JAIL-MNT-17, JAIL-NET-03)."""

from __future__ import annotations

import os

from ringfence.container.jail.wall import load_made
from ringfence.container.record import load_record
from ringfence.container.runtime import JAIL_FILE
from ringfence.drivers.jail import steps
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.drivers.jail.made import Made
    from ringfence.plan.plan import Plan


def check_neighbours(runtime: Runtime, record: ContainerRecord, plan: Plan) -> None:
    """Whether an interface is another container's; a shared folder that both may write to is warned of.

    Raises:
        RingfenceError: an interface is.
    """
    moved = {step.interface: step for step in plan.host if isinstance(step, steps.MoveInterface)}
    shared = {
        step.source
        for step in plan.host
        if isinstance(step, steps.MountFilesystem) and step.kind == "nullfs" and "ro" not in step.options
    }
    if not moved and not shared:
        return
    for name, made in neighbours(runtime, record):
        for interface in made.interfaces:
            if interface in moved:
                text = f"the interface {interface} is that of container {name}"
                raise RingfenceError(text, field=moved[interface].pointer)
        for source in sorted(shared.intersection(made.sources)):
            runtime.log.warning(f"{source} can be written to from container {name} too: it lets them pass descriptors")


def neighbours(runtime: Runtime, record: ContainerRecord) -> Iterator[tuple[str, Made]]:
    """The other containers of the root that are jails, and what has been made for them; broken ones are left out."""
    for name in sorted(os.listdir(runtime.root)):
        if name == record.id or not os.path.exists(f"{runtime.root}/{name}/{JAIL_FILE}"):
            continue
        try:
            yield name, load_made(load_record(runtime, name))
        except RingfenceError:
            continue
