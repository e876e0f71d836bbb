"""The guest's side of a container: the same plan as on a host, for a machine that holds this container only. Pure.

``wall`` is what the refusals call the machine: ``a microVM``.
"""

from __future__ import annotations

from ringfence.cgroups.paths import CgroupDir
from ringfence.cgroups.steps import LimitDevicesV2, WriteCgroupFile, WriteFirstPresent, WriteTogether
from ringfence.cgroups.v2 import compile_v2
from ringfence.drivers.guest.share import INSIDE, ROOT
from ringfence.drivers.linux.context import Context, section
from ringfence.drivers.linux.mount import is_bind
from ringfence.errors import RingfenceError
from ringfence.host.facts import V2, Hierarchy, Host
from ringfence.plan import guest, inside
from ringfence.plan.frames import SLOTS
from ringfence.record import Record
from ringfence.spec.types import Hooks, Namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.plan.step import HostStep, InitStep
    from ringfence.seccomp.filter import Filter
    from ringfence.spec.types import Config, Linux, Mount, Resources

CGROUPS = "/sys/fs/cgroup"
CONTROLLERS = ("cpu", "cpuset", "io", "memory", "pids")


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


def guest_config(config: Config, seat: Seat, root: str = "", *, wall: str) -> Config:
    """The configuration as the guest performs it; ``root`` is that of an image.

    The guest's network is the container's. Labels are the host's and not applied; hooks run on the host, but for the
    container's own.

    Raises:
        RingfenceError: it asks for what a machine of its own cannot have (MVM-CREATE-06).
    """
    config = without_joined(config) if seat.key else config
    linux = section(config)
    refuse(linux, wall)
    own = tuple(one for one in linux.namespaces if one.type not in ("network", "time") and not one.path)
    root = root or seat.share + ROOT
    process = changed(config.process, apparmor_profile=None, selinux_label=None)
    hooks = Hooks(start_container=config.hooks.start_container) if config.hooks else None
    mounts = tuple(shared_mount(seat.share, index, mount) for index, mount in enumerate(config.mounts))
    inner = changed(linux, namespaces=own, resources=None, mount_label=None, cgroups_path=None)
    own_root = changed(config.root, path=root)
    return changed(config, process=process, hooks=hooks, mounts=mounts, linux=inner, root=own_root)  # type: ignore[no-any-return]


def refuse(linux: Linux, wall: str) -> None:
    """What is not dropped in silence.

    Raises:
        RingfenceError: the configuration asks for it.
    """
    for asked, name in (
        (linux.uid_mappings or linux.gid_mappings, "uidMappings"),
        (linux.intel_rdt, "intelRdt"),
        (linux.net_devices, "netDevices"),
        (linux.time_offsets, "timeOffsets"),
        (linux.seccomp and linux.seccomp.listener_path, "seccomp/listenerPath"),
    ):
        if asked:
            raise RingfenceError(f"config.json#/linux/{name}: not behind {wall}", field=f"/linux/{name}")
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


def limit_steps(host: Host, resources: Resources | None, cgroup: str, wall: str) -> list[InitStep]:
    """The limits that the guest's kernel keeps: what the container is, is one cgroup there (MVM-GUEST-10, 11)."""
    if resources is None:
        return []
    steps: list[InitStep] = []
    # The guest has no swap, so its kernel has no file for a limit of it, which holds all the same.
    memory = changed(resources.memory, swap=None, swappiness=None) if resources.memory else None
    inner = changed(resources, memory=memory, network=None, rdma={}, block_io=None, hugepage_limits=())
    for step in compile_v2(host, cgroup, inner, devices=True):
        steps += write_steps(step, wall)
    return steps


def write_steps(step: HostStep, wall: str) -> list[InitStep]:
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
    raise RingfenceError(f"config.json#{step.pointer}: not behind {wall}", field=step.pointer)


def machine_steps(host: Host, resources: Resources | None, wall: str) -> list[InitStep]:
    """What makes the guest a machine for the container, beside its files: its cgroup, its loopback interface."""
    enabled = " ".join(f"+{name}" for name in CONTROLLERS)
    return [
        guest.WriteFile("", f"{CGROUPS}/cgroup.subtree_control", enabled),
        *cgroup_steps(host, resources, OWN.cgroup, wall),
        inside.LoopbackUp("/linux/namespaces"),
    ]


def cgroup_steps(host: Host, resources: Resources | None, cgroup: str, wall: str) -> list[InitStep]:
    """The container's cgroup with its limits."""
    return [guest.MakeFolder("/linux/cgroupsPath", cgroup), *limit_steps(host, resources, cgroup, wall)]


def guest_context(container_id: str, compiled: Filter | None, seat: Seat, root: str = "") -> Context:
    """What the plan depends on beside the configuration, inside."""
    cgroups = (CgroupDir(("",), seat.cgroup),)
    place = root or seat.share + ROOT
    return Context(container_id, seat.share, place, cgroups, {}, filter=compiled, gate=True, slots=SLOTS)
