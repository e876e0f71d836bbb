"""The plan of a container behind a Xen domain, and what is put on record before it is performed."""

from __future__ import annotations

import posix

from ringfence.container.compiled import Compiled
from ringfence.container.domain import Asking, wanted_for
from ringfence.container.record import container_directory
from ringfence.drivers.guest.inner import changed
from ringfence.drivers.guest.numbers import digest_of
from ringfence.drivers.xen.plan import compile_create
from ringfence.drivers.xen.refusals import notes_of
from ringfence.drivers.xen.steps import WriteConfig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.choice import Choice
    from ringfence.container.runtime import Runtime
    from ringfence.drivers.linux.context import Context
    from ringfence.drivers.xen.wanted import Wanted
    from ringfence.host.facts import Host
    from ringfence.plan.plan import Plan
    from ringfence.plan.step import InitStep
    from ringfence.spec.types import Config

RUNX_MEMORY, RUNX_VCPUS = 1024, 2
UUID_SIZE = 16


def compile_domain(runtime: Runtime, choice: Choice, config: Config, host: Host, context: Context) -> Compiled:
    """Decide everything; nothing is made.

    Raises:
        RingfenceError: the configuration asks for what cannot be given.
    """
    state = container_directory(runtime, context.container_id)
    asking = Asking(state, runtime.root, runtime.root == runtime.default_root, random=posix.urandom(UUID_SIZE))
    if runtime.runx:
        asking = changed(asking, memory=RUNX_MEMORY, vcpus=RUNX_VCPUS, pvcalls=True)
    wanted = wanted_for(config, host, context, choice.settings.xen, asking)
    plan = compile_create(config, host, context, wanted, state)
    files = tuple((step.path, step.content) for step in plan.host if isinstance(step, WriteConfig))
    machine = (wanted.tools.xl, wanted.kernel, wanted.type, "xen", wanted.image, str(wanted.sizes.memory))
    lonely = runtime.runx and not wanted.nics and not wanted.pvcalls
    notices = (f"the container has no network: the kernel {wanted.kernel} has no pvcalls",) if lonely else ()
    notes = (*origins(wanted), *notes_of(config))
    told = recorded(wanted, choice)
    return Compiled(plan, machine, notices=notices, notes=notes, domain=told, files=files, wanted=wanted)


def recorded(wanted: Wanted, choice: Choice) -> dict[str, str]:
    """What is on record before anything is made (XEN-CREATE-01)."""
    settings = choice.settings.xen
    return {
        "name": wanted.name,
        "uuid": wanted.uuid,
        "xl": wanted.tools.xl,
        "xenstore-read": wanted.tools.xenstore_read,
        "timeout": str(wanted.tools.timeout),
        "plugins": settings.cni_plugins if wanted.reservation else "",
        "address": "\0".join(wanted.reservation),
        "logs": "kept" if settings.keep_logs else "",
        "vcpus": str(wanted.sizes.vcpus),
        "memory": str(wanted.sizes.memory),
        "floor": str(wanted.floor),
        "image": ("ro" if wanted.image_readonly else "rw") if wanted.image else "",
    }


def origins(wanted: Wanted) -> tuple[str, ...]:
    """Who has named kernel and ramdisk (XEN-VM-01), and what the image is for (XEN-VM-05)."""
    kernel, ramdisk = wanted.origins
    found = [f"kernel {wanted.kernel}, from {kernel or 'ringfence itself'}"]
    found += [f"ramdisk {wanted.initrd}, from {ramdisk}"] if wanted.initrd else []
    if wanted.image:
        found.append(f"image {wanted.image} is {'the root' if wanted.root == 'image' else 'a disk beside the root'}")
    return tuple(found)


def with_network(plan: Plan, old: tuple[InitStep, ...], new: tuple[InitStep, ...]) -> Plan:
    """The plan with other steps for the guest's network: an address that has been reserved is known only then."""
    guest = plan.part("guest")
    at = guest.birth.index(old[0])
    birth = (*guest.birth[:at], *new, *guest.birth[at + len(old) :])
    nested = tuple((name, changed(part, birth=birth) if name == "guest" else part) for name, part in plan.nested)
    whole = changed(plan, nested=nested)
    named = changed(plan.inside[-1], digest=digest_of(whole))
    return changed(whole, inside=(*plan.inside[:-1], named))  # type: ignore[no-any-return]
