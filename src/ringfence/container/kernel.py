"""Which kernel a guest gets."""

from __future__ import annotations

import posix

from ringfence.errors import RingfenceError
from ringfence.record import Record

CACHE = "/var/cache/ringfence/guest"
OWN = f"{CACHE}/current/vmlinux"
STOCK, MODULES = f"{CACHE}/stock/vmlinuz", f"{CACHE}/stock/modules.cpio"


class Kernel(Record):
    """A kernel's file, and the ramdisk of the modules that a distribution's needs, "" for our own, which has none."""

    path: str
    modules: str = ""


def kernel() -> Kernel:
    """Our own if it has been built, else the distribution's (MVM-KERNEL-06).

    Raises:
        RingfenceError: there is neither.
    """
    if posix.access(OWN, posix.R_OK):
        return Kernel(OWN)
    if posix.access(STOCK, posix.R_OK) and posix.access(MODULES, posix.R_OK):
        return Kernel(STOCK, MODULES)
    hint = "build it with `make guest`, or take the distribution's with `make guest-stock`"
    raise RingfenceError(f"there is no kernel for guests at {OWN}", hint=hint)
