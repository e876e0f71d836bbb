"""A container in the machine of a sandbox: a process of the host stands for it. Pure (MVM-POD-02)."""

from __future__ import annotations

from ringfence.drivers.guest.inner import Seat, changed
from ringfence.drivers.guest.numbers import guest_bytes
from ringfence.drivers.guest.share import FOLDER, shown_in
from ringfence.drivers.linux.context import Namespaces, Slots, section
from ringfence.drivers.microvm.guest import compile_member
from ringfence.drivers.microvm.plan import host_side, refuse_descriptors
from ringfence.plan import guest
from ringfence.plan.plan import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.linux.context import Context
    from ringfence.host.facts import Host
    from ringfence.plan.step import HostStep
    from ringfence.spec.types import Config

KEYS = 0x7FFFFFFF


def key_of(container_id: str) -> int:
    """The number that tells a container from others of its sandbox, never 0."""
    from hashlib import sha256

    return int.from_bytes(sha256(container_id.encode("utf-8", "surrogateescape")).digest()[:4], "little") & KEYS or 1


def seat_of(key: int, config: Config) -> Seat:
    """The place in the guest of the container with this key.

    Namespaces that it joins by path are the sandbox's there; the network is anyway.
    """
    kept = tuple(one for one in section(config).namespaces if one.path and one.type not in ("network", "mount", "time"))
    return Seat(key, Namespaces(changed(section(config), namespaces=kept)).own)


def compile_create(
    config: Config,
    host: Host,
    context: Context,
    host_steps: tuple[HostStep, ...],
    state: str,
    sandbox: str,
) -> Plan:
    """The plan of create and run; ``state`` and ``sandbox`` are the folders of the container and of its sandbox.

    Raises:
        RingfenceError: the configuration asks for something that this wall cannot give.
    """
    process = config.process
    assert process is not None
    refuse_descriptors(context.preserve_fds)
    seat, slots, tree = seat_of(key_of(context.container_id), config), Slots(), f"{state}/{FOLDER}"
    steps, births = host_side(config, host, context, slots, tree, has_image=False)
    inner = compile_member(config, host, context.container_id, context.filter, seat)
    files = "".join(f"{part}\0" for part in (tree, f"{sandbox}/{FOLDER}", str(seat.key)))
    shared = (True, files.encode("utf-8", "surrogateescape"), shown_in(config))
    relay = guest.RelayProcess("/process", slots("connection"), b"", process.terminal, seat.key, *shared)
    plan = Plan(host_steps, births, (*steps, relay), tuple(slots.names), 0, (("guest", inner),))
    told = changed(relay, plan=guest_bytes(plan))
    return changed(plan, inside=(*steps, told))  # type: ignore[no-any-return]
