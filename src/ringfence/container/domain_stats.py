"""What dom0 sees of a container's domain: the figures of xl, of its network devices, its processes here."""

from __future__ import annotations

import posix

from ringfence.container.domain_state import own_domain, tools_in
from ringfence.container.record import oom_kills
from ringfence.container.status import is_alive
from ringfence.container.toolstack import run
from ringfence.drivers.xen.sizes import MIB
from ringfence.errors import RingfenceError
from ringfence.host.probe import read_or

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.drivers.xen.listing import Domain

NANOSECONDS = 10**9
DEVICES = "/sys/class/net"
COUNTERS = (
    ("rx_bytes", "tx_bytes"),
    ("rx_packets", "tx_packets"),
    ("rx_errors", "tx_errors"),
    ("rx_dropped", "tx_dropped"),
)


def running_domain(record: ContainerRecord) -> Domain:
    """The domain of a container that has not stopped.

    Raises:
        RingfenceError: it has, or xl cannot tell.
    """
    found = own_domain(record)
    if found is None or found.is_over:
        raise RingfenceError(f"container with id {record.id} is not running")
    return found


def domain_stats(record: ContainerRecord) -> dict[str, object]:
    """The ``data`` of a stats event; what is not known is left out (XEN-STATS-01).

    Raises:
        RingfenceError: the container has stopped, or xl cannot tell.
    """
    found = running_domain(record)
    bytes_now, most = found.memory * MIB, int(record.domain["memory"]) * MIB
    return {
        "cpu": {"usage": {"total": int(found.seconds * NANOSECONDS)}},
        "memory": {"usage": {"limit": most, "usage": bytes_now}},
        "machine": {"vcpus": found.vcpus, "domid": found.number, "oomKills": oom_kills(record)},
        "network_interfaces": interfaces(found.number) or None,
    }


def interfaces(number: int, devices: str = DEVICES) -> list[dict[str, object]]:
    """What went over the domain's network devices, as the guest sees it: what dom0 sends it receives."""
    try:
        names = sorted(name for name in posix.listdir(devices) if name.startswith(f"vif{number}."))
    except OSError:
        return []
    found = []
    for index, name in enumerate(names):
        counts: dict[str, object] = {"name": f"eth{index}"}
        for received, sent in COUNTERS:
            counts[received] = counter(f"{devices}/{name}/statistics/{sent}")
            counts[sent] = counter(f"{devices}/{name}/statistics/{received}")
        found.append(counts)
    return found


def counter(path: str) -> int:
    """A number of the kernel's, 0 when it is gone."""
    text = read_or(path, b"").strip()
    return int(text) if text.isdigit() else 0


def serving(record: ContainerRecord) -> list[int]:
    """The processes of dom0 that serve a container: its watcher, the device model (XEN-STATE-07).

    Raises:
        RingfenceError: xl cannot tell.
    """
    found = own_domain(record)
    if found is None or found.is_over:
        return []
    tools = tools_in(record)
    told = run((tools.xenstore_read, f"/local/domain/{found.number}/image/device-model-pid"), tools.timeout)
    model = told.output.strip()
    pids = [record.pid] if is_alive(record) else []
    return pids + ([int(model)] if told.code == 0 and model.isascii() and model.isdigit() else [])
