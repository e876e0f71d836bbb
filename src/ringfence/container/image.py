"""The image of a machine: what a file or block device holds, and whether it is the container's root."""

from __future__ import annotations

import posix

from ringfence.drivers.microvm.image import Image
from ringfence.errors import RingfenceError, from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.types import GuestImage

FIELD = "/vm/image/path"
FORMAT, REGULAR, BLOCK = 0o170000, 0o100000, 0o060000
MAGICS = (
    ("squashfs", 0, b"hsqs"),
    ("erofs", 1024, b"\xe2\xe1\xf5\xe0"),
    ("ext4", 1024 + 56, b"\x53\xef"),
)
"""Where each file system has its magic number (linux/magic.h)."""
HEAD = 2048


def image_for(image: GuestImage | None, rootfs: str) -> Image | None:
    """The image that a configuration names, None without; it is the root if the folder that would be is empty.

    Raises:
        RingfenceError: it is not raw, no file or block device, or holds no file system that a guest mounts.
    """
    if image is None:
        return None
    if image.format != "raw":
        hint = f"convert it: qemu-img convert -O raw {image.path} {image.path}.raw"
        raise RingfenceError(f"an image must be raw, not {image.format}", field="/vm/image/format", hint=hint)
    if not image.path.startswith("/"):
        raise RingfenceError("the path of an image must be absolute", field=FIELD)
    try:
        return Image(image.path, file_system(image.path), is_root=not posix.listdir(rootfs))
    except OSError as error:
        raise from_os_error(f"cannot read the image {image.path}", error, field=FIELD) from None


def file_system(path: str) -> str:
    """The type of the file system in an image.

    Raises:
        OSError: it cannot be read.
        RingfenceError: there is none that a guest mounts.
    """
    descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC | posix.O_NONBLOCK)
    try:
        if posix.fstat(descriptor).st_mode & FORMAT not in (REGULAR, BLOCK):
            raise RingfenceError(f"the image {path} is neither a file nor a block device", field=FIELD)
        head = posix.pread(descriptor, HEAD, 0)
    finally:
        posix.close(descriptor)
    for name, offset, magic in MAGICS:
        if head[offset : offset + len(magic)] == magic:
            return name
    hint = "a guest mounts erofs, ext4 and squashfs, without a partition table"
    raise RingfenceError(f"the image {path} holds no file system that is known", field=FIELD, hint=hint)
