"""The guest's side of a container behind this wall. Pure."""

from __future__ import annotations

from ringfence.drivers.guest import inner
from ringfence.drivers.guest.inner import OWN, Seat, cgroup_steps, guest_context, guest_host, machine_steps
from ringfence.drivers.guest.share import INSIDE, ROOT
from ringfence.drivers.linux.context import Namespaces, section
from ringfence.drivers.linux.plan import ExecContext, compile_create, compile_exec
from ringfence.drivers.microvm.image import ROOT as IMAGE_ROOT
from ringfence.drivers.microvm.image import Image, image_steps
from ringfence.network.cni_guest import resolver_steps
from ringfence.plan import birth, guest
from ringfence.plan.frames import SLOTS
from ringfence.plan.plan import Plan
from ringfence.spec.options import MS_NODEV

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.host.facts import Host
    from ringfence.network.netconf import Dns
    from ringfence.plan.step import InitStep
    from ringfence.seccomp.filter import Filter
    from ringfence.spec.types import Config, Process

WALL = "a microVM"
SHARE = "trans=virtio,version=9p2000.L,msize=512000,cache=mmap,access=any"
"""The cache is not "loose": the host's writes would not be seen, and a folder shared twice would be one (v9fs.rst)."""


def guest_config(config: Config, seat: Seat, root: str = "") -> Config:
    """The configuration as the guest performs it; ``root`` is that of an image.

    Raises:
        RingfenceError: it asks for what a machine of its own cannot have (MVM-CREATE-06).
    """
    return inner.guest_config(config, seat, root, wall=WALL)


FILES = {"virtiofs": "", "9p": SHARE}
"""Ways to get files from the host, and their options."""


def share_steps(files: str) -> list[InitStep]:
    """What mounts the shared tree in the guest; ``files`` is the way, "" for none."""
    return [guest.MountAt("/root/path", files, "root", INSIDE, MS_NODEV, FILES[files])] if files else []


def compile_guest(
    config: Config,
    host: Host,
    container_id: str,
    compiled: Filter | None,
    image: Image | None,
    files: str,
    dns: tuple[str, Dns] | None = None,
) -> Plan:
    """The plan that the guest's init performs; ``image`` is one that is the container's root.

    ``files`` is the way by which the guest gets those of the host, "" when it needs none; ``dns`` what its resolver is
    told, with the field of config.json that says so.

    Raises:
        RingfenceError: the configuration asks for what a guest cannot give.
    """
    facts = guest_host(host)
    root = IMAGE_ROOT if image else ""
    plan = compile_create(guest_config(config, OWN, root), facts, guest_context(container_id, compiled, OWN, root), ())
    resources = section(config).resources
    readonly = bool(config.root and config.root.readonly)
    first = [
        *share_steps(files),
        *machine_steps(facts, resources, WALL),
        *(image_steps(image, readonly=readonly) if image else []),
        *(resolver_steps(dns[1], dns[0], root or OWN.share + ROOT) if dns else ()),
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
    first = cgroup_steps(facts, section(config).resources, seat.cgroup, WALL)
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
