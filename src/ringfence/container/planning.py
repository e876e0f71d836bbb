"""From a bundle to its plan: what create, run and explain have in common."""

from __future__ import annotations

import posix

from ringfence import paths
from ringfence.cgroups.compile import compile_cgroup, compile_ownership, is_rootless
from ringfence.cgroups.paths import locate
from ringfence.container.bundle import checked, locate_rootfs, read_document
from ringfence.container.choice import choose
from ringfence.container.compiled import Compiled
from ringfence.container.descriptors import check_preserved
from ringfence.container.place import make_root
from ringfence.container.record import CACHE, NOTIFY, NOTIFY_NAME, container_directory
from ringfence.container.runtime import MICROVM, XEN
from ringfence.container.sockets import check_terminal_options
from ringfence.container.unit import is_beyond_reach
from ringfence.drivers.linux.cgroupfs import owns_cgroup
from ringfence.drivers.linux.context import (
    CLONE_NEWPID,
    Context,
    Namespaces,
    Notify,
    section,
    unprivileged,
    user_outside,
)
from ringfence.drivers.linux.identity import ambient_warnings, available_capabilities
from ringfence.drivers.linux.plan import compile_create
from ringfence.errors import RingfenceError
from ringfence.host.probe import probe
from ringfence.record import Record
from ringfence.spec.validate import warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from ringfence.cgroups.paths import CgroupDir
    from ringfence.cgroups.systemd.manager import Manager
    from ringfence.container.bundle import Found, Read
    from ringfence.container.choice import Choice
    from ringfence.container.runtime import CreateOptions, Runtime
    from ringfence.drivers.xen.wanted import Wanted
    from ringfence.host.facts import Host
    from ringfence.network.netconf import Netconf
    from ringfence.plan.plan import Plan
    from ringfence.plan.step import HostStep
    from ringfence.resctrl.place import Group
    from ringfence.seccomp.filter import Filter
    from ringfence.spec.types import Config, Linux, Process

    Born = TypeVar("Born")

NOTIFY_FOLDER = "/run/notify"
GUESTS = (MICROVM, XEN)
"""The walls behind which a container is in a guest."""


class Prepared(Record):
    """A container that has been decided on and not begun.

    ``text`` is config.json as it was read, kept so that later editing has no effect (LNX-LIFE-09). ``notices`` are for
    the log when all has gone well: a failed create leaves one record (MVM-ENG-08). ``notes`` are for ``explain``.
    """

    text: str
    config: Config
    rootfs: str
    cgroups: tuple[CgroupDir, ...]
    namespaces: Namespaces
    plan: Plan
    choice: Choice
    cautions: tuple[str, ...] = ()
    filter: Filter | None = None
    unit: str = ""
    bus: tuple[str, ...] = ()
    resctrl: Group | None = None
    machine: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    pod: str = ""
    key: int = 0
    domain: dict[str, str] = {}  # noqa: RUF012 - records are values, their defaults are never changed
    files: tuple[tuple[str, str], ...] = ()
    wanted: Wanted | None = None
    netconf: Netconf | None = None

    @property
    def process(self) -> Process:
        """The process; the loader has made sure there is one."""
        assert self.config.process is not None
        return self.config.process


def listen_fds(runtime: Runtime, own_pid: int) -> int:
    """How many descriptors socket activation passes to this very process (sd_listen_fds(3), LNX-FILE-06)."""
    environment = runtime.environment
    if environment.get("LISTEN_PID") != str(own_pid):
        return 0
    count = environment.get("LISTEN_FDS", "")
    return int(count) if count.isdigit() else 0


def filter_of(config: Config, host: Host, runtime: Runtime | None) -> Filter | None:
    """The compiled system call filter, from the cache if it has been compiled before."""
    seccomp = section(config).seccomp
    if seccomp is None:
        return None
    from ringfence.seccomp.filter import compile_filter

    return compile_filter(seccomp, host.machine, cache_of(runtime) if runtime else None)


def cache_of(runtime: Runtime) -> str | None:
    """The folder of compiled filters, below a state root that has its mode already; None where there can be none."""
    try:
        make_root(runtime)
    except OSError:
        return None
    return f"{runtime.root}/{CACHE}"


def usable_cgroups(
    runtime: Runtime, host: Host, linux: Linux, container_id: str, below_caller: bool
) -> tuple[CgroupDir, ...]:
    """The container's cgroups; a rootless caller who asked for no path goes without those it may not make.

    A limit that needs one of them then fails by itself (LNX-RLESS-04, LNX-RLESS-05).
    """
    located = locate(host, linux.cgroups_path, container_id, below_caller=below_caller)
    lenient = runtime.rootless == "true" or (runtime.rootless == "auto" and is_rootless(host))
    if linux.cgroups_path or not lenient:
        return located
    return tuple(group for group in located if posix.access(paths.dirname(group.path), posix.W_OK))


def systemd_version(runtime: Runtime, host: Host) -> int:
    """The version of the systemd that is going to be asked; 0 without ``--systemd-cgroup``.

    Raises:
        RingfenceError: it cannot be reached.
    """
    if not runtime.systemd_cgroup:
        return 0
    from ringfence.cgroups.systemd.facts import addresses
    from ringfence.cgroups.systemd.perform import manager_version

    return manager_version(addresses(host.uid != 0 or host.user_namespace, runtime.environment))


def manager_of(runtime: Runtime, host: Host, linux: Linux, container_id: str, version: int) -> Manager | None:
    """The manager of ``--systemd-cgroup``, None without it."""
    if not runtime.systemd_cgroup:
        return None
    from ringfence.cgroups.systemd.manager import manager_for  # only with --systemd-cgroup

    return manager_for(host, runtime.environment, linux.cgroups_path, container_id, version)


def unkillable(cgroups: tuple[CgroupDir, ...], linux: Linux) -> tuple[str, ...]:
    """What to say when nothing holds the container's processes together (LNX-LIFE-28)."""
    if cgroups or Namespaces(linux).new & CLONE_NEWPID:
        return ()
    words = "a container without a cgroup and without a pid namespace of its own cannot be killed whole"
    return (f"{words}. Such configuration is strongly discouraged",)


def resctrl_of(linux: Linux, container_id: str) -> tuple[Group | None, tuple[HostStep, ...]]:
    """The container's resctrl groups and the steps that make them; none of either without ``intelRdt`` (LNX-RDT-01)."""
    if linux.intel_rdt is None:
        return None, ()
    from ringfence.resctrl.files import facts_of
    from ringfence.resctrl.group import compile_group, group_name

    return compile_group(linux.intel_rdt, container_id, facts_of(group_name(linux.intel_rdt, container_id)))


class Chosen(Record):
    """A configuration that has been read and not yet checked, and the wall it gets."""

    read: Read
    choice: Choice


def choose_wall(runtime: Runtime, options: CreateOptions) -> Chosen:
    """Read the configuration and choose the wall, whose rules it is checked by afterwards.

    Raises:
        RingfenceError: there is no configuration, or the wall cannot be had.
    """
    read = read_document(options.source, runtime.vm_folders)
    return Chosen(read, choose(runtime, read.document))


def decide(
    runtime: Runtime,
    container_id: str,
    options: CreateOptions,
    *,
    detached: bool,
    fifo: bool,
    chosen: Chosen | None = None,
) -> Prepared:
    """Decide everything for a container that is to be made here and now, and say what to be cautious of.

    Raises:
        RingfenceError: the configuration is wrong, contradicts the options, or asks for what this host cannot give.
    """
    chosen = chosen or choose_wall(runtime, options)
    choice, found = chosen.choice, checked(chosen.read)
    host = probe()
    prepared = prepare(
        runtime,
        container_id,
        options,
        host,
        found,
        choice,
        fifo=fifo,
        own_pid=posix.getpid(),
        notify=notify_of(runtime, container_id, choice.driver, supervised=options.supervised),
        cached=True,
        systemd=systemd_version(runtime, host),
    )
    check_terminal_options(prepared.process.terminal, detached, options.console_socket, given=options.terminal >= 0)
    if options.terminal >= 0 and prepared.process.terminal and choice.driver != MICROVM:
        raise RingfenceError("only a machine takes a given terminal", hint="use --console-socket")
    if choice.driver == XEN:
        from ringfence.container.domain import tools_of
        from ringfence.container.toolstack import check_available

        check_available(tools_of(choice.settings.xen))
    elif prepared.machine:
        from ringfence.container.hypervisor import check_hypervisor

        check_hypervisor(prepared.machine[0], cache_of(runtime))
    if options.state:
        from ringfence.container.machine_state import check_state

        check_state(paths.dirname(options.state), prepared)
    for caution in prepared.cautions:
        runtime.log.warning(caution)
    if prepared.filter:
        runtime.log.debug(f"seccomp filter flags: {prepared.filter.flags}")
    return prepared


def again_without_kvm(runtime: Runtime, decided: Callable[[], Prepared], bear: Callable[[Prepared], Born]) -> Born:
    """Make a container; once more when its machine's KVM has turned out not to work (MVM-QEMU-06).

    Raises:
        RingfenceError: it could not be made.
    """
    prepared = decided()
    try:
        return bear(prepared)
    except RingfenceError as error:
        if not prepared.machine or prepared.domain:
            raise
        from ringfence.container.accelerator import falls_back

        if not falls_back(prepared, cache_of(runtime), error):
            raise
        runtime.log.warning(f"{error.attempted}; the machine is emulated instead, as all will be until the next boot")
    return bear(decided())


def is_notified(runtime: Runtime, driver: str) -> bool:
    """Whether somebody waits to be told that the program is ready, and can be."""
    return driver not in GUESTS and bool(runtime.environment.get("NOTIFY_SOCKET"))


def lost_on_the_way(runtime: Runtime, driver: str, own_pid: int) -> tuple[str, ...]:
    """What the caller handed on and a guest cannot be given (MVM-STDIO-06)."""
    lost = ["LISTEN_FDS"] if listen_fds(runtime, own_pid) else []
    lost += ["NOTIFY_SOCKET"] if runtime.environment.get("NOTIFY_SOCKET") else []
    if not lost or driver not in GUESTS:
        return ()
    return (f"{' and '.join(lost)} cannot cross into a guest and are ignored",)


def notify_of(runtime: Runtime, container_id: str, driver: str, *, supervised: bool) -> Notify | None:
    """Where the program says that it is ready (LNX-FILE-08).

    It is a place of ours, or for a supervised run the caller's own path (OLD-SYSTEMD-07); a socket in the abstract
    namespace has none.
    """
    if not is_notified(runtime, driver):
        return None
    caller = runtime.environment["NOTIFY_SOCKET"]
    folder = f"{container_directory(runtime, container_id)}/{NOTIFY}"
    if supervised and caller.startswith("/"):
        return Notify(f"{folder}/{NOTIFY_NAME}", caller, caller)
    return Notify(folder, NOTIFY_FOLDER, f"{NOTIFY_FOLDER}/{NOTIFY_NAME}")


def compile_limits(
    runtime: Runtime, driver: str, host: Host, config: Config, cgroups: tuple[CgroupDir, ...], options: CreateOptions
) -> tuple[HostStep, ...]:
    """The steps of cgroups that ringfence makes itself."""
    linux = section(config)
    resources = linux.resources
    if driver == XEN:
        return ()
    if driver == MICROVM:
        from ringfence.drivers.microvm.limits import host_resources

        resources = host_resources(resources)
    demanded = linux.cgroups_path is not None or runtime.rootless == "false"
    supervised = options.supervised and not linux.cgroups_path
    return compile_cgroup(host, cgroups, resources, demanded=demanded, below_caller=supervised)


def ownership(host: Host, config: Config, cgroups: tuple[CgroupDir, ...]) -> tuple[HostStep, ...]:
    """The cgroup is given to the container's user where it is to be its own (LNX-CG-08)."""
    if not owns_cgroup(config) or config.process is None:
        return ()
    return compile_ownership(host, cgroups, user_outside(config.process, section(config), Namespaces(config.linux).own))


def checked_section(config: Config) -> Linux:
    """The linux section, whose maps agree with those of the user namespace it joins."""
    linux = section(config)
    if linux.uid_mappings or linux.gid_mappings:
        from ringfence.container.joined_maps import check_joined_maps  # only with a user namespace

        check_joined_maps(linux)
    return linux


def config_for(config: Config, driver: str, host: Host) -> tuple[Config, tuple[str, ...]]:
    """The configuration as the wall can give it to this caller, and what to say of the rest (MVM-CCOR-21)."""
    if driver != MICROVM or not unprivileged(host):
        return config, ()
    from ringfence.drivers.microvm.unprivileged import lessened

    return lessened(config)


def config_cautions(config: Config, host: Host) -> tuple[str, ...]:
    """What in the configuration will not have its effect."""
    assert config.process is not None
    available = available_capabilities(section(config), host)
    return (*warnings(config, available), *ambient_warnings(config.process))


def compile_plan(
    runtime: Runtime,
    choice: Choice,
    config: Config,
    host: Host,
    context: Context,
    steps: tuple[HostStep, ...],
    *,
    cached: bool,
    begun: str,
) -> Compiled:
    """The plan of the wall that has been chosen, and what is known of its machine."""
    if choice.driver == XEN:
        from ringfence.container.domain_plan import compile_domain

        return compile_domain(runtime, choice, config, host, context)
    if choice.driver != MICROVM:
        return Compiled(compile_create(config, host, context, steps))
    from ringfence.container.machine_plan import compile_machine

    return compile_machine(runtime, choice, config, host, context, steps, cache_of(runtime) if cached else None, begun)


def unit_and_bus(manager: Manager | None) -> tuple[str, tuple[str, ...]]:
    """The unit of ``--systemd-cgroup`` and where its manager is reached; nothing of either without it."""
    return (manager.unit.name, manager.systemd.bus) if manager else ("", ())


def limit_steps(
    runtime: Runtime,
    driver: str,
    host: Host,
    config: Config,
    cgroups: tuple[CgroupDir, ...],
    options: CreateOptions,
    manager: Manager | None,
) -> tuple[HostStep, ...]:
    """The steps that make the cgroups, by systemd or by ringfence itself, limit them, and give them to their owner."""
    if manager:
        limits = manager.compile(host, section(config).resources, config.annotations)
    else:
        limits = compile_limits(runtime, driver, host, config, cgroups, options)
    return limits + ownership(host, config, cgroups)


def prepare(
    runtime: Runtime,
    container_id: str,
    options: CreateOptions,
    host: Host,
    found: Found,
    choice: Choice,
    *,
    fifo: bool,
    own_pid: int = 0,
    notify: Notify | None = None,
    cached: bool = False,
    systemd: int = 0,
) -> Prepared:
    """Decide everything for a configuration and a wall, changing nothing but the filter cache.

    ``systemd`` is the version of the manager of ``--systemd-cgroup``, 0 when it has not been asked.

    Raises:
        RingfenceError: the configuration is wrong, or asks for what this host cannot give.
    """
    is_domain = choice.driver == XEN
    listening = listen_fds(runtime, own_pid) if choice.driver not in GUESTS else 0
    check_preserved(3 + listening, options.preserve_fds)
    config, less = config_for(found.config, choice.driver, host)
    rootfs = locate_rootfs(options.bundle, config)
    linux = checked_section(config)
    manager = None if is_domain else manager_of(runtime, host, linux, container_id, systemd)
    if is_domain:
        cgroups: tuple[CgroupDir, ...] = ()
    else:
        cgroups = manager.dirs if manager else usable_cgroups(runtime, host, linux, container_id, options.supervised)
    resctrl, resctrl_steps = (None, ()) if is_domain else resctrl_of(linux, container_id)
    context = Context(
        container_id,
        options.bundle,
        rootfs,
        cgroups,
        runtime.environment,
        filter=filter_of(config, host, runtime if cached else None),
        fifo=fifo,
        listen_fds=listening,
        preserve_fds=options.preserve_fds,
        no_pivot=options.no_pivot,
        no_new_keyring=options.no_new_keyring,
        notify=notify,
        resctrl=resctrl.paths if resctrl else (),
        unit=manager.unit.name if manager and is_beyond_reach(host, cgroups) else "",
        terminal=options.terminal >= 0,
    )
    assert config.process is not None
    limits = limit_steps(runtime, choice.driver, host, config, cgroups, options, manager)
    steps = limits + resctrl_steps
    compiled = compile_plan(runtime, choice, config, host, context, steps, cached=cached, begun=options.state)
    cautious = () if is_domain else manager.cautions(linux.resources) if manager else unkillable(cgroups, linux)
    lost = (*less, *lost_on_the_way(runtime, choice.driver, own_pid))
    cautions = (*found.warnings, *cautious, *config_cautions(config, host), *lost)
    settled = (found.text, config, rootfs, cgroups, Namespaces(linux), compiled.plan, choice, cautions, context.filter)
    told = {name: value for name, value in compiled.items() if name != "plan"}
    return Prepared(*settled, *unit_and_bus(manager), resctrl, **told)
