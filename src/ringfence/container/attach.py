"""attach: the caller's own streams at the console of a container's machine (MVM-CCOR-22)."""

from __future__ import annotations

from ringfence.container.record import load_record
from ringfence.container.status import STOPPED, status
from ringfence.container.stdio import Flow, awaited
from ringfence.drivers.guest.client import connect
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.runtime import Runtime

CONSOLE = "console.sock"


def attach(runtime: Runtime, container_id: str) -> None:
    """Pass bytes both ways until the machine has ended.

    Raises:
        RingfenceError: the container has stopped, or its machine has no console of its own.
    """
    record = load_record(runtime, container_id)
    if status(record) == STOPPED:
        raise RingfenceError("container not running")
    try:
        console = connect(record.directory, CONSOLE)
    except OSError:
        hint = "@CONSOLE_DEVICE@ in hypervisor.args makes one"
        raise RingfenceError("the container's machine has no console to attach to", hint=hint) from None
    flows = (Flow(0, console.fileno(), closes=False), Flow(console.fileno(), 1, closes=False))
    while not flows[1].finished:
        ready = awaited(flows, {})
        for flow in flows:
            flow.move(ready)
    console.close()
