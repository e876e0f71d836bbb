"""create: everything is made, the program waits for ``start``."""

from __future__ import annotations

import os

from ringfence.container.birth import Birth
from ringfence.container.planning import prepare
from ringfence.container.record import CACHE
from ringfence.container.sockets import check_terminal_options, connected
from ringfence.host.probe import probe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.runtime import CreateOptions, Runtime


def create(runtime: Runtime, container_id: str, options: CreateOptions) -> None:
    """Create a container; its process exists and is blocked when this returns (LNX-LIFE-04).

    Raises:
        RingfenceError: it could not be created; nothing is left behind.
    """
    bear_detached(runtime, container_id, options, fifo=True)


def bear_detached(runtime: Runtime, container_id: str, options: CreateOptions, *, fifo: bool) -> Birth:
    """Bear a container whose stdio is the caller's own and whose terminal goes to the console socket.

    Raises:
        RingfenceError: as ``create``.
    """
    cache = f"{runtime.root}/{CACHE}"
    prepared = prepare(runtime, container_id, options, probe(), fifo=fifo, own_pid=os.getpid(), cache=cache)
    check_terminal_options(prepared.process.terminal, True, options.console_socket)
    for caution in prepared.cautions:
        runtime.log.warning(caution)
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
    birth.perform(given, None)
    if socket:
        socket.close()
    birth.release()
    return birth
