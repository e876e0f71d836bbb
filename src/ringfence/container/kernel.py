"""Which kernel a guest gets."""

from __future__ import annotations

import posix

from ringfence.drivers.guest.ramdisk import KNOWN
from ringfence.errors import RingfenceError, from_os_error
from ringfence.record import Record

CACHE = "/var/cache/ringfence/guest"
IS_ARM = posix.uname().machine == "aarch64"
OWN = f"{CACHE}/current/{'Image' if IS_ARM else 'vmlinux'}"
STOCK, MODULES = f"{CACHE}/stock/vmlinuz", f"{CACHE}/stock/modules.cpio"

FIELD = "/vm/kernel/path"
FORMAT, REGULAR, READABLE_BY_ALL = 0o170000, 0o100000, 0o004
ARM_MAGIC = 56
"""Where the form Image has its magic number (Documentation/arm64/booting.rst)."""
ELF, HEAD, BOOT_MAGIC = b"\x7fELF\x02\x01", 1024, 0x202
"""ELF of 64 bits, little endian; where a bzImage has its magic (Documentation/arch/x86/boot.rst)."""
PT_NOTE, LONGEST_NOTES = 4, 1 << 16

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.types import VirtualMachine


class Kernel(Record):
    """A kernel's file, and the ramdisk of the modules that a distribution's needs, "" for our own, which has none.

    ``packed``: it is a bzImage, as distributions have it, and wants a whole PC; ours is an ELF for the small board.
    ``is_arm``: it is an Image for aarch64.
    """

    path: str
    modules: str = ""
    packed: bool = False
    is_arm: bool = False


def kernel_for(machine: VirtualMachine | None) -> Kernel:
    """The kernel that a configuration names, else one of this host (MVM-KERNEL-06).

    Raises:
        RingfenceError: it is missing or none that can be started, or the host has none.
    """
    if machine and machine.kernel:
        return named_kernel(machine.kernel.path)
    return kernel()


def named_kernel(path: str) -> Kernel:
    """The kernel at a path of config.json (MVM-KERNEL-07).

    Raises:
        RingfenceError: it is no file, QEMU's user may not read it, or its format is neither of the two known.
    """
    try:
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC | posix.O_NONBLOCK)
    except OSError as error:
        raise from_os_error(f"cannot open the kernel {path}", error, field=FIELD) from None
    try:
        mode = posix.fstat(descriptor).st_mode
        if mode & FORMAT != REGULAR:
            raise RingfenceError(f"the kernel {path} is not a regular file", field=FIELD)
        if not mode & READABLE_BY_ALL:
            hint = "QEMU runs as nobody: chmod o+r"
            raise RingfenceError(f"the kernel {path} cannot be read by QEMU's user", field=FIELD, hint=hint)
        head = posix.pread(descriptor, HEAD, 0)
        if not IS_ARM and head.startswith(ELF) and has_pvh_note(descriptor, head):
            return Kernel(path)
    finally:
        posix.close(descriptor)
    if IS_ARM and head[ARM_MAGIC : ARM_MAGIC + 4] == b"ARMd":
        return Kernel(path, is_arm=True)
    if not IS_ARM and head[BOOT_MAGIC : BOOT_MAGIC + 4] == b"HdrS":
        return Kernel(path, packed=True)
    forms = "no Image for aarch64" if IS_ARM else "neither an ELF kernel with a PVH note nor a bzImage"
    raise RingfenceError(f"{path} is {forms}", field=FIELD)


def ramdisk_for(machine: VirtualMachine | None, memory: int) -> str:
    """The path of the configuration's own ramdisk, "" for none (MVM-KERNEL-08); ``memory`` is the machine's, in MiB.

    Raises:
        RingfenceError: it is no file, too large, or nothing that our kernel unpacks.
    """
    path = machine.kernel.initrd if machine and machine.kernel else None
    if not path:
        return ""
    field = "/vm/kernel/initrd"
    try:
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC | posix.O_NONBLOCK)
    except OSError as error:
        raise from_os_error(f"cannot open the ramdisk {path}", error, field=field) from None
    try:
        found = posix.fstat(descriptor)
        head = posix.pread(descriptor, 6, 0) if found.st_mode & FORMAT == REGULAR else b""
    finally:
        posix.close(descriptor)
    if not head.startswith(KNOWN):
        hint = "what a guest unpacks is a cpio archive of the form newc, plain or by gzip or lz4"
        raise RingfenceError(f"{path} is no ramdisk", field=field, hint=hint)
    if found.st_size > memory << 19:
        raise RingfenceError(f"the ramdisk {path} has more than half the size of the machine's memory", field=field)
    return path


def has_pvh_note(descriptor: int, head: bytes) -> bool:
    """Whether a 64-bit ELF file says where a machine may enter it: elf(5), and Xen's note XEN_ELFNOTE_PHYS32_ENTRY."""
    table, size, count = (int.from_bytes(head[at : at + width], "little") for at, width in ((32, 8), (54, 2), (56, 2)))
    for index in range(count):
        header = posix.pread(descriptor, 56, table + index * size)
        if int.from_bytes(header[:4], "little") != PT_NOTE:
            continue
        offset, length = int.from_bytes(header[8:16], "little"), int.from_bytes(header[32:40], "little")
        notes = posix.pread(descriptor, min(length, LONGEST_NOTES), offset)
        if b"\x12\0\0\0Xen\0" in notes:
            return True
    return False


def kernel() -> Kernel:
    """Our own if it has been built, else the distribution's (MVM-KERNEL-06).

    Raises:
        RingfenceError: there is neither.
    """
    if posix.access(OWN, posix.R_OK):
        return Kernel(OWN, is_arm=IS_ARM)
    if posix.access(STOCK, posix.R_OK) and posix.access(MODULES, posix.R_OK):
        return Kernel(STOCK, MODULES, packed=True)
    hint = "build it with `make guest`, or take the distribution's with `make guest-stock`"
    raise RingfenceError(f"there is no kernel for guests at {OWN}", hint=hint)
