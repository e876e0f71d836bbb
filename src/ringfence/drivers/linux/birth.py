"""The conductor's part of the plan: what surrounds the birth, seen from the host."""

from __future__ import annotations

from ringfence.drivers.linux.context import (
    CLONE_NEWCGROUP,
    CLONE_NEWNS,
    CLONE_NEWTIME,
    CLONE_NEWUSER,
    Namespaces,
    maps_root,
    unprivileged,
)
from ringfence.drivers.linux.hooks import has_hooks, hook_steps, state_halves
from ringfence.errors import RingfenceError
from ringfence.plan import birth
from ringfence.spec.names import RLIMITS
from ringfence.spec.problems import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cgroups.paths import CgroupDir
    from ringfence.drivers.linux.context import Context, Slots
    from ringfence.host.facts import Host
    from ringfence.plan.step import InitStep
    from ringfence.spec.types import Config, IDMapping, Linux, Process

NEWUIDMAP = "/usr/bin/newuidmap"
NEWGIDMAP = "/usr/bin/newgidmap"


def open_cgroups(cgroups: tuple[CgroupDir, ...]) -> list[InitStep]:
    """The container's cgroups, to be entered at the birth."""
    return [birth.OpenCgroup("/linux/cgroupsPath", group.path, group.controllers == ("",)) for group in cgroups]


def open_groups(context: Context, slots: Slots) -> list[InitStep]:
    """The cgroups, and the resctrl groups: those are entered alike, by a 0 in their ``tasks``."""
    groups = [birth.OpenCgroup("/linux/intelRdt", path, False) for path in context.resctrl]
    if context.unit:
        return [birth.AwaitUnit("/linux/cgroupsPath", context.unit, slots("unit")), *groups]
    return [*open_cgroups(context.cgroups), *groups]


def join_steps(namespaces: Namespaces, host: Host) -> list[InitStep]:
    """Joins by path: with the rights of root the user namespace last, without them first (LNX-NS-10)."""
    for index, flag, path in namespaces.joined:
        if flag == CLONE_NEWNS:
            raise RingfenceError(
                f"config.json#/linux/namespaces/{index}: a mount namespace ({path}) cannot be joined beside root.path",
                field=f"/linux/namespaces/{index}",
            )
    ordered = sorted(namespaces.joined, key=lambda join: (join[1] == CLONE_NEWUSER) != unprivileged(host))
    return [birth.JoinNamespace(f"/linux/namespaces/{index}", path, flag) for index, flag, path in ordered]


def time_steps(namespaces: Namespaces, linux: Linux) -> list[InitStep]:
    """A new time namespace with its offsets."""
    if not namespaces.new & CLONE_NEWTIME:
        return []
    lines = [f"{clock} {offset.secs} {offset.nanosecs}\n" for clock, offset in linux.time_offsets.items()]
    return [birth.NewTimeNamespace("/linux/timeOffsets" if lines else "/linux/namespaces", "".join(lines))]


def map_text(mappings: tuple[IDMapping, ...]) -> str:
    """The mappings as lines of a uid_map."""
    return "".join(f"{one.container_id} {one.host_id} {one.size}\n" for one in mappings)


def map_steps(namespaces: Namespaces, linux: Linux, host: Host) -> list[InitStep]:
    """The id maps of a new user namespace, by the setuid helpers where the caller may not write them itself."""
    if not namespaces.new & CLONE_NEWUSER:
        return []
    helped = host.uid != 0
    single_uid = map_text(linux.uid_mappings).split()[1:] == [str(host.uid), "1"]
    single_gid = map_text(linux.gid_mappings).split()[1:] == [str(host.gid), "1"]
    maps = birth.WriteIdMaps(
        "/linux/uidMappings",
        map_text(linux.uid_mappings),
        map_text(linux.gid_mappings),
        helped and single_gid,
        NEWUIDMAP if helped and not single_uid else "",
        NEWGIDMAP if helped and not single_gid else "",
    )
    return [maps, birth.ReleaseChild("/linux/uidMappings")]


def device_steps(linux: Linux, host: Host) -> list[InitStep]:
    """Network devices move before the process goes on, so that hooks and sysctls find them (LNX-NET-01).

    Raises:
        RingfenceError: the caller is not root.
    """
    if not linux.net_devices:
        return []
    if host.uid != 0:
        raise RingfenceError(
            "config.json#/linux/netDevices: only root can move network devices into a container",
            field="/linux/netDevices",
        )
    checks: list[InitStep] = []
    moves: list[InitStep] = []
    for name, device in linux.net_devices.items():
        where = f"/linux/netDevices/{escape(name)}{'/name' if device.name else ''}"
        checks.append(birth.CheckNetDevice(where, name, device.name or name))
        moves.append(birth.MoveNetDevice(where, name, device.name or name))
    return [*checks, *moves, birth.ReleaseChild("/linux/netDevices")]


def needs_child_limits(namespaces: Namespaces, process: Process) -> bool:
    """Whether limits must be set from outside: inside a user namespace nobody may raise them (LNX-RLIM-04)."""
    return bool(namespaces.own & CLONE_NEWUSER and process.rlimits)


def child_limits(process: Process) -> list[InitStep]:
    """The process' limits, set with the conductor's rights."""
    return [
        birth.SetChildLimit(f"/process/rlimits/{index}", RLIMITS[limit.type], limit.type, limit.soft, limit.hard)
        for index, limit in enumerate(process.rlimits)
    ]


def runtime_hooks(config: Config, context: Context) -> list[InitStep]:
    """prestart and createRuntime: the namespaces and mounts are there, the root is not switched yet (LNX-HOOK-02)."""
    if not has_hooks(config, "prestart", "create_runtime"):
        return []
    halves = state_halves(context.container_id, context.bundle, config.annotations, "creating")
    env = [f"{name}={value}" for name, value in context.environment.items()]
    steps: list[InitStep] = [birth.AwaitChild("/hooks")]
    for name in ("prestart", "create_runtime"):
        steps += hook_steps(config, name, halves, env, context.bundle)
    return [*steps, birth.ReleaseChild("/hooks")]


def birth_steps(
    config: Config, process: Process, linux: Linux, host: Host, context: Context, before: list[InitStep]
) -> tuple[InitStep, ...]:
    """Everything the conductor does, in order. ``before`` is what it opens beforehand: groups, bind sources."""
    namespaces = Namespaces(linux)
    steps = [*before]
    if process.oom_score_adj is not None:
        steps.append(birth.SetOomScore("/process/oomScoreAdj", process.oom_score_adj))
    apart = join_steps(namespaces, host) + time_steps(namespaces, linux)
    if apart:
        steps += [birth.ForkIntermediate("/linux/namespaces"), *apart]
    flags = namespaces.new & ~(CLONE_NEWCGROUP | CLONE_NEWTIME)
    expose = bool(flags & CLONE_NEWUSER) and host.uid != 0
    steps.append(birth.Clone("/linux/namespaces", flags, expose))
    steps += map_steps(namespaces, linux, host) + device_steps(linux, host) + runtime_hooks(config, context)
    if needs_child_limits(namespaces, process):
        limits = child_limits(process)
        steps += [birth.AwaitChild("/process/rlimits"), *limits, birth.ReleaseChild("/process/rlimits")]
    return tuple(steps)


def becomes_root(namespaces: Namespaces, linux: Linux) -> bool:
    """Whether the process takes id 0 of its user namespace (LNX-UNS-05)."""
    if namespaces.new & CLONE_NEWUSER:
        return maps_root(linux.uid_mappings) and maps_root(linux.gid_mappings)
    return bool(namespaces.own & CLONE_NEWUSER)
