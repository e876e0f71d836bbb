"""Changing the limits of a container whose guest keeps them. Pure."""

from __future__ import annotations

from ringfence.cgroups.v2 import compile_v2
from ringfence.drivers.guest.asked import is_asked, refuse_fixed
from ringfence.drivers.guest.inner import changed, guest_host, write_steps
from ringfence.drivers.microvm.guest import WALL
from ringfence.drivers.microvm.sizes import MIB, memory_of
from ringfence.errors import RingfenceError
from ringfence.plan import guest
from ringfence.plan.plan import Plan
from ringfence.spec.types import Resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.host.facts import Host
    from ringfence.plan.step import InitStep
    from ringfence.spec.types import Config

CHANGEABLE = {"cpu": None, "memory": ("limit", "reservation", "check_before_update"), "pids": ("limit",)}
"""What can be changed while the container lives; None is every field."""


def refuse_beyond(resources: Resources, config: Config) -> None:
    """The machine's memory is what it was started with (MVM-UPDATE-01).

    Raises:
        RingfenceError: the limit is above it.
    """
    limit = resources.memory.limit if resources.memory else None
    whole = memory_of(config)
    if limit and limit > whole * MIB:
        raise RingfenceError(f"a memory limit of {limit} bytes is more than the {whole} MiB that the machine has")


def compile_change(resources: Resources, config: Config, host: Host, cgroup: str) -> Plan | None:
    """The plan that the guest's init performs, None when nothing is the guest's to change.

    Raises:
        RingfenceError: a limit cannot be changed, or not to this value.
    """
    refuse_fixed(resources, CHANGEABLE, WALL)
    refuse_beyond(resources, config)
    inner = Resources(memory=resources.memory, pids=resources.pids)
    if not is_asked(inner):
        return None
    steps: list[InitStep] = []
    limit = resources.memory.limit if resources.memory else None
    if limit and limit > 0:
        steps.append(guest.CheckMemory("", cgroup, limit))
    for step in compile_v2(guest_host(host), cgroup, without_check(inner), devices=False):
        steps += write_steps(step, WALL)
    return Plan((), tuple(steps), ())


def without_check(resources: Resources) -> Resources:
    """The guest's use is always compared before."""
    memory = changed(resources.memory, check_before_update=None) if resources.memory else None
    return changed(resources, memory=memory)  # type: ignore[no-any-return]
