"""From a process object to the steps that make a process so, for create and for exec alike."""

from __future__ import annotations

from ringfence.drivers.linux.policy import io_priority, memory_policy, personality, scheduler
from ringfence.errors import RingfenceError
from ringfence.plan import inside
from ringfence.spec.names import CAPABILITIES, RLIMITS
from ringfence.spec.types import Capabilities, User

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.linux.context import Slots
    from ringfence.host.facts import Host
    from ringfence.plan.step import InitStep
    from ringfence.seccomp.filter import Filter
    from ringfence.spec.types import Linux, Process

DEFAULT_UMASK = 0o022


def available_capabilities(linux: Linux, host: Host) -> int:
    """The bits of the capabilities this kernel has and this caller can give.

    In a user namespace the first process has them all (user_namespaces(7)).
    """
    every = (2 << host.last_capability) - 1
    return every if any(one.type == "user" for one in linux.namespaces) else every & host.bounding


def capability_mask(names: tuple[str, ...], available: int) -> int:
    """The bits of the capabilities that are available; the others are warned of (LNX-CAP-02)."""
    mask = 0
    for name in names:
        if name in CAPABILITIES:
            mask |= 1 << CAPABILITIES.index(name)
    return mask & available


def environment(process: Process) -> tuple[tuple[str, ...], bool]:
    """The variables, each name once with its last value, and whether HOME has to be found (LNX-ENV-02, LNX-ENV-04)."""
    values: dict[str, str] = {}
    for entry in process.env:
        name, _, value = entry.partition("=")
        values[name] = value
    homeless = not values.get("HOME")
    if homeless:
        values.pop("HOME", None)
    return tuple(f"{name}={value}" for name, value in values.items()), homeless


def search_path(process: Process) -> str:
    """The PATH of process.env, the last one."""
    found = ""
    for entry in process.env:
        if entry.startswith("PATH="):
            found = entry[5:]
    return found


def limit_steps(process: Process) -> list[InitStep]:
    """The process' limits, set by itself."""
    return [
        inside.SetLimit(f"/process/rlimits/{index}", RLIMITS[limit.type], limit.type, limit.soft, limit.hard)
        for index, limit in enumerate(process.rlimits)
    ]


def policy_steps(process: Process, linux: Linux) -> list[InitStep]:
    """Scheduling, I/O priority, memory policy and personality, set while there is privilege."""
    steps: list[InitStep] = []
    if process.scheduler is not None:
        cpu = linux.resources.cpu if linux.resources else None
        steps.append(scheduler(process.scheduler, (cpu.cpus or "") if cpu else ""))
    if process.io_priority is not None:
        steps.append(io_priority(process.io_priority))
    if linux.memory_policy is not None:
        steps.append(memory_policy(linux.memory_policy))
    if linux.personality is not None:
        steps.append(personality(linux.personality))
    return steps


def label_steps(process: Process, host: Host) -> list[InitStep]:
    """Labels of the LSMs for the coming exec (LNX-LSM-01, LNX-LSM-02)."""
    steps: list[InitStep] = []
    if process.apparmor_profile:
        if not host.apparmor:
            raise RingfenceError(
                "config.json#/process/apparmorProfile: apparmor is not enabled on the host",
                field="/process/apparmorProfile",
                hint="remove the profile, or boot a kernel with AppArmor",
            )
        words = "unable to apply apparmor profile"
        value = f"exec {process.apparmor_profile}"
        steps.append(inside.SetExecLabel("/process/apparmorProfile", "apparmor/exec", value, words))
    if process.selinux_label:
        if not host.selinux:
            raise RingfenceError(
                "config.json#/process/selinuxLabel: "
                "selinux label is specified in config, but selinux is disabled or not supported",
                field="/process/selinuxLabel",
            )
        words = "unable to set the selinux label"
        steps.append(inside.SetExecLabel("/process/selinuxLabel", "exec", process.selinux_label, words))
    return steps


def keyring_steps(container_id: str, process: Process, host: Host) -> list[InitStep]:
    """A session keyring of the container's, with the process' label where there are labels (LNX-LIFE-22, LNX-LSM-02).

    A line break takes the label for new keys back (proc_pid_attr(5)).
    """
    steps: list[InitStep] = [inside.JoinKeyring("", f"_ses.{container_id}")]
    if not process.selinux_label or not host.selinux:
        return steps
    words = "unable to set the selinux label of the session keyring"
    label, none = (
        inside.SetExecLabel("/process/selinuxLabel", "keycreate", value, words)
        for value in (process.selinux_label, "\n")
    )
    return [label, *steps, none]


def filter_step(compiled: Filter, slots: Slots) -> InitStep:
    """The system call filter; one that asks an agent waits until the agent listens."""
    acknowledge = slots("agent") if compiled.listener else 0
    return inside.LoadSeccomp("/linux/seccomp", compiled.flags, compiled.program, acknowledge)


def user_steps(process: Process, available: int, set_groups: bool) -> list[InitStep]:
    """Bounding set, folder, user and capabilities, in the one order in which each is still allowed (LNX-CAP-03).

    The folder is tried before the user is switched and, if refused, again after it (LNX-CWD-04).

    Raises:
        RingfenceError: groups are asked for where setgroups(2) is denied (LNX-USER-04).
    """
    user = process.user or User()
    if user.additional_gids and not set_groups:
        raise RingfenceError(
            "cannot set any additional groups in a rootless container",
            field="/process/user/additionalGids",
            hint="map more than one group, which subgid(5) has to allow",
        )
    sets = process.capabilities or Capabilities()
    permitted, inheritable = capability_mask(sets.permitted, available), capability_mask(sets.inheritable, available)
    ambient = capability_mask(sets.ambient, available) & permitted & inheritable
    groups = tuple(str(gid) for gid in user.additional_gids)
    umask = DEFAULT_UMASK if user.umask is None else user.umask
    return [
        inside.DropBounding("/process/capabilities/bounding", capability_mask(sets.bounding, available)),
        inside.ChangeDirectory("/process/cwd", process.cwd, True),
        inside.SetUser("/process/user", user.uid, user.gid, groups, set_groups),
        inside.ChangeDirectory("/process/cwd", process.cwd, False),
        inside.SetCapabilities(
            "/process/capabilities", capability_mask(sets.effective, available), permitted, inheritable, ambient
        ),
        inside.SetUmask("/process/user/umask" if user.umask is not None else "", umask),
    ]


def ambient_warnings(process: Process) -> list[str]:
    """Ambient capabilities that cannot be raised (LNX-CAP-04)."""
    sets = process.capabilities or Capabilities()
    return [
        f"can't raise ambient capability {name}: operation not permitted"
        for name in sets.ambient
        if name in CAPABILITIES and (name not in sets.permitted or name not in sets.inheritable)
    ]


def process_steps(
    process: Process,
    linux: Linux,
    host: Host,
    compiled: Filter | None,
    slots: Slots,
    *,
    limits: list[InitStep],
    set_groups: bool,
) -> list[InitStep]:
    """From a process that has its root to one that only has to exec.

    The filter is loaded here when it needs privilege, else by the caller as the last thing (LNX-SEC-09). ``limits``
    are the steps that set the resource limits, wherever they can be set.
    """
    user = process.user or User()
    steps: list[InitStep] = []
    if process.no_new_privileges:
        steps.append(inside.SetNoNewPrivileges("/process/noNewPrivileges"))
    steps += policy_steps(process, linux) + limits
    if not process.terminal:
        steps.append(inside.OwnStdio("/process/user/uid", user.uid))
    if environment(process)[1]:
        steps.append(inside.ResolveHome("/process/env", user.uid))
    if compiled and not process.no_new_privileges:
        steps.append(filter_step(compiled, slots))
    steps += user_steps(process, available_capabilities(linux, host), set_groups)
    steps.append(inside.FindExecutable("/process/args/0", process.args[0], search_path(process)))
    return steps
