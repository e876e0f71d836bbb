"""What a container brings from dom0 that its domain cannot have, and what it must not share with another."""

from __future__ import annotations

import posix

from ringfence.container.domain_state import own_domain
from ringfence.container.record import load_record
from ringfence.container.runtime import XEN
from ringfence.errors import RingfenceError, from_os_error
from ringfence.host.probe import read_or

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.drivers.xen.steps import CheckNetwork

CLONE_NEWNET = 0x40000000
LOOPBACK = b"lo"


def check_network(step: CheckNetwork) -> None:
    """Refuse a namespace with devices: they would be left behind without a word (XEN-NET-08).

    Raises:
        RingfenceError: it has some, is dom0's own, or cannot be looked at.
    """
    names = devices_in(step.path, step.pointer)
    if names:
        shown = b", ".join(names).decode("utf-8", "replace")
        text = f"the network namespace {step.path} has devices ({shown}), which cannot be carried into a Xen domain"
        raise RingfenceError(text, field=step.pointer, hint="give the domain a network with NETCONF, or none")


def devices_in(path: str, field: str) -> list[bytes]:
    """The names of the network devices of a namespace but for loopback: it is entered and left again.

    Raises:
        RingfenceError: it cannot be.
    """
    import ctypes  # 3 ms, with a namespace by path alone

    setns = ctypes.CDLL(None, use_errno=True).setns
    try:
        own = posix.open("/proc/self/ns/net", posix.O_RDONLY | posix.O_CLOEXEC)
        other = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError as error:
        raise from_os_error(f"cannot open the network namespace {path}", error, field=field) from None
    try:
        if setns(other, CLONE_NEWNET):
            number = ctypes.get_errno()
            raise RingfenceError(
                f"cannot look into {path}: {posix.strerror(number).lower()}", field=field, errno=number
            )
        lines = read_or("/proc/thread-self/net/dev", b"").splitlines()[2:]
        if setns(own, CLONE_NEWNET):
            raise RingfenceError("cannot return from a network namespace")
    finally:
        posix.close(own)
        posix.close(other)
    names = (line.partition(b":")[0].strip() for line in lines)
    return [name for name in names if name != LOOPBACK]


def check_image(runtime: Runtime, record: ContainerRecord) -> None:
    """Refuse an image that another container may be writing to, or that it reads while we would (XEN-ROOTFS-04).

    Raises:
        RingfenceError: so it is.
    """
    image, mode = record.machine[4], record.domain["image"]
    for name in posix.listdir(runtime.root):
        other = other_record(runtime, name) if name != record.id else None
        if other is None or "rw" not in (mode, other.domain.get("image")) or not same_file(image, other.machine[4]):
            continue
        found = own_domain(other)
        if found is not None and not found.is_over:
            text = f"the image {image} is in use by the container {name}, and one of both may write to it"
            raise RingfenceError(text, field="/vm/image/path")


def other_record(runtime: Runtime, name: str) -> ContainerRecord | None:
    """The record of a container behind this wall that has an image; None for any other."""
    try:
        found = load_record(runtime, name)
    except RingfenceError:
        return None
    return found if found.driver == XEN and found.machine[4] else None


def same_file(one: str, other: str) -> bool:
    """Whether two paths lead to the same file."""
    try:
        first, second = posix.stat(one), posix.stat(other)
    except OSError:
        return one == other
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)
