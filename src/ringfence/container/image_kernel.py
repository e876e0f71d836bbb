"""A kernel and ramdisk that an image brings itself: RUNX_KERNEL and RUNX_RAMDISK (XEN-ENV-04)."""

from __future__ import annotations

import posix
from _stat import S_ISREG

from ringfence.drivers.guest.inner import changed
from ringfence.errors import RingfenceError, from_os_error
from ringfence.inroot import open_in_root
from ringfence.settings import FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.domain import Boot
    from ringfence.drivers.xen.environment import Said
    from ringfence.settings import XenSettings

LARGEST = 256 << 20
NAMES = {"RUNX_KERNEL": ("kernel", "kernel_by"), "RUNX_RAMDISK": ("initrd", "initrd_by")}


def from_image(boot: Boot, said: dict[str, Said], settings: XenSettings, rootfs: str, state: str) -> Boot:
    """What the guest is booted with, by the image's own files; create makes private copies of them.

    Raises:
        RingfenceError: the image may not bring its own, or they are not there.
    """
    root = posix.open(rootfs, posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC)
    try:
        for name, (file, by) in NAMES.items():
            if name not in said:
                continue
            if not settings.image_kernels:
                hint = f"it may where xen.image-kernels of {FILE} is true"
                raise RingfenceError(
                    f"an image may not bring its own kernel: {name}", field=said[name].field, hint=hint
                )
            check(root, said[name], name)
            boot = changed(boot, **{file: f"{state}/{file}", by: said[name].field})
            boot = changed(boot, copies=(*boot.copies, (said[name].value, f"{state}/{file}")))
            boot = changed(boot, modules="") if file == "kernel" else boot
    finally:
        posix.close(root)
    return boot


def opened(root: int, path: str, field: str, name: str) -> int:
    """A regular file of the image that no link leads out of, of a bounded size.

    Raises:
        RingfenceError: it is something else.
    """
    try:
        descriptor = open_in_root(root, path)
    except OSError as error:
        raise from_os_error(f"{name}: cannot open {path} in the image", error, field=field) from None
    found = posix.fstat(descriptor)
    if not S_ISREG(found.st_mode) or found.st_size > LARGEST:
        posix.close(descriptor)
        raise RingfenceError(f"{name}: {path} is no regular file of at most {LARGEST >> 20} MiB", field=field)
    return descriptor


def check(root: int, said: Said, name: str) -> None:
    """See that a file is there.

    Raises:
        RingfenceError: it is not.
    """
    posix.close(opened(root, said.value, said.field, name))


def copied(rootfs: str, path: str, to: str) -> None:
    """A private copy of a file of the image: what changes there later changes nothing here.

    Raises:
        RingfenceError: it is gone, or cannot be written.
    """
    from ringfence.container.domain_birth import write_bytes

    root = posix.open(rootfs, posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC)
    try:
        descriptor = opened(root, path, "", "the image's kernel")
        with open(descriptor, "rb") as file:
            write_bytes(to, file.read(LARGEST))
    except OSError as error:
        raise from_os_error(f"cannot copy {path} of the image", error) from None
    finally:
        posix.close(root)
