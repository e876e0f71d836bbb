"""explain: the plan that create would perform, and nothing done."""

from __future__ import annotations

from ringfence.container.bundle import checked, read_document
from ringfence.container.choice import choose
from ringfence.container.planning import prepare
from ringfence.container.runtime import JAIL
from ringfence.host.probe import probe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.jail.planning import PreparedJail
    from ringfence.container.planning import Prepared
    from ringfence.container.runtime import CreateOptions, Runtime
    from ringfence.host.facts import Host


def explain(runtime: Runtime, options: CreateOptions, container_id: str, host: Host | None) -> Prepared | PreparedJail:
    """What ``create`` decides, for this machine or another. Needs no privilege and writes nothing.

    Raises:
        RingfenceError: as ``create``, before it would begin.
    """
    read = read_document(options.source, runtime.vm_folders)
    choice = choose(runtime, read.document)
    if choice.driver == JAIL:
        from ringfence.container.jail.planning import prepare as prepare_jail

        return prepare_jail(runtime, container_id, options, read, choice)
    return prepare(runtime, container_id, options, host or probe(), checked(read), choice, fifo=True)
