"""run behind a jail: create, start and, in the foreground, wait and delete (JAIL-RUN-01 to 04)."""

from __future__ import annotations

import errno
import os

from ringfence.container.jail.create import Birth, create, decide
from ringfence.container.jail.foreground import JailForeground
from ringfence.container.start import start
from ringfence.drivers.jail.program import ARGS
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.planning import Chosen
    from ringfence.container.runtime import RunOptions, Runtime

STATUSES = {errno.ENOENT: 127, errno.EACCES: 126, errno.ENOEXEC: 126}
"""What a shell ends with for a program that is not found, or cannot be executed."""


def run(runtime: Runtime, container_id: str, options: RunOptions, chosen: Chosen) -> int:
    """Run a container; returns the program's exit status, 0 when detached.

    Raises:
        RingfenceError: it could not be run; nothing is left behind. In the foreground its status is 127 for a program
            that is not found and 126 for one that cannot be executed (JAIL-RUN-02).
    """
    if not options.detach:
        return run_foreground(runtime, container_id, options, chosen)
    create(runtime, container_id, options, chosen)
    started(runtime, container_id)
    return 0


def started(runtime: Runtime, container_id: str) -> None:
    """Start a container that this run has created; one that cannot be started is not left behind."""
    from ringfence.container.delete import delete

    try:
        start(runtime, container_id)
    except RingfenceError:
        delete(runtime, container_id, force=True)
        raise


def run_foreground(runtime: Runtime, container_id: str, options: RunOptions, chosen: Chosen) -> int:
    """Run a container to its end and, unless it is to be kept, delete it."""
    from ringfence.container.delete import delete

    prepared = decide(runtime, container_id, options, chosen, detached=False)
    front = JailForeground(prepared.process.terminal)
    birth = Birth(runtime, container_id, options, prepared)
    try:
        birth.perform(front.stdio, front.console)
        started(runtime, container_id)
    except RingfenceError as error:
        if error.field == ARGS:
            error.status = STATUSES.get(error.errno, error.status)
        raise
    try:
        return front.wait_for_end(birth.record.pid)
    finally:
        if not options.keep and os.path.isdir(birth.record.directory):
            delete(runtime, container_id, force=True)
