"""``linux.cgroupsPath`` and ``linux.resources`` as steps. Pure: facts about the host come in as an argument."""

from __future__ import annotations

from ringfence import paths
from ringfence.cgroups.paths import POINTER, find, mount_of
from ringfence.cgroups.restore import files_of
from ringfence.cgroups.steps import EnableControllers, EnableNamed, LeaveCgroup, MakeCgroup, OwnCgroup
from ringfence.cgroups.v1 import compile_v1
from ringfence.errors import RingfenceError
from ringfence.host.facts import V2
from ringfence.spec.types import Resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cgroups.paths import CgroupDir
    from ringfence.host.facts import Host
    from ringfence.plan.step import HostStep


def compile_cgroup(
    host: Host,
    dirs: tuple[CgroupDir, ...],
    resources: Resources | None,
    *,
    demanded: bool = True,
    below_caller: bool = False,
) -> tuple[HostStep, ...]:
    """Make the cgroup and set every limit in it, before a process is there (LNX-CG-05, LNX-CG1-05).

    ``demanded``: the configuration has a cgroupsPath. Without one, a user who may not make cgroups goes without
    (LNX-RLESS-04), and every limit that is asked for then fails by itself. ``below_caller``: on v2 the caller leaves
    its own cgroup for a leaf beside the container's, if limits need controllers there (OLD-SYSTEMD-04).

    Raises:
        RingfenceError: the host has no controller for a limit, or a value has no meaning to it.
    """
    if not dirs:
        return tuple(limit_steps(host, dirs, resources or Resources(), devices=False))
    steps: list[HostStep] = [make_step(host, dirs, demanded)]
    limits = limit_steps(host, dirs, resources or Resources(), devices=not is_rootless(host))
    if host.cgroup_mode == V2 and below_caller:
        steps = [*leave_steps(host, dirs[0], limits), *steps]
    elif host.cgroup_mode == V2:
        steps.append(EnableControllers(POINTER, mount_of(host, dirs[0]), dirs[0].path))
    return (*steps, *limits)


def leave_steps(host: Host, directory: CgroupDir, limits: list[HostStep]) -> list[HostStep]:
    """Nothing where no limit needs a controller; else the caller's move, and the controllers that are needed.

    Raises:
        RingfenceError: systemd has not delegated the caller's cgroup, so that nobody but it may enable controllers.
    """
    needed = {name: step for step in reversed(limits) for name in controllers_of(step)}
    if not needed:
        return []
    if not host.delegated:
        name, step = min(needed.items(), key=lambda entry: entry[0])
        raise RingfenceError(
            f"cannot set {step.pointer.rpartition('/')[2]} limit: the {name} controller is not delegated to this unit",
            field=step.pointer,
            hint="add Delegate=yes to the unit, or leave the limit to the unit's own settings",
        )
    own = paths.dirname(directory.path)
    return [LeaveCgroup(POINTER, own), EnableNamed(POINTER, own, tuple(sorted(needed)))]


def controllers_of(step: HostStep) -> set[str]:
    """The controllers whose files a step writes."""
    names = {paths.basename(path).partition(".")[0] for path in files_of(step)}
    return names - {"cgroup"}


def compile_update(host: Host, dirs: tuple[CgroupDir, ...], resources: Resources) -> tuple[HostStep, ...]:
    """Set the named limits of a cgroup in use. Device rules are not changed by an update (LNX-UPD-15)."""
    return tuple(limit_steps(host, dirs, resources, devices=False))


def compile_ownership(host: Host, dirs: tuple[CgroupDir, ...], uid: int) -> tuple[HostStep, ...]:
    """Give the cgroup of a pure v2 host to the container's root, as ``uid`` on the host.

    The caller knows whether it should be: with a cgroup namespace of its own and a writable mount (LNX-CG-08).
    """
    return tuple(OwnCgroup("", directory.path, uid) for directory in dirs if host.cgroup_mode == V2)


def is_rootless(host: Host) -> bool:
    """Whether the kernel may refuse what root of the host is always granted."""
    return host.uid != 0 or host.user_namespace


def make_step(host: Host, dirs: tuple[CgroupDir, ...], demanded: bool) -> HostStep:
    """The step that makes the directories."""
    cpuset = next((mount_of(host, directory) for directory in dirs if "cpuset" in directory.controllers), "")
    tolerant = not demanded and is_rootless(host)
    return MakeCgroup(POINTER, shown_name(host, dirs), dirs, cpuset, tolerant)


def shown_name(host: Host, dirs: tuple[CgroupDir, ...]) -> str:
    """The cgroup's path below the mount, the shortest where hierarchies differ."""
    return min((directory.path.removeprefix(mount_of(host, directory)) for directory in dirs), key=len)


def limit_steps(host: Host, dirs: tuple[CgroupDir, ...], resources: Resources, devices: bool) -> list[HostStep]:
    """The limits in the form of the host's cgroup version."""
    if host.cgroup_mode == V2:
        from ringfence.cgroups.v2 import compile_v2  # the other version's rules are not needed on this host

        return compile_v2(host, find(dirs, ""), resources, devices)
    return compile_v1(host, dirs, resources, devices)
