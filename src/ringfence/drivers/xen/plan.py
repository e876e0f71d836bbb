"""compile: from a configuration to the domain that holds it. Pure.

Four parts come of it: what is done in dom0 before there is a domain and to make it; the plan of the process that runs
``xl create`` in a mount namespace of its own, where the shares are put together, and which the server of these
inherits; that of the watcher; and that of the guest's init, which the domain gets in its ramdisk.
"""

from __future__ import annotations

from ringfence.drivers.guest.inner import changed
from ringfence.drivers.guest.kernel import quoted
from ringfence.drivers.guest.numbers import digest_of
from ringfence.drivers.guest.ramdisk import FIRST_PROCESS
from ringfence.drivers.guest.share import FOLDER, Share, shares_of, tree_steps
from ringfence.drivers.linux.birth import birth_steps
from ringfence.drivers.linux.context import CLONE_NEWNS, Slots, section
from ringfence.drivers.linux.identity import search_path
from ringfence.drivers.linux.mount import is_bind
from ringfence.drivers.linux.rootfs import early_hook_steps
from ringfence.drivers.xen import cfg, steps
from ringfence.drivers.xen.guest import CONTENT, DISK, compile_guest, tag_of
from ringfence.drivers.xen.hardware import iomems_of
from ringfence.drivers.xen.refusals import refuse
from ringfence.drivers.xen.wanted import IMAGE, PACKED, ROOT_TAG, SHARE
from ringfence.errors import RingfenceError
from ringfence.plan import birth, guest, inside, mounts
from ringfence.plan.domain import WatchDomain
from ringfence.plan.plan import Plan
from ringfence.spec.options import MOUNT_ATTR_NODEV, MOUNT_ATTR_NOSUID, MS_REC, MS_SLAVE
from ringfence.spec.types import Box, Hardware

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.linux.context import Context
    from ringfence.drivers.xen.wanted import Tools, Wanted
    from ringfence.host.facts import Host
    from ringfence.plan.step import HostStep, InitStep
    from ringfence.spec.types import Config

CONFIG, RAMDISK = "xl.cfg", "ramdisk"
TOOLSTACK = "xl"
"""The phase of the steps around ``xl create``."""
IMAGE_NAME = "image"
LONGEST = 2047
LONGEST_LINE = {cfg.PV: 1023, cfg.PVH: LONGEST}
"""Bytes of a kernel's command line: MAX_GUEST_CMDLINE of a domain's start page; COMMAND_LINE_SIZE of Linux."""
ENVIRONMENT = ("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C")
ENDING = 10_000
"""Milliseconds that a domain has to end when its container has."""
NOT_STARTED = 127


def kernel_line(wanted: Wanted) -> str:
    """The guest kernel's command line; the word "domain" is the init's: the kernel hands on what it does not know.

    Raises:
        RingfenceError: it is too long.
    """
    words = ["console=hvc0", f"rdinit=/{FIRST_PROCESS}", "quiet", "domain", *map(quoted, wanted.parameters)]
    line = " ".join(words)
    longest = LONGEST_LINE.get(wanted.type, LONGEST)
    if len(line.encode("utf-8", "surrogateescape")) > longest:
        text = f"the kernel's command line is longer than the {longest} bytes that such a domain can have"
        raise RingfenceError(text, field="/vm/kernel/parameters")
    return line


def shared_places(config: Config, context: Context, wanted: Wanted) -> list[Share]:
    """Every place of dom0 that is put below the container's folder, by the name of its share."""
    sources = shares_of(config, context.bundle, context.rootfs)
    found = [changed(sources[0], target=f"/{ROOT_TAG}")] if wanted.root == SHARE else []
    binds = [index for index, mount in enumerate(config.mounts) if is_bind(mount)]
    for index, share in zip(binds, sources[1:], strict=True):
        name = f"/{tag_of(index)}{f'/{CONTENT}' if index in wanted.files else ''}"
        found.append(changed(share, target=name))
    if wanted.image:
        found.append(Share("/vm/image/path", wanted.image, f"/{IMAGE_NAME}", False, wanted.image_readonly))
    return found


def served(config: Config, wanted: Wanted, tree: str) -> tuple[cfg.Share, ...]:
    """The shares that the domain is given."""
    tags = [ROOT_TAG] if wanted.root == SHARE else []
    tags += [tag_of(index) for index, mount in enumerate(config.mounts) if is_bind(mount)]
    named = {ROOT_TAG: wanted.tag}
    return tuple(cfg.Share(named.get(tag, tag), f"{tree}/{tag}") for tag in tags)


def domain_of(config: Config, wanted: Wanted, state: str) -> cfg.Domain:
    """The domain as its file tells it.

    Raises:
        RingfenceError: the kernel's command line is too long.
    """
    sizes, tree = wanted.sizes, f"{state}/{FOLDER}"
    hardware = (config.vm and config.vm.hw_config) or Hardware()
    disks = (cfg.Disk(DISK, f"{tree}/{IMAGE_NAME}", wanted.image_readonly),) if wanted.image else ()
    return cfg.Domain(
        wanted.name,
        wanted.uuid,
        wanted.type,
        wanted.kernel,
        f"{state}/{RAMDISK}",
        kernel_line(wanted),
        sizes.memory,
        sizes.memory,
        sizes.vcpus,
        sizes.vcpus,
        sizes.cpus,
        sizes.weight,
        sizes.cap,
        hardware.device_tree or "",
        hardware.dtdevs,
        iomems_of(hardware),
        hardware.irqs,
        served(config, wanted, tree),
        disks,
        wanted.nics,
        wanted.pvcalls,
        wanted.more,
    )


def toolstack_plan(shares: list[Share], tools: Tools, state: str) -> Plan:
    """``xl create`` in a mount namespace of its own: what it leaves running sees the shares, dom0 never does."""
    tree = tree_steps(shares, f"{state}/{FOLDER}", MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID) if shares else []
    words = create_words(tools, state)
    return Plan(
        (),
        (birth.Clone("", CLONE_NEWNS, False),),
        (
            inside.NewSession(""),
            mounts.SetTreePropagation("", MS_SLAVE | MS_REC),
            *tree,
            inside.FindExecutable("", tools.xl, ""),
            inside.Exec("", words, ENVIRONMENT, NOT_STARTED),
        ),
        ("plan", "status"),
    )


def create_words(tools: Tools, state: str) -> tuple[str, ...]:
    """The command that makes the domain: quiet, nobody acts on its end, it stands still."""
    return (tools.xl, "create", "-q", "-e", "-p", f"{state}/{CONFIG}")


def list_words(tools: Tools, domain: str = steps.DOMID) -> tuple[str, ...]:
    """The command that tells how a domain is; all of them for ""."""
    return (tools.xl, "list", "-v", *([domain] if domain else []))


def checks_of(config: Config, context: Context, wanted: Wanted) -> list[HostStep]:
    """What is looked at before xl is called: some of it xl says nothing of (XEN-CREATE-05, XEN-ERR-08)."""
    kernel, ramdisk = wanted.origins
    copies = [
        steps.CopyFromImage(field, context.rootfs, source, target)
        for field, (source, target) in zip((one for one in wanted.origins if "/env/" in one), wanted.copies)
    ]
    places, kinds = [(kernel, wanted.kernel)], "f"
    if wanted.initrd:
        places.append((ramdisk, wanted.initrd))
        kinds += "f"
    for share in shared_places(config, context, wanted):
        places.append((share.pointer, share.source))
        kinds += "b" if share.target == f"/{IMAGE_NAME}" else "d" if share.target == f"/{ROOT_TAG}" else "e"
    found: list[HostStep] = [*copies, steps.CheckPlaces("", tuple(places), kinds)]
    found += [] if wanted.root == IMAGE else [program_step(config, context)]
    return found + [steps.CheckBridge("/process/env", nic.bridge, wanted.bridge_file) for nic in wanted.nics]


def program_step(config: Config, context: Context) -> steps.FindProgram:
    """The look for the program that the guest is going to execute."""
    process = config.process
    assert process is not None
    places = tuple(mount.destination for mount in config.mounts)
    return steps.FindProgram(
        "/process/args/0", context.rootfs, process.args[0], search_path(process), process.cwd, places
    )


def making_steps(config: Config, context: Context, wanted: Wanted, state: str) -> tuple[HostStep, ...]:
    """Everything that dom0 does until the domain is there and stands still.

    Raises:
        RingfenceError: a value has no form in the domain's file.
    """
    tools = wanted.tools
    packed = context.rootfs if wanted.root == PACKED else ""
    found = checks_of(config, context, wanted)
    if wanted.reservation:
        found.append(steps.ReserveAddress("/process/env", wanted.reservation))
    text = cfg.render(domain_of(config, wanted, state))
    found += [
        steps.WriteConfig("", f"{state}/{CONFIG}", text),
        steps.WriteRamdisk("", f"{state}/{RAMDISK}", wanted.initrd, wanted.modules, packed),
        steps.RunCommand("", create_words(tools, state), TOOLSTACK),
        steps.ConfirmDomain("", list_words(tools, wanted.name), wanted.uuid),
        steps.OpenConsole("", (tools.xenstore_read, f"/local/domain/{steps.DOMID}/console/tty")),
    ]
    return tuple(found)


def watcher_steps(config: Config, context: Context, wanted: Wanted, slots: Slots, digest: bytes) -> list[InitStep]:
    """From the new process to the watcher: the hooks of the runtime, the terminal."""
    process = config.process
    assert process is not None
    found: list[InitStep] = [inside.NewSession(""), *early_hook_steps(config, process, context)]
    if process.terminal:
        size = process.console_size or Box(0, 0)
        found.append(guest.OpenHostConsole("/process/terminal", slots("console"), size.height, size.width))
    tools = wanted.tools
    found.append(
        WatchDomain(
            "",
            slots("domain"),
            slots("listener"),
            slots("oom"),
            slots("said"),
            digest,
            process.terminal,
            wanted.patience * 1000,
            ENDING,
            list_words(tools),
            (tools.xl, "destroy", steps.DOMID),
            wanted.uuid,
        )
    )
    return found


def compile_create(config: Config, host: Host, context: Context, wanted: Wanted, state: str) -> Plan:
    """The plan of create and run; ``state`` is the container's folder.

    Raises:
        RingfenceError: the configuration asks for something that this wall cannot give.
    """
    process = config.process
    assert process is not None
    refuse(config)
    if context.preserve_fds:
        raise RingfenceError(f"--preserve-fds {context.preserve_fds}: descriptors cannot cross into a guest")
    slots = Slots()
    # The watcher is what engines' hooks give a network to: dom0's own must never be that of a container.
    kept = tuple(one for one in section(config).namespaces if one.type == "network")
    outer = changed(config, linux=changed(section(config), namespaces=kept, uid_mappings=(), gid_mappings=()))
    unlimited = changed(process, rlimits=(), oom_score_adj=None)
    births = birth_steps(outer, unlimited, section(outer), host, context, [])
    inner = compile_guest(config, host, context.container_id, context.filter, wanted)
    toolstack = toolstack_plan(shared_places(config, context, wanted), wanted.tools, state)
    nested = ((TOOLSTACK, toolstack), ("guest", inner))
    making = making_steps(config, context, wanted, state)
    unnamed = watcher_steps(outer, context, wanted, slots, b"")
    plan = Plan(making, births, tuple(unnamed), tuple(slots.names), 0, nested)
    named = changed(unnamed[-1], digest=digest_of(plan))
    return changed(plan, inside=(*unnamed[:-1], named))  # type: ignore[no-any-return]
