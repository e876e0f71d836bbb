"""What one container's domain must not share with another's."""

from __future__ import annotations

import posix

from ringfence.container.domain_state import own_domain
from ringfence.container.record import load_record
from ringfence.container.runtime import XEN
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime


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
