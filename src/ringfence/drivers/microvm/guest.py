"""The guest's side of a container: the same plan as on a host, for a machine that holds this container only. Pure."""

from __future__ import annotations

from ringfence.cgroups.paths import CgroupDir
from ringfence.cgroups.steps import LimitDevicesV2, WriteCgroupFile, WriteFirstPresent, WriteTogether
from ringfence.cgroups.v2 import compile_v2
from ringfence.drivers.linux.context import Context, Namespaces, section
from ringfence.drivers.linux.mount import is_bind
from ringfence.drivers.linux.plan import ExecContext, compile_create, compile_exec
from ringfence.drivers.microvm.image import ROOT as IMAGE_ROOT
from ringfence.drivers.microvm.image import Image, image_steps
from ringfence.drivers.microvm.share import INSIDE, ROOT
from ringfence.errors import RingfenceError
from ringfence.host.facts import V2, Hierarchy, Host
from ringfence.plan import birth, guest, inside
from ringfence.plan.frames import SLOTS
from ringfence.plan.plan import Plan
from ringfence.record import Record
from ringfence.spec.options import MS_NODEV
from ringfence.spec.types import Hooks, Namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.plan.step import HostStep, InitStep
    from ringfence.seccomp.filter import Filter
    from ringfence.spec.types import Config, Linux, Mount, Process, Resources

CGROUPS = "/sys/fs/cgroup"
CONTROLLERS = ("cpu", "cpuset", "io", "memory", "pids")
SHARE = "trans=virtio,version=9p2000.L,msize=512000,cache=mmap,access=any"
"""The cache is not "loose": the host's writes would not be seen, and a folder shared twice would be one (v9fs.rst)."""


class Seat(Record):
    """Where a container is in its guest. Key 0 has the container that the machine was started for.

    ``joined`` are the CLONE_NEW* flags of the namespaces of that container which another one shares.
    """

    key: int = 0
    joined: int = 0

    @property
    def cgroup(self) -> str:
        """Its cgroup in the guest."""
        return f"{CGROUPS}/member-{self.key}" if self.key else f"{CGROUPS}/container"

    @property
    def share(self) -> str:
        """Where the guest sees its files."""
        return f"{INSIDE}/{self.key}" if self.key else INSIDE


OWN = Seat()


def changed(value: Any, **fields: Any) -> Any:
    """A copy of a record with some fields replaced."""
    return type(value)(**{**dict(value.items()), **fields})


def guest_host(host: Host) -> Host:
    """The facts about the guest: our own kernel, of which all is known beforehand."""
    return Host(
        uid=0,
        gid=0,
        kernel=(6, 1),
        machine=host.machine,
        cgroup_mode=V2,
        hierarchies=(Hierarchy(("",), CGROUPS, "/", "/"),),
        kcore=False,
    )


def without_joined(config: Config) -> Config:
    """The configuration of one container of several, without the namespaces that it shares."""
    linux = section(config)
    kept = tuple(one for one in linux.namespaces if not one.path and one.type != "network")
    return changed(config, linux=changed(linux, namespaces=(*kept, Namespace("network"))))  # type: ignore[no-any-return]


def guest_config(config: Config, seat: Seat, root: str = "") -> Config:
    """The configuration as the guest performs it; ``root`` is that of an image.

    The guest's network is the container's. Labels are the host's and not applied; hooks run on the host, but for the
    container's own.

    Raises:
        RingfenceError: it asks for what a machine of its own cannot have (MVM-CREATE-06).
    """
    config = without_joined(config) if seat.key else config
    linux = section(config)
    refuse(linux)
    own = tuple(one for one in linux.namespaces if one.type not in ("network", "time") and not one.path)
    root = root or seat.share + ROOT
    process = changed(config.process, apparmor_profile=None, selinux_label=None)
    hooks = Hooks(start_container=config.hooks.start_container) if config.hooks else None
    mounts = tuple(shared_mount(seat.share, index, mount) for index, mount in enumerate(config.mounts))
    inner = changed(linux, namespaces=own, resources=None, mount_label=None, cgroups_path=None)
    own_root = changed(config.root, path=root)
    return changed(config, process=process, hooks=hooks, mounts=mounts, linux=inner, root=own_root)  # type: ignore[no-any-return]


def refuse(linux: Linux) -> None:
    """What is not dropped in silence.

    Raises:
        RingfenceError: the configuration asks for it.
    """
    for asked, name in (
        (linux.uid_mappings or linux.gid_mappings, "uidMappings"),
        (linux.intel_rdt, "intelRdt"),
        (linux.net_devices, "netDevices"),
        (linux.seccomp and linux.seccomp.listener_path, "seccomp/listenerPath"),
    ):
        if asked:
            raise RingfenceError(f"config.json#/linux/{name}: not behind a microVM", field=f"/linux/{name}")
    for index, namespace in enumerate(linux.namespaces):
        if namespace.path and namespace.type != "network":
            field = f"/linux/namespaces/{index}"
            raise RingfenceError(
                f"config.json#{field}: a namespace of the host cannot be joined in a guest", field=field
            )
    if not any(namespace.type == "network" for namespace in linux.namespaces):
        words = "the host's own network cannot be a guest's"
        raise RingfenceError(f"config.json#/linux/namespaces: {words}", field="/linux/namespaces")


def shared_mount(share: str, index: int, mount: Mount) -> Mount:
    """A bind mount takes its source from the tree."""
    return changed(mount, source=f"{share}/{index}") if is_bind(mount) else mount


def limit_steps(host: Host, resources: Resources | None, cgroup: str) -> list[InitStep]:
    """The limits that the guest's kernel keeps: what the container is, is one cgroup there (MVM-GUEST-10, 11)."""
    if resources is None:
        return []
    steps: list[InitStep] = []
    # The guest has no swap, so its kernel has no file for a limit of it, which holds all the same.
    memory = changed(resources.memory, swap=None, swappiness=None) if resources.memory else None
    inner = changed(resources, memory=memory, network=None, rdma={}, block_io=None, hugepage_limits=())
    for step in compile_v2(host, cgroup, inner, devices=True):
        steps += write_steps(step)
    return steps


def write_steps(step: HostStep) -> list[InitStep]:
    """A cgroup step as the guest performs it."""
    if isinstance(step, WriteCgroupFile):
        return [guest.WriteFile(step.pointer, step.path, step.value)]
    if isinstance(step, WriteTogether):
        return [guest.WriteFile(step.pointer, path, value) for path, value in step.writes]
    if isinstance(step, LimitDevicesV2):
        return [guest.AttachDevices(step.pointer, step.directory, step.program, step.shown)]
    if isinstance(step, WriteFirstPresent):
        path, value = step.choices[0]
        return [guest.WriteFile(step.pointer, path, value)]
    raise RingfenceError(f"config.json#{step.pointer}: not behind a microVM", field=step.pointer)


FILES = {"virtiofs": "", "9p": SHARE}
"""Ways to get files from the host, and their options."""


def first_steps(host: Host, resources: Resources | None, files: str) -> list[InitStep]:
    """What makes the guest a machine for the container: its files, its cgroup, its loopback interface."""
    enabled = " ".join(f"+{name}" for name in CONTROLLERS)
    return [
        *([guest.MountAt("/root/path", files, "root", INSIDE, MS_NODEV, FILES[files])] if files else []),
        guest.WriteFile("", f"{CGROUPS}/cgroup.subtree_control", enabled),
        *cgroup_steps(host, resources, OWN.cgroup),
        inside.LoopbackUp("/linux/namespaces"),
    ]


def cgroup_steps(host: Host, resources: Resources | None, cgroup: str) -> list[InitStep]:
    """The container's cgroup with its limits."""
    return [guest.MakeFolder("/linux/cgroupsPath", cgroup), *limit_steps(host, resources, cgroup)]


def guest_context(container_id: str, compiled: Filter | None, seat: Seat, root: str = "") -> Context:
    """What the plan depends on beside the configuration, inside."""
    cgroups = (CgroupDir(("",), seat.cgroup),)
    place = root or seat.share + ROOT
    return Context(container_id, seat.share, place, cgroups, {}, filter=compiled, gate=True, slots=SLOTS)


def compile_guest(
    config: Config, host: Host, container_id: str, compiled: Filter | None, image: Image | None, files: str
) -> Plan:
    """The plan that the guest's init performs; ``image`` is one that is the container's root.

    ``files`` is the way by which the guest gets those of the host, "" when it needs none.

    Raises:
        RingfenceError: the configuration asks for what a guest cannot give.
    """
    facts = guest_host(host)
    root = IMAGE_ROOT if image else ""
    plan = compile_create(guest_config(config, OWN, root), facts, guest_context(container_id, compiled, OWN, root), ())
    resources = section(config).resources
    readonly = bool(config.root and config.root.readonly)
    first = [
        *first_steps(facts, resources, files),
        *(image_steps(image, readonly=readonly) if image else []),
    ]
    return Plan((), (*first, *plan.birth), plan.inside, plan.slots)


def compile_member(config: Config, host: Host, container_id: str, compiled: Filter | None, seat: Seat) -> Plan:
    """The plan of a further container in a guest that has its files and network already; its limits are its own.

    Raises:
        RingfenceError: the configuration asks for what a guest cannot give.
    """
    facts = guest_host(host)
    plan = compile_create(guest_config(config, seat), facts, guest_context(container_id, compiled, seat), ())
    births = list(plan.birth)
    if seat.joined:
        at = next(index for index, step in enumerate(births) if isinstance(step, birth.Clone))
        births.insert(at, birth.JoinProcess("/linux/namespaces", SLOTS.index("pidfd"), seat.joined))
    first = cgroup_steps(facts, section(config).resources, seat.cgroup)
    return Plan((), (*first, *births), plan.inside, plan.slots)


def compile_inner_exec(
    process: Process, config: Config, host: Host, container_id: str, compiled: Filter | None, seat: Seat
) -> Plan:
    """The plan of one more process, performed by the guest's init."""
    inner = guest_config(config, seat)
    linux = section(inner)
    context = guest_context(container_id, compiled, seat)
    namespaces = Namespaces(linux).own | seat.joined
    entered = ExecContext(**{**dict(context.items()), "gate": False, "namespaces": namespaces})
    return compile_exec(process, linux, guest_host(host), entered)
