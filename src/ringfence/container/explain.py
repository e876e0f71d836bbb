"""explain: the plan that create would perform, and nothing done."""

from __future__ import annotations

from ringfence.container.planning import prepare
from ringfence.host.probe import probe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.runtime import CreateOptions, Runtime
    from ringfence.host.facts import Host
    from ringfence.plan.plan import Plan


def explain(runtime: Runtime, options: CreateOptions, container_id: str, host: Host | None) -> Plan:
    """The plan of ``create``, for this machine or another. Needs no privilege and writes nothing.

    Raises:
        RingfenceError: as ``create``, before it would begin.
    """
    return prepare(runtime, container_id, options, host or probe(), fifo=True).plan
