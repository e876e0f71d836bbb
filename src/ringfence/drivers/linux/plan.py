"""compile: from a configuration to the plan that makes it a container. Pure: no system call, no clock, no global."""

from __future__ import annotations

from ringfence.drivers.linux.birth import becomes_root, birth_steps, needs_child_limits, open_groups
from ringfence.drivers.linux.context import (
    CLONE_NEWCGROUP,
    CLONE_NEWNET,
    CLONE_NEWUSER,
    Context,
    Namespaces,
    Slots,
    section,
    unprivileged,
)
from ringfence.drivers.linux.devices import console_step
from ringfence.drivers.linux.hooks import hook_steps, state_halves
from ringfence.drivers.linux.identity import (
    environment,
    filter_step,
    keyring_steps,
    label_steps,
    limit_steps,
    process_steps,
)
from ringfence.drivers.linux.mount import Sources
from ringfence.drivers.linux.rootfs import closing_steps, tree_steps
from ringfence.errors import EXEC_FAILURE, FAILURE
from ringfence.plan import birth, guest, inside, mounts
from ringfence.plan.plan import Plan
from ringfence.spec.problems import escape
from ringfence.spec.sysctl import sysctl_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.host.facts import Host
    from ringfence.plan.step import HostStep, InitStep
    from ringfence.spec.types import Config, Linux, Process


def compile_create(config: Config, host: Host, context: Context, host_steps: tuple[HostStep, ...]) -> Plan:
    """The plan of create and run.

    Raises:
        RingfenceError: the configuration asks for something this host cannot give.
    """
    process, linux = config.process, section(config)
    assert process is not None
    namespaces, slots = Namespaces(linux), Slots(context.slots)
    shifted = bool(namespaces.own & CLONE_NEWUSER)
    joined_user = next((path for _, flag, path in namespaces.joined if flag == CLONE_NEWUSER), "")
    sources = Sources(linux, context.bundle, context.rootfs, shifted, joined_user, privileged=not unprivileged(host))
    steps = arrival_steps(process, linux, host, context)
    steps += tree_steps(config, process, linux, host, context, slots, sources)
    steps += name_steps(config, linux) + label_steps(process, host)
    assert config.root is not None
    steps += closing_steps(config.root, linux)
    limits = limit_steps(process)
    if needs_child_limits(namespaces, process):
        limits = [inside.AwaitConductor("/process/rlimits", True)]
    may = may_set_groups(linux, host)
    steps += process_steps(process, linux, host, context.filter, slots, limits=limits, set_groups=may)
    steps += last_steps(config, process, context, slots)
    births = birth_steps(config, process, linux, host, context, open_groups(context, slots) + sources.steps)
    kept = context.listen_fds + context.preserve_fds
    return Plan(host_steps, births, tuple(steps), tuple(slots.names), kept)


def arrival_steps(process: Process, linux: Linux, host: Host, context: Context) -> list[InitStep]:
    """The first steps of the new process: its cgroups, its user namespace, session and network."""
    namespaces = Namespaces(linux)
    steps: list[InitStep] = [inside.EnterCgroups("/linux/cgroupsPath")] if context.cgroups or context.resctrl else []
    steps.append(birth.SetAffinity("", b"", ""))
    if namespaces.new & CLONE_NEWUSER:
        steps.append(inside.AwaitConductor("/linux/uidMappings", False))
    if becomes_root(namespaces, linux):
        steps.append(inside.BecomeRoot("/linux/namespaces", may_set_groups(linux, host)))
    steps.append(inside.NewSession(""))
    if not context.no_new_keyring:
        steps += keyring_steps(context.container_id, process, host)
    if namespaces.new & CLONE_NEWCGROUP:
        steps.append(inside.Unshare(namespaces.pointer(linux, CLONE_NEWCGROUP), CLONE_NEWCGROUP))
    if namespaces.new & CLONE_NEWNET:
        steps.append(inside.LoopbackUp(namespaces.pointer(linux, CLONE_NEWNET)))
    if linux.net_devices:
        steps.append(inside.AwaitConductor("/linux/netDevices", False))
    return steps


def may_set_groups(linux: Linux, host: Host) -> bool:
    """setgroups(2) is denied where an unprivileged caller wrote the map of its own single group (LNX-USER-04)."""
    if not host.set_groups:
        return False
    if host.uid == 0 or not Namespaces(linux).new & CLONE_NEWUSER:
        return True
    return len(linux.gid_mappings) > 1 or any(one.size > 1 or one.host_id != host.gid for one in linux.gid_mappings)


def name_steps(config: Config, linux: Linux) -> list[InitStep]:
    """Host name, domain name and sysctls, before /proc/sys is protected (LNX-SCTL-01)."""
    steps: list[InitStep] = []
    if config.hostname:
        steps.append(inside.SetHostname("/hostname", config.hostname))
    if config.domainname:
        steps.append(inside.SetDomainname("/domainname", config.domainname))
    for key, value in linux.sysctl.items():
        steps.append(inside.WriteSysctl(f"/linux/sysctl/{escape(key)}", sysctl_path(key), value))
    return steps


def last_steps(config: Config, process: Process, context: Context, slots: Slots) -> list[InitStep]:
    """The wait for start, the filter if it may come last, the hooks of the container, the program.

    A filter that asks an agent is loaded before the wait, while the runtime is there to hand the listener over.
    """
    steps: list[InitStep] = []
    last = [filter_step(context.filter, slots)] if context.filter and process.no_new_privileges else []
    wait: list[InitStep] = [inside.AwaitStart("", slots("fifo"))] if context.fifo else []
    if context.gate:
        wait = [guest.AwaitGate("", slots("gate"))]
    steps += [*last, *wait] if context.filter and context.filter.listener else [*wait, *last]
    env, homeless = environment(process)
    halves = state_halves(context.container_id, context.bundle, config.annotations, "created")
    steps += hook_steps(config, "start_container", halves, env, "", home=homeless)
    if context.listen_fds:
        env += (f"LISTEN_FDS={context.listen_fds}", "LISTEN_PID=1")
    if context.notify:
        env += (f"NOTIFY_SOCKET={context.notify.variable}",)
    steps.append(inside.Exec("/process/args", process.args, env, FAILURE))
    return steps


class ExecContext(Context):
    """What an exec depends on.

    ``namespaces`` are the CLONE_NEW* flags of the container's namespaces, ``initial`` and ``final`` the CPU masks
    before and after the cgroup is entered.
    """

    namespaces: int = 0
    initial: bytes = b""
    final: bytes = b""


def compile_exec(process: Process, linux: Linux, host: Host, context: ExecContext) -> Plan:
    """The plan of exec: a process joins the container and becomes what its process object says."""
    slots = Slots(context.slots)
    shifted = bool(context.namespaces & CLONE_NEWUSER)
    births = open_groups(context, slots)
    if process.oom_score_adj is not None:
        births.append(birth.SetOomScore("/process/oomScoreAdj", process.oom_score_adj))
    if context.initial:
        births.append(birth.SetAffinity("/process/execCPUAffinity/initial", context.initial, ""))
    limits = limit_steps(process)
    if shifted:
        # Nobody inside may raise a limit, and the conductor itself can only before it joins.
        births, limits = births + limits, []
    births += [
        birth.JoinProcess("/linux/namespaces", slots("pidfd"), context.namespaces & ~CLONE_NEWCGROUP),
        birth.Clone("", 0, False),
    ]
    steps = entering_steps(process, linux, host, context, shifted, slots)
    if process.terminal:
        steps.append(console_step(process, slots, bound=False))
    steps += label_steps(process, host)
    may = may_set_groups(linux, host)
    steps += process_steps(process, linux, host, context.filter, slots, limits=limits, set_groups=may)
    if context.filter and process.no_new_privileges:
        steps.append(filter_step(context.filter, slots))
    steps.append(inside.Exec("/process/args", process.args, environment(process)[0], EXEC_FAILURE))
    return Plan((), tuple(births), tuple(steps), tuple(slots.names), context.preserve_fds)


def entering_steps(
    process: Process, linux: Linux, host: Host, context: ExecContext, shifted: bool, slots: Slots
) -> list[InitStep]:
    """The first steps of an exec'd process.

    The cgroup namespace is joined only in the cgroup: from inside it the kernel does not let a process be cloned into
    a cgroup that its parent's own cgroup is not above of (cgroup v2 mounted with nsdelegate, ENOENT).
    """
    steps: list[InitStep] = [inside.EnterCgroups("/linux/cgroupsPath")] if context.cgroups or context.resctrl else []
    if context.namespaces & CLONE_NEWCGROUP:
        steps.append(birth.JoinProcess("/linux/namespaces", slots("pidfd"), CLONE_NEWCGROUP))
    steps.append(birth.SetAffinity("/process/execCPUAffinity/final" if context.final else "", context.final, ""))
    if shifted and becomes_root(Namespaces(linux), linux):
        steps.append(inside.BecomeRoot("/linux/namespaces", may_set_groups(linux, host)))
    steps.append(inside.NewSession(""))
    if not context.no_new_keyring:
        steps += keyring_steps(context.container_id, process, host)
    steps.append(mounts.UseRoot("", ""))
    return steps
