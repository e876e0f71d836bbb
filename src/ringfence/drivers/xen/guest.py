"""The guest's side of a container behind this wall: but for where its files come from, that of any guest. Pure."""

from __future__ import annotations

from ringfence.drivers.guest import inner
from ringfence.drivers.guest.inner import OWN, changed, guest_context, guest_host, machine_steps
from ringfence.drivers.guest.share import INSIDE, ROOT
from ringfence.drivers.linux.context import section
from ringfence.drivers.linux.mount import is_bind
from ringfence.drivers.linux.plan import compile_create
from ringfence.drivers.xen.wanted import IMAGE, SHARE
from ringfence.plan import guest
from ringfence.plan.plan import Plan
from ringfence.spec.options import MS_NODEV, MS_RDONLY
from ringfence.spec.types import Namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.xen.wanted import Wanted
    from ringfence.host.facts import Host
    from ringfence.plan.step import InitStep
    from ringfence.seccomp.filter import Filter
    from ringfence.spec.types import Config

WALL = "a Xen domain"
OPTIONS = "trans=xen,version=9p2000.L,msize=512000,cache=mmap,access=any"
CONTENT = "content"
"""How a file that is shared is called in the folder that holds nothing else (XEN-ROOTFS-06)."""
DISK = "xvda"


def tag_of(index: int) -> str:
    """The name by which a guest asks for the source of a mount."""
    return f"v{index}"


def file_steps(config: Config, wanted: Wanted) -> list[InitStep]:
    """What mounts the root and the sources of bind mounts in the guest; what is read-only is so in dom0 already."""
    steps: list[InitStep] = []
    if wanted.root == SHARE:
        steps.append(guest.MountAt("/root/path", "9p", wanted.tag, INSIDE + ROOT, MS_NODEV, OPTIONS))
    elif wanted.root == IMAGE:
        readonly = MS_RDONLY if config.root and config.root.readonly else 0
        steps.append(guest.MountImage("/vm/image", f"/dev/{DISK}", INSIDE + ROOT, MS_NODEV | readonly))
    for index, mount in enumerate(config.mounts):
        if is_bind(mount):
            place = f"{INSIDE}/{index}"
            steps.append(guest.MountAt(f"/mounts/{index}/source", "9p", tag_of(index), place, MS_NODEV, OPTIONS))
    return steps


def inner_config(config: Config, wanted: Wanted) -> Config:
    """The configuration as the guest performs it; without a network namespace it has one of its own all the same.

    Raises:
        RingfenceError: it asks for what a domain cannot have.
    """
    linux = section(config)
    if not any(one.type == "network" for one in linux.namespaces):
        config = changed(config, linux=changed(linux, namespaces=(*linux.namespaces, Namespace("network"))))
    found = inner.guest_config(config, OWN, wall=WALL)
    files = {f"{INSIDE}/{index}" for index in wanted.files}
    mounts = [
        changed(mount, source=f"{mount.source}/{CONTENT}") if mount.source in files and is_bind(mount) else mount
        for mount in found.mounts
    ]
    return changed(found, mounts=tuple(mounts))  # type: ignore[no-any-return]


def compile_guest(config: Config, host: Host, container_id: str, compiled: Filter | None, wanted: Wanted) -> Plan:
    """The plan that the guest's init performs.

    Raises:
        RingfenceError: the configuration asks for what a guest cannot give.
    """
    facts = guest_host(host)
    plan = compile_create(inner_config(config, wanted), facts, guest_context(container_id, compiled, OWN), ())
    resources = section(config).resources
    first = [*file_steps(config, wanted), *machine_steps(facts, resources, WALL), *wanted.network]
    return Plan((), (*first, *plan.birth), plan.inside, plan.slots)
