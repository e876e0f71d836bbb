"""An image as the machine's disk, and as the container's root (MVM-FILES-12 to 14). Pure."""

from __future__ import annotations

from ringfence.plan import guest
from ringfence.record import Record
from ringfence.spec.options import MS_NODEV, MS_RDONLY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.plan.step import InitStep

DISK = "/dev/vda"
ROOT = "/image"
LOWER, UPPER = "/lower", "/upper"
SET = 1
"""The number of QEMU's set of descriptors that the image is in."""
POINTER = "/vm/image"


class Image(Record):
    """An image: its path, the type of its file system, and whether it is the container's root."""

    path: str
    type: str
    is_root: bool


def image_steps(image: Image, *, readonly: bool) -> list[InitStep]:
    """What mounts the root in the guest; what is written goes to its memory, the image is never changed."""
    if readonly:
        return [guest.MountAt(POINTER, image.type, DISK, ROOT, MS_RDONLY | MS_NODEV, "")]
    layers = f"lowerdir={LOWER},upperdir={UPPER}/data,workdir={UPPER}/work"
    return [
        guest.MountAt(POINTER, image.type, DISK, LOWER, MS_RDONLY | MS_NODEV, ""),
        guest.MountAt(POINTER, "tmpfs", "tmpfs", UPPER, MS_NODEV, "mode=0755"),
        guest.MakeFolder(POINTER, f"{UPPER}/data"),
        guest.MakeFolder(POINTER, f"{UPPER}/work"),
        guest.MountAt(POINTER, "overlay", "overlay", ROOT, MS_NODEV, layers),
    ]


def disk_words(device: str, descriptor: int) -> list[str]:
    """QEMU's words for it: raw, whatever is written into it (MVM-QEMU-13, MVM-FILES-13), and read-only."""
    file = f"file.driver=file,file.filename=/dev/fdset/{SET},file.locking=off"
    words = ["-add-fd", f"fd={descriptor},set={SET}"]
    words += ["-blockdev", f"driver=raw,node-name=image,read-only=on,{file}"]
    return [*words, "-device", f"{device},drive=image"]
