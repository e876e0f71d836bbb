"""The end of a domain: what was made for a container in dom0 is taken away, whatever state it is in."""

from __future__ import annotations

import posix
import time

from ringfence.container.domain_state import tools_in
from ringfence.container.toolstack import all_domains, command
from ringfence.drivers.xen.failure import failure
from ringfence.drivers.xen.listing import own
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.drivers.xen.listing import Domain

PAUSE = 0.1
LOGS = ("/var/log/xen/qemu-dm-{name}.log", "/var/log/xen/console/guest-{name}.log", "/var/log/xen/xl-{name}.log")


def find(record: ContainerRecord) -> Domain | None:
    """The container's domain by its UUID, whatever its name is and whether its making was recorded (XEN-CRASH-02).

    Raises:
        RingfenceError: xl cannot tell.
    """
    return own(all_domains(tools_in(record)), record.domain["uuid"])


def destroy(record: ContainerRecord) -> None:
    """End the container's domain at once and wait until it is gone; one that is gone is fine (XEN-KILL-01).

    Raises:
        RingfenceError: xl fails, or the domain stays.
    """
    tools = tools_in(record)
    found = find(record)
    if found is None:
        return
    answer = command(tools, "destroy", str(found.number))
    deadline = time.monotonic() + tools.timeout
    while (still := find(record)) is not None:
        if answer.code and not answer.is_gone and "d" not in still.state:
            raise failure("destroy", answer.code, answer.said + answer.output, {})
        if time.monotonic() >= deadline:
            raise RingfenceError(f"the domain {still.name} is dying and does not go", hint="what does `xl dmesg` say?")
        time.sleep(PAUSE)


def remove_domain(runtime: Runtime, record: ContainerRecord) -> None:
    """Take away the domain and all that was made for it but the state folder, in reverse order of making.

    What xl cannot tell of when it has gone itself is warned of, so that a container can always be removed.
    """
    if record.domain.get("making"):
        try:
            destroy(record)
        except RingfenceError as error:
            if tools_present(record):
                raise
            runtime.log.warning(f"{error.attempted}: whether its domain is gone cannot be told")
    release_address(runtime, record)
    if not record.domain.get("logs"):
        remove_logs(record.domain["name"])


def tools_present(record: ContainerRecord) -> bool:
    """Whether there is an xl to be asked."""
    return posix.access(record.domain["xl"], posix.X_OK)


def release_address(runtime: Runtime, record: ContainerRecord) -> None:
    """Give back the reserved address (XEN-NET-06)."""
    words = record.domain.get("address")
    if not words:
        return
    from ringfence.network.cni_plugin import release

    try:
        release(tuple(words.split("\0")), record.id, record.domain["plugins"])
    except RingfenceError as error:
        runtime.log.warning(str(error))


def remove_logs(name: str) -> None:
    """The toolstack's own files about a domain, which the next of that name would be mixed into (XEN-DELETE-03)."""
    for form in LOGS:
        try:
            posix.unlink(form.format(name=name.replace("/", "_")))
        except OSError:
            continue
