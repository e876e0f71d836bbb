"""What comes of compiling a configuration for a wall."""

from __future__ import annotations

from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.xen.wanted import Wanted
    from ringfence.network.netconf import Netconf
    from ringfence.plan.plan import Plan


class Compiled(Record):
    """A wall's plan, what its machine consists of, the network that joins, notices and notes, the place in a pod.

    ``domain`` is a Xen domain's part of the record, ``files`` what is written for it, ``wanted`` what it is made from.
    ``netconf`` is the network of a machine that nobody has prepared.
    """

    plan: Plan
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
