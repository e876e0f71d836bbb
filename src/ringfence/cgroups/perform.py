"""Doing the steps of ``steps.py``: the only place, with ``make.py`` and ``bpf.py``, where a cgroup is changed."""

from __future__ import annotations

import errno
import posix

from ringfence import paths
from ringfence.cgroups.devices import difference
from ringfence.cgroups.files import read, read_or_empty, write
from ringfence.cgroups.make import enable_controllers, enable_named, leave_cgroup, make_cgroup, own_cgroup
from ringfence.cgroups.steps import (
    CheckMemoryUsage,
    EnableControllers,
    EnableNamed,
    LeaveCgroup,
    LimitDevicesV1,
    LimitDevicesV2,
    MakeCgroup,
    OwnCgroup,
    WriteCgroupFile,
    WriteCpuShares,
    WriteFirstPresent,
    WriteTogether,
)
from ringfence.errors import RingfenceError, from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ringfence.cgroups.systemd.perform import Holder
    from ringfence.plan.step import HostStep


def perform(step: HostStep) -> Holder | None:
    """Do one step; what is given back is to be released when the container's process has been born, or cannot be.

    Raises:
        RingfenceError: with the step's config field; ``cannot set X limit: …`` for a limit, ``unable to apply cgroup
            configuration: …`` for the cgroup itself.
    """
    performer = PERFORMERS.get(type(step))
    if performer is None:
        from ringfence.cgroups.systemd.perform import perform as ask_systemd  # only with --systemd-cgroup

        return ask_systemd(step)
    performer(step)
    return None


def write_file(step: WriteCgroupFile) -> None:
    """Write one value."""
    try:
        write(step.path, step.value)
    except OSError as error:
        if not (step.optional and error.errno == errno.ENOENT):
            raise refused(step, step.path, step.value, error) from None


def write_together(step: WriteTogether) -> None:
    """Write values in whatever order the kernel takes them."""
    waiting = list(step.writes)
    while waiting:
        refusals = [(entry, error) for entry in waiting if (error := try_write(step, *entry))]
        if len(refusals) == len(waiting):
            (path, value), error = refusals[0]
            raise refused(step, path, value, error)
        waiting = [entry for entry, _error in refusals]


def try_write(step: WriteTogether, path: str, value: str) -> OSError | None:
    """Write one of several values; EINVAL is given back, since it may be a matter of order."""
    try:
        write(path, value)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return error
        if not (path in step.optional and error.errno == errno.ENOENT):
            raise refused(step, path, value, error) from None
    return None


def write_first_present(step: WriteFirstPresent) -> None:
    """Write the first file there is."""
    for path, value in step.choices:
        try:
            return write(path, value)
        except FileNotFoundError as error:
            absent = refused(step, path, value, error)
        except OSError as error:
            raise refused(step, path, value, error) from None
    raise absent


def write_cpu_shares(step: WriteCpuShares) -> None:
    """Write the shares and see whether the kernel kept them."""
    try:
        write(step.path, str(step.shares))
        kept = int(read(step.path))
    except OSError as error:
        raise refused(step, step.path, str(step.shares), error) from None
    if kept != step.shares:
        word = "maximum" if step.shares > kept else "minimum"
        raise RingfenceError(f"the {word} allowed cpu-shares is {kept}", field=step.pointer)


def check_memory_usage(step: CheckMemoryUsage) -> None:
    """Compare the new limits with what is used (memory.current, memory.swap.current)."""
    used = number(f"{step.path}/memory.current")
    if 0 < step.limit < used:
        raise RingfenceError(
            f"rejecting memory limit {step.limit} < usage {used}", field="/linux/resources/memory/limit"
        )
    used += number(f"{step.path}/memory.swap.current")
    if 0 < step.swap < used:
        raise RingfenceError(
            f"rejecting memory+swap limit {step.swap} < usage {used}", field="/linux/resources/memory/swap"
        )


def number(path: str) -> int:
    """The number in a file, 0 when the kernel does not have it."""
    return int(read_or_empty(path) or 0)


def limit_devices_v1(step: LimitDevicesV1) -> None:
    """Write the difference between the list there is and the wished one, through one descriptor for each file."""
    opened: dict[str, int] = {}
    name, entry = "devices.list", ""
    try:
        for name, entry in difference(read(f"{step.directory}/devices.list"), step.allow_all, step.rules):
            if name not in opened:
                opened[name] = posix.open(f"{step.directory}/{name}", posix.O_WRONLY | posix.O_CLOEXEC)
            posix.write(opened[name], entry.encode())
    except OSError as error:
        raise refused(step, f"{step.directory}/{name}", entry, error) from None
    finally:
        for descriptor in opened.values():
            posix.close(descriptor)


def limit_devices_v2(step: LimitDevicesV2) -> None:
    """Attach the program."""
    from ringfence.cgroups.bpf_attach import attach  # ctypes, 3 ms: only on cgroup v2

    try:
        attach(step.directory, step.program)
    except OSError as error:
        raise from_os_error(f"cannot limit devices of {step.directory}", error, field=step.pointer) from None


def refused(step: HostStep, path: str, value: str, error: OSError) -> RingfenceError:
    """Why a limit could not be set, in the words engines know where there are some."""
    controller = paths.basename(path).partition(".")[0]
    if error.errno == errno.ENOENT:
        return absent_file(step, controller, path)
    if error.errno == errno.EBUSY and path.endswith("/memory.limit_in_bytes"):
        return too_small(step, path, value)
    shown = value.replace("\n", " ")
    return from_os_error(
        f'cannot set {controller} limit: failed to write "{shown}": write {path}', error, field=step.pointer
    )


def absent_file(step: HostStep, controller: str, path: str) -> RingfenceError:
    """There is no such file. The kernel's words for that would make an engine report a missing program (status 127)."""
    directory, _slash, name = path.rpartition("/")
    if not has_controller(directory, controller):
        return RingfenceError(
            f"cannot set {controller} limit: container could not join or create cgroup",
            field=step.pointer,
            errno=errno.ENOENT,
            hint="rootless needs no limits + no cgrouppath when no permission is granted for cgroups",
        )
    return RingfenceError(
        f"cannot set {controller} limit: this kernel has no {name}", field=step.pointer, errno=errno.ENOENT
    )


def has_controller(directory: str, controller: str) -> bool:
    """Whether the cgroup exists and, on v2, has this controller."""
    if not posix.access(directory, posix.F_OK):
        return False
    enabled = read_or_empty(f"{directory}/cgroup.controllers")
    return not enabled or controller in (*enabled.split(), "cgroup")


def too_small(step: HostStep, path: str, value: str) -> RingfenceError:
    """More memory is used than the new limit allows, and it could not be reclaimed."""
    directory = paths.dirname(path)
    used, peak = (number(f"{directory}/memory.{name}usage_in_bytes") for name in ("", "max_"))
    return RingfenceError(
        f"unable to set memory limit to {value} (current usage: {used}, peak usage: {peak})",
        field=step.pointer,
        errno=errno.EBUSY,
    )


PERFORMERS: dict[type, Callable[[Any], None]] = {
    MakeCgroup: make_cgroup,
    EnableControllers: enable_controllers,
    EnableNamed: enable_named,
    LeaveCgroup: leave_cgroup,
    WriteCgroupFile: write_file,
    WriteTogether: write_together,
    WriteFirstPresent: write_first_present,
    WriteCpuShares: write_cpu_shares,
    CheckMemoryUsage: check_memory_usage,
    LimitDevicesV1: limit_devices_v1,
    LimitDevicesV2: limit_devices_v2,
    OwnCgroup: own_cgroup,
}
