"""start behind a jail: the waiting process is let go, and says whether it became the program (JAIL-START-01)."""

from __future__ import annotations

import errno
import os

from ringfence.container.jail.wall import ANSWER, load_made, status_of
from ringfence.container.record import FIFO
from ringfence.container.status import PAUSED, STOPPED
from ringfence.drivers.jail.channel import heard
from ringfence.errors import from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord


def start(record: ContainerRecord) -> None:
    """Let the program run; the caller holds the container's lock.

    No tool is asked whether the process waits: only a reader of its FIFO can, and that ends with it.

    Raises:
        RingfenceError: it is not in the state ``created``, or its program could not be executed.
    """
    from ringfence.container.start import refused

    gate = f"{record.directory}/{FIFO}"
    if load_made(record).paused:
        raise refused(PAUSED)
    if not os.path.exists(gate):
        raise refused(status_of(record))
    answer = -1
    try:
        answer = os.open(f"{record.directory}/{ANSWER}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        let_go(gate)
        os.set_blocking(answer, True)
        started = heard(answer)
    except OSError as error:
        raise from_os_error("cannot open exec fifo", error) from None
    finally:
        if answer >= 0:
            os.close(answer)
    if not started:
        raise refused(STOPPED)
    os.unlink(gate)


def let_go(gate: str) -> None:
    """Write the byte that the process waits for.

    Raises:
        RingfenceError: nobody waits.
        OSError: as the kernel gave it.
    """
    from ringfence.container.start import refused

    try:
        descriptor = os.open(gate, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise refused(STOPPED) from None
        raise
    try:
        os.write(descriptor, b"0")
    finally:
        os.close(descriptor)
