"""From a config to the steps that make a jail and its process. Pure: nothing is looked up here."""

from __future__ import annotations

from ringfence.drivers.jail import steps
from ringfence.drivers.jail.devices import OWN_RULESET, RULES, USUAL, device_rules
from ringfence.drivers.jail.limits import cpus, rules
from ringfence.drivers.jail.names import jail_name
from ringfence.drivers.jail.parameters import DEVFS, SYSV, WHERE, jail_of, parameters
from ringfence.paths import join, normpath
from ringfence.plan.plan import Plan
from ringfence.record import Record
from ringfence.spec.rules.jail.addresses import canonical
from ringfence.spec.rules.jail.mounts import options_of, type_of
from ringfence.spec.types import Box, User

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.plan.step import HostStep
    from ringfence.spec.types import Config, Process

ROOT_ALIAS = "root"
UMASK = 0o022
GROUPS_APART = 15
"""From this release on the effective gid is not groups[0] any more."""
INFINITE = (2**63 - 1, 2**64 - 1)
ON_HOST = ("prestart", "create_runtime", "create_container")
JSON_NAMES = {
    "prestart": "prestart",
    "create_runtime": "createRuntime",
    "create_container": "createContainer",
    "start_container": "startContainer",
}


class Context(Record):
    """What a plan needs besides the config: ids, absolute paths without links, and FreeBSD's major release."""

    container_id: str
    bundle: str
    rootfs: str
    state: str
    release: int = 14


def compile_create(config: Config, context: Context) -> Plan:
    """Everything that ``create`` and ``start`` do, in their order (JAIL-CREATE-01, JAIL-START-01).

    Raises:
        RingfenceError: the jail's name would be too long.
    """
    assert config.process is not None
    process = config.process
    parts = (
        ("entry", entry_steps(process)),
        ("hooks", tuple(step for name in ON_HOST for step in hook_steps(config, name))),
        ("start", (steps.AwaitStart(""), *start_steps(config, process, context.release))),
    )
    nested = tuple((name, Plan(host=tuple(found), birth=(), inside=())) for name, found in parts if found)
    return Plan(host=host_steps(config, context), birth=(), inside=(), nested=nested)


def compile_exec(process: Process, release: int) -> Plan:
    """What a further process does."""
    found = (steps.Attach(""), *terminal_steps(process), *process_steps(process, release, "", config=None))
    return Plan(host=(), birth=(), inside=(), nested=(("entry", Plan(host=found, birth=(), inside=())),))


def host_steps(config: Config, context: Context) -> tuple[HostStep, ...]:
    """What is made on the host, before there is a process."""
    jail = jail_of(config)
    name = jail_name(context.container_id, jail.parent or "")
    words = parameters(config)
    path = f"{context.state}/{ROOT_ALIAS}" if is_readonly(config) else context.rootfs
    made: list[HostStep] = [*mount_steps(config, context), *alias_steps(config)]
    if jail.parent:
        made.append(steps.RaiseChildren(f"{WHERE}/parent", jail.parent))
    texts, fields = tuple(word for _, word in words), tuple(pointer for pointer, _ in words)
    unsaid = tuple(name for name in SYSV if getattr(jail, name) is None)
    made.append(steps.CreateJail(WHERE, name, path, texts, fields, jail.parent or "", unsaid))
    for index, interface in enumerate(jail.vnet_interfaces):
        made.append(steps.MoveInterface(f"{WHERE}/vnetInterfaces/{index}", interface))
    return (*made, *limit_steps(config, name))


def is_readonly(config: Config) -> bool:
    """Whether the root is not to be written to."""
    return config.root is not None and config.root.readonly


def mount_steps(config: Config, context: Context) -> list[HostStep]:
    """The mounts in their order, behind the rulesets they use and the alias of a read-only root (JAIL-MNT-01)."""
    made: list[HostStep] = []
    if is_readonly(config):
        made.append(steps.AliasRoot("/root/readonly", context.rootfs, f"{context.state}/{ROOT_ALIAS}"))
    for index, mount in enumerate(config.mounts):
        where = f"/mounts/{index}"
        kind, options = type_of(mount), options_of(mount)
        destination = normpath(mount.destination)
        source = source_of(mount.source, kind, context.bundle)
        if kind == "devfs":
            number = options.ruleset if options.ruleset > 0 else OWN_RULESET
            own = RULES if number in (OWN_RULESET, USUAL) else ()
            made.append(steps.UseRuleset(where, number, own, fallback=number == USUAL))
        else:
            number = 0
        made.append(
            steps.MountFilesystem(where, kind, source, destination, options.words, number, copies=options.copies)
        )
        made += [steps.ApplyRule(f"{where}/options", destination, rule) for rule in options.rules]
        if kind == "devfs" and destination == "/dev":
            made += device_rules(config, destination)
    if made:
        made.append(steps.CheckMounts(""))
    allowed = jail_of(config).allow
    if allowed and DEVFS in allowed.mount:
        made.append(steps.UseRuleset(f"{WHERE}/allow/mount", OWN_RULESET, RULES))
    return made


def source_of(source: str | None, kind: str, bundle: str) -> str:
    """What is mounted: a folder or file of the host, relative to the bundle, or a word for what has no source."""
    if kind == "nullfs":
        return normpath(join(bundle, source or ""))
    return source if source and kind not in ("devfs", "tmpfs", "fdescfs", "procfs", "linprocfs", "linsysfs") else kind


def alias_steps(config: Config) -> list[HostStep]:
    """The addresses of the jail on the host's interface."""
    jail = jail_of(config)
    if not jail.interface:
        return []
    pairs = [(4, address) for address in jail.ip4_addr] + [(6, address) for address in jail.ip6_addr]
    where = f"{WHERE}/interface"
    return [steps.AddAlias(where, jail.interface, family, canonical(address, family)) for family, address in pairs]


def limit_steps(config: Config, name: str) -> list[HostStep]:
    """Limits of the whole jail, in force before its first program is."""
    resources = config.linux.resources if config.linux else None
    where = "/linux/resources"
    made: list[HostStep] = [steps.LimitJail(where + field, name, rule) for field, rule in rules(resources)]
    if listed := cpus(resources):
        made.append(steps.PinJail(f"{where}/cpu/cpus", listed))
    return made


def entry_steps(process: Process) -> tuple[HostStep, ...]:
    """What the container's process does before it waits."""
    cwd = normpath(process.cwd)
    find = steps.FindProgram("/process/args", process.args[0], cwd)
    return steps.Attach(""), steps.MakeFolder("/process/cwd", cwd), *terminal_steps(process), find


def terminal_steps(process: Process) -> tuple[HostStep, ...]:
    """A terminal, if it is to have one."""
    if not process.terminal:
        return ()
    size = process.console_size or Box(height=0, width=0)
    return (steps.OpenTerminal("/process/terminal", size.height, size.width),)


def start_steps(config: Config, process: Process, release: int) -> tuple[HostStep, ...]:
    """What it does when it has been started."""
    return process_steps(process, release, "/process", config)


def process_steps(process: Process, release: int, where: str, config: Config | None) -> tuple[HostStep, ...]:
    """From the root of the jail to the program; ``where`` is the process' place in the document."""
    user = process.user or User()
    umask = UMASK if user.umask is None else user.umask
    become = steps.BecomeUser(
        f"{where}/user", user.uid, user.gid, user.additional_gids, umask, first_is_gid=release < GROUPS_APART
    )
    hooks = hook_steps(config, "start_container") if config else []
    execute = steps.Execute(f"{where}/args", process.args, process.env)
    enter = steps.EnterFolder(f"{where}/cwd", normpath(process.cwd))
    return enter, *resource_steps(process, where), become, *hooks, execute


def resource_steps(process: Process, where: str) -> list[HostStep]:
    """The process' own limits."""
    return [
        steps.SetLimit(f"{where}/rlimits/{index}", limit.type, finite(limit.soft), finite(limit.hard))
        for index, limit in enumerate(process.rlimits)
    ]


def finite(amount: int) -> int:
    """An amount, -1 for no limit (JAIL-PROC-06)."""
    return -1 if amount in INFINITE else amount


def hook_steps(config: Config, name: str) -> list[steps.RunHook]:
    """The hooks of one list."""
    hooks = getattr(config.hooks, name) if config.hooks else ()
    shown = JSON_NAMES[name]
    return [
        steps.RunHook(f"/hooks/{shown}/{index}", shown, index, hook.path, field=name)
        for index, hook in enumerate(hooks)
    ]
