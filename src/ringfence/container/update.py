"""Changing the limits of a container that lives (LNX-UPD-04 to 19)."""

from __future__ import annotations

import posix

from ringfence.cgroups.compile import compile_update
from ringfence.cgroups.perform import perform
from ringfence.cgroups.restore import remember, restore
from ringfence.container.record import container_directory, load_record, lock, write_whole
from ringfence.container.resources import STORED, merged, stored_resources, to_json, with_lifted_swap
from ringfence.container.runtime import JAIL, MICROVM, XEN
from ringfence.container.saved import saved_config
from ringfence.container.status import STOPPED, status
from ringfence.errors import RingfenceError, from_os_error
from ringfence.host.facts import V2
from ringfence.host.probe import probe
from ringfence.jsontext import dumps
from ringfence.resctrl.files import write_lines
from ringfence.spec.types import CPUResources, Resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.host.facts import Host
    from ringfence.plan.step import HostStep
    from ringfence.spec.types import Config


def update(runtime: Runtime, container_id: str, resources: Resources, l3_cache_schema: str, mem_bw_schema: str) -> None:
    """Set the limits that are named in ``resources``, and resctrl's lines where they are not empty.

    What a successful update set is stored, so that later ones start from it; a failed one puts the old values back.

    Raises:
        RingfenceError: ``container does not exist``, ``container not running``, or a limit cannot be set.
    """
    held = lock(container_directory(runtime, container_id))
    try:
        record = load_record(runtime, container_id)
        if status(record) == STOPPED:
            raise RingfenceError("container not running")
        config = saved_config(record)
        if record.driver == JAIL:
            from ringfence.container.jail.update import update as update_jail

            if l3_cache_schema or mem_bw_schema:
                raise RingfenceError("Intel RDT: a jail has no such thing")
            return update_jail(runtime, record, config, resources)
        if record.driver == XEN:
            from ringfence.container.domain_update import update_domain

            if l3_cache_schema or mem_bw_schema:
                raise RingfenceError("Intel RDT: dom0 cannot set it for a domain through xl")
            return update_domain(record, config, resources)
        if record.driver == MICROVM:
            resources = change_machine(record, config, resources)
        lines = tuple(line for line in (l3_cache_schema, mem_bw_schema) if line)
        schemata = schemata_of(record) if lines else ""
        apply(record, stored_resources(record, config), with_lifted_swap(resources))
        if lines:
            write_lines(schemata, lines)
        return None
    finally:
        posix.close(held)


def change_machine(record: ContainerRecord, config: Config, resources: Resources) -> Resources:
    """Set the limits that a guest keeps, and return those that are left for the host: the processors' time.

    Raises:
        RingfenceError: a limit cannot be changed, or not to this value; nothing has been then.
    """
    from ringfence.container.machine import change_guest, seat_of
    from ringfence.drivers.microvm.change import compile_change

    plan = compile_change(resources, config, probe(), seat_of(record, config).cgroup)
    if plan:
        change_guest(record, plan)
    return Resources(cpu=resources.cpu)


def schemata_of(record: ContainerRecord) -> str:
    """The file that holds the lines of the container's resctrl group.

    Raises:
        RingfenceError: it has none.
    """
    if record.resctrl is None:
        raise RingfenceError("Intel RDT: the container was created without linux.intelRdt")
    return f"{record.resctrl.path}/schemata"


def apply(record: ContainerRecord, old: Resources, new: Resources) -> None:
    """Write the new limits and store them together with the old ones, or change nothing.

    Raises:
        RingfenceError: without a field, since an option or a file of the caller asked, not config.json.
    """
    host = probe()
    result = merged(old, new)
    try:
        wanted = completed(host, result, new)
        if record.unit:
            update_unit(record, host, old, wanted)
        write_limits(compile_update(host, record.cgroups, wanted), record, result)
    except RingfenceError as error:
        raise RingfenceError(error.attempted, errno=error.errno, hint=error.hint) from None


def update_unit(record: ContainerRecord, host: Host, old: Resources, wanted: Resources) -> None:
    """Have systemd set the unit's properties; what it has set before a failure is set back.

    Raises:
        RingfenceError: it refuses, or cannot be reached.
    """
    # Only with --systemd-cgroup: jeepney costs 10 ms.
    from ringfence.cgroups.systemd.manager import update_steps
    from ringfence.cgroups.systemd.perform import manager_version, perform_all

    version = manager_version(record.bus)
    try:
        perform_all(update_steps(host, record.unit, record.bus, wanted, version))
    except RingfenceError:
        perform_all(update_steps(host, record.unit, record.bus, old, version), tolerant=True)
        raise


def write_limits(steps: tuple[HostStep, ...], record: ContainerRecord, result: Resources) -> None:
    """Perform the steps and store the result; what was done before a failure is undone as far as that goes."""
    before = remember(steps)
    try:
        for step in steps:
            perform(step)
        write_whole(f"{record.directory}/{STORED}", dumps(to_json(result)))
    except OSError as error:
        restore(before)
        raise from_os_error(f"cannot store the limits of container {record.id}", error) from None
    except RingfenceError:
        restore(before)
        raise


def completed(host: Host, result: Resources, new: Resources) -> Resources:
    """The new limits, with what has to be written along with them.

    cpu.max of v2 holds quota and period in one line, so the one that is not named keeps its value (LNX-UPD-06).
    """
    if host.cgroup_mode != V2 or new.cpu is None or not (new.cpu.quota or new.cpu.period):
        return new
    pair = {"quota": result.cpu.quota, "period": result.cpu.period} if result.cpu else {}
    cpu = CPUResources(**{**dict(new.cpu.items()), **pair})
    return Resources(**{**dict(new.items()), "cpu": cpu})
