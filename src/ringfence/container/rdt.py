"""Rewriting the schemata of a container's resctrl group (LNX-UPD-17)."""

from __future__ import annotations

import posix

from ringfence.errors import RingfenceError, from_os_error
from ringfence.host.probe import parse_mounts_of, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.spec.types import Config


def schemata_file(record: ContainerRecord, config: Config) -> str:
    """The file that holds the lines of the container's group.

    Raises:
        RingfenceError: the container has no ``linux.intelRdt``, or resctrl is not mounted.
    """
    rdt = config.linux.intel_rdt if config.linux else None
    if rdt is None:
        raise RingfenceError("Intel RDT: the container was created without linux.intelRdt")
    return f"{mount_point()}/{rdt.clos_id or record.id}/schemata"


def write_lines(file: str, lines: tuple[str, ...]) -> None:
    """Write each line by itself, as resctrl wants it.

    Raises:
        RingfenceError: the kernel refuses.
    """
    try:
        descriptor = posix.open(file, posix.O_WRONLY | posix.O_CLOEXEC)
        try:
            for line in lines:
                posix.write(descriptor, f"{line}\n".encode())
        finally:
            posix.close(descriptor)
    except OSError as error:
        raise from_os_error(f"Intel RDT: cannot write {file}", error) from None


def mount_point() -> str:
    """Where resctrl is mounted.

    Raises:
        RingfenceError: nowhere.
    """
    mounts = parse_mounts_of(read("/proc/self/mountinfo"), "resctrl")
    if not mounts:
        raise RingfenceError("Intel RDT is not available: resctrl is not mounted")
    return mounts[0].path
