"""create: everything is made, the program waits for ``start``."""

from __future__ import annotations

from ringfence.container.birth import Birth
from ringfence.container.planning import again_without_kvm, choose_wall, decide
from ringfence.container.runtime import JAIL
from ringfence.container.sockets import connected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.planning import Chosen, Prepared
    from ringfence.container.runtime import CreateOptions, Runtime


def create(runtime: Runtime, container_id: str, options: CreateOptions) -> None:
    """Create a container; its process exists and is blocked when this returns (LNX-LIFE-04).

    Raises:
        RingfenceError: it could not be created; nothing is left behind.
    """
    chosen = choose_wall(runtime, options)
    if chosen.choice.driver == JAIL:
        from ringfence.container.jail.create import create as create_jail

        create_jail(runtime, container_id, options, chosen)
        return
    bear_detached(runtime, container_id, options, chosen, fifo=True)


def bear_detached(runtime: Runtime, container_id: str, options: CreateOptions, chosen: Chosen, *, fifo: bool) -> Birth:
    """Bear a container whose stdio is the caller's own and whose terminal goes to the console socket.

    Raises:
        RingfenceError: as ``create``.
    """
    return again_without_kvm(
        runtime,
        lambda: decide(runtime, container_id, options, detached=True, fifo=fifo, chosen=chosen),
        lambda prepared: bear(runtime, container_id, options, prepared),
    )


def bear(runtime: Runtime, container_id: str, options: CreateOptions, prepared: Prepared) -> Birth:
    """The same for a container that has been decided on.

    Raises:
        RingfenceError: as ``create``.
    """
    birth = Birth(runtime, container_id, options, prepared)
    birth.begin()
    given, socket = {}, None
    try:
        if options.console_socket:
            socket = connected(runtime, options.console_socket, "console socket")
            given["console"] = socket.fileno()
    except BaseException:
        birth.undo()
        raise
    birth.perform(given, (options.terminal,) * 3 if options.terminal >= 0 else None)
    if socket:
        socket.close()
    birth.release()
    return birth
