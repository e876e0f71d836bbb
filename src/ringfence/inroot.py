"""Opening a file of a rootfs as the init does: the kernel resolves every link inside the root.

Python has no openat2(2), so ctypes makes the call: 3 ms that only rare paths pay.
"""

from __future__ import annotations

import ctypes
import posix

OPENAT2 = 437
"""The same number on every architecture (Linux 5.6)."""
RESOLVE_NO_MAGICLINKS, RESOLVE_IN_ROOT = 0x02, 0x10


class How(ctypes.Structure):
    """struct open_how, <linux/openat2.h>."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_in_root(root: int, path: str, flags: int = posix.O_RDONLY | posix.O_NONBLOCK | posix.O_NOCTTY) -> int:
    """Open a file below a descriptor of the root, for reading unless ``flags`` say otherwise; it is close-on-exec.

    Raises:
        OSError: as the kernel gave it.
    """
    how = How(flags | posix.O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    found = int(syscall(OPENAT2, root, path.encode(), ctypes.byref(how), ctypes.sizeof(how)))
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, posix.strerror(number), path)
    return found
