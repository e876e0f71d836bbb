"""explain: the plan that create would perform, and nothing done."""

from __future__ import annotations

from ringfence.container.bundle import read_config
from ringfence.container.choice import choose
from ringfence.container.planning import prepare
from ringfence.host.probe import probe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.planning import Prepared
    from ringfence.container.runtime import CreateOptions, Runtime
    from ringfence.host.facts import Host


def explain(runtime: Runtime, options: CreateOptions, container_id: str, host: Host | None) -> Prepared:
    """What ``create`` decides, for this machine or another. Needs no privilege and writes nothing.

    Raises:
        RingfenceError: as ``create``, before it would begin.
    """
    found = read_config(options.source, runtime.vm_folders)
    choice = choose(runtime, found.document)
    return prepare(runtime, container_id, options, host or probe(), found, choice, fifo=True)
