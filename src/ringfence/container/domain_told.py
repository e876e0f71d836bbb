"""The state object of a container behind a Xen domain."""

from __future__ import annotations

from ringfence.container.domain_state import ending_of, own_domain, status_of
from ringfence.container.state import described
from ringfence.container.status import STOPPED, is_alive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.drivers.xen.listing import Domain


def describe_domain(record: ContainerRecord, owner: str, domains: list[Domain] | None) -> dict[str, object]:
    """All that is known, and under a key of ours what the domain is and why it has ended.

    A watcher that has been killed is told by pid 0 (XEN-CRASH-04).

    Raises:
        RingfenceError: xl cannot tell.
    """
    found = own_domain(record, domains)
    now = status_of(record, found)
    told = described(record, owner, now)
    watched = is_alive(record)
    if not watched:
        told["pid"] = 0
    told["ringfence"] = {
        "driver": record.driver,
        "domain": record.domain["name"],
        "domid": found.number if found else 0,
        "uuid": record.domain["uuid"],
        "kernel": record.machine[1],
        "type": record.machine[2],
        **({"image": record.machine[4]} if record.machine[4] else {}),
        **(ending_of(record, found) if now == STOPPED else {}),
        **({"warning": "the watcher has ended: the console is not read"} if now != STOPPED and not watched else {}),
    }
    return told
