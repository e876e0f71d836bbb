"""compile: from a configuration to the machine that holds it. Pure.

Three plans come of it: that of the supervisor, born as every container's process is; that of the virtual machine's
process, which the supervisor starts; and that of the guest's init, which the machine gets in its ramdisk.
"""

from __future__ import annotations

from ringfence.drivers.guest.inner import Seat, changed
from ringfence.drivers.guest.numbers import digest_of, guest_bytes
from ringfence.drivers.guest.share import FOLDER, point_steps, shares_of, shown_in, tree_steps
from ringfence.drivers.linux.birth import birth_steps, open_groups
from ringfence.drivers.linux.context import Slots, section, unprivileged
from ringfence.drivers.linux.rootfs import early_hook_steps
from ringfence.drivers.microvm.guest import compile_guest, compile_inner_exec
from ringfence.drivers.microvm.machine import MOST_NICS, P9, VIRTIOFS, compile_daemon, compile_machine, handed_on
from ringfence.drivers.microvm.sizes import SANDBOX, kind_of
from ringfence.drivers.microvm.unprivileged import own_user
from ringfence.errors import RingfenceError
from ringfence.plan import birth, guest, inside, mounts
from ringfence.plan.plan import Plan
from ringfence.spec.names import CAPABILITIES
from ringfence.spec.options import MS_REC, MS_SLAVE
from ringfence.spec.types import Box, Namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.linux.context import Context
    from ringfence.drivers.microvm.machine import Machine
    from ringfence.host.facts import Host
    from ringfence.network.netconf import Dns
    from ringfence.plan.step import HostStep, InitStep
    from ringfence.spec.types import Config, Process

SUPERVISORS = ("CAP_KILL", "CAP_NET_ADMIN")
SANDBOXES = ("CAP_SYS_ADMIN", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE")
PATIENCE = 60_000
"""Milliseconds until the container must be ready: an emulated machine on a busy host is slow."""


def compile_create(
    config: Config,
    host: Host,
    context: Context,
    host_steps: tuple[HostStep, ...],
    machine: Machine,
    state: str,
    *,
    logged: bool = False,
    dns: tuple[str, Dns] | None = None,
) -> Plan:
    """The plan of create and run; ``state`` is the container's folder. ``logged``: what QEMU says goes to files.

    ``dns`` is as in compile_guest.

    Raises:
        RingfenceError: the configuration asks for something that this wall cannot give.
    """
    process = config.process
    assert process is not None
    refuse_descriptors(context.preserve_fds)
    slots = Slots()
    tree = f"{state}/{FOLDER}"
    image = machine.image if machine.image and machine.image.is_root else None
    steps, births = host_side(config, host, context, slots, tree, has_image=image is not None)
    hardware, daemon = compile_machine(machine, state, tree), compile_daemon(machine, tree)
    inner = compile_guest(config, host, context.container_id, context.filter, image, files_of(machine), dns)
    listener, oom, served = slots("listener"), slots("oom"), slots("served") if daemon else 0
    said = (slots("output"), slots("errors")) if logged else (0, 0)
    handed = [slots(name) for name in handed_on(machine)]
    variants = tuple(compile_machine(machine, state, tree, nics).encode() for nics in range(MOST_NICS + 1))
    machines = (variants, daemon.encode() if daemon else b"", served, listener, oom, *said, handed[0])
    kernel = (machine.kernel, machine.modules, machine.initrd, machine.image.path if machine.image else "")
    shown, kept = shown_in(config), kept_capabilities(config)
    # A state is restored into the devices that it was saved with, however its container is called to life then.
    spare = context.fifo or not machine.shares
    rest = (*kernel, shown, kept, machine.state, spare)
    supervise = guest.Supervise("", *machines, b"", process.terminal, PATIENCE, machine.greeting, *rest)
    nested = (("machine", hardware), *((("files", daemon),) if daemon else ()), ("guest", inner))
    plan = Plan(host_steps, births, (*steps, supervise), tuple(slots.names), 0, nested)
    return with_digest(plan, supervise)


def files_of(machine: Machine) -> str:
    """The way by which the guest gets the host's files, "" when it needs none."""
    if not machine.shares:
        return ""
    return VIRTIOFS if machine.virtiofsd else P9


def kept_capabilities(config: Config) -> int:
    """What a supervisor needs to the end: to end processes of other users, and to lend sockets of its network.

    That of a sandbox also shows files of containers to whoever serves the machine's (MVM-SUPERVISOR-07).
    """
    names = (*SUPERVISORS, *(SANDBOXES if kind_of(config.annotations) == SANDBOX else ()))
    return sum(1 << CAPABILITIES.index(name) for name in names)


def refuse_descriptors(count: int) -> None:
    """Only bytes cross into a guest (MVM-STDIO-06).

    Raises:
        RingfenceError: there are descriptors to be handed on.
    """
    if count:
        raise RingfenceError(f"--preserve-fds {count}: descriptors cannot cross into a guest")


def with_digest(plan: Plan, supervise: guest.Supervise) -> Plan:
    """The supervisor is told which plan the guest must have got; that depends on the numbers of its steps."""
    named = changed(supervise, digest=digest_of(plan))
    return changed(plan, inside=(*plan.inside[:-1], named))  # type: ignore[no-any-return]


def outer_config(config: Config, host: Host) -> Config:
    """What holds of the configuration for the supervisor: its network, and the hooks of the host."""
    kept = tuple(one for one in section(config).namespaces if one.type == "network")
    linux = changed(section(config), namespaces=(Namespace("mount"), *kept), uid_mappings=(), gid_mappings=())
    outer = changed(config, linux=linux)
    return own_user(outer, host) if unprivileged(host) else outer


def host_side(
    config: Config, host: Host, context: Context, slots: Slots, tree: str, *, has_image: bool
) -> tuple[list[InitStep], tuple[InitStep, ...]]:
    """The steps of the host's process that stands for the container, up to that, and those of its birth."""
    outer, process = outer_config(config, host), config.process
    assert process is not None
    steps = supervisor_steps(config, outer, process, context, slots, tree, has_image=has_image)
    unlimited = changed(process, rlimits=())  # those are for the guest's process alone
    return steps, birth_steps(outer, unlimited, section(outer), host, context, open_groups(context, slots))


def supervisor_steps(
    config: Config, outer: Config, process: Process, context: Context, slots: Slots, tree: str, *, has_image: bool
) -> list[InitStep]:
    """From the new process to the supervisor: its cgroup, the tree for the guest, the hooks, the terminal.

    Mount points in an image are made in the guest, above it.
    """
    steps: list[InitStep] = [inside.EnterCgroups("/linux/cgroupsPath")] if context.cgroups else []
    if section(outer).uid_mappings:
        steps += [inside.AwaitConductor("", False), inside.BecomeRoot("", False)]
    steps += [inside.NewSession(""), mounts.SetTreePropagation("", MS_SLAVE | MS_REC)]
    steps += [] if has_image else point_steps(config, context.bundle, context.rootfs)
    steps += tree_steps(shares_of(config, context.bundle, context.rootfs), tree)
    steps += early_hook_steps(outer, process, context)
    if process.terminal and context.terminal:
        steps.append(guest.TakeHostConsole("/process/terminal"))
    elif process.terminal:
        size = process.console_size or Box(0, 0)
        steps.append(guest.OpenHostConsole("/process/terminal", slots("console"), size.height, size.width))
    return steps


def compile_exec(process: Process, config: Config, host: Host, context: Context, seat: Seat) -> Plan:
    """The plan of exec: a process of the host that stands for one in the guest (MVM-EXEC-04).

    Raises:
        RingfenceError: it asks for what cannot cross into a guest.
    """
    refuse_descriptors(context.preserve_fds)
    slots = Slots()
    births = [*open_groups(context, slots), birth.Clone("", 0, False)]
    steps: list[InitStep] = [inside.EnterCgroups("/linux/cgroupsPath")] if context.cgroups else []
    steps.append(inside.NewSession(""))
    if process.terminal:
        size = process.console_size or Box(0, 0)
        steps.append(guest.OpenHostConsole("/process/terminal", slots("console"), size.height, size.width))
    inner = compile_inner_exec(process, config, host, context.container_id, context.filter, seat)
    relay = guest.RelayProcess("/process", slots("connection"), b"", process.terminal, seat.key)
    plan = Plan((), tuple(births), (*steps, relay), tuple(slots.names), 0, (("guest", inner),))
    told = changed(relay, plan=guest_bytes(plan))
    return changed(plan, inside=(*steps, told))  # type: ignore[no-any-return]
