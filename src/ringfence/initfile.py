"""The init as a sealed memfd: the only executable of ours that ever enters a container (CVE-2019-5736)."""

from __future__ import annotations

import errno
import fcntl
import posix

from ringfence import paths
from ringfence.errors import from_os_error

INIT = paths.dirname(__file__) + "/libexec/ringfence-init"
# linux/memfd.h; Linux 6.3 wants to be told (sysctl vm.memfd_noexec), older kernels refuse the flag.
MFD_EXEC = 0x10


def memory_file(name: str, content: bytes, flags: int = 0) -> int:
    """A file in memory with this content, close-on-exec.

    Raises:
        OSError: the kernel refused.
    """
    descriptor = posix.memfd_create(name, posix.MFD_CLOEXEC | flags)
    try:
        while content:
            content = content[posix.write(descriptor, content) :]
    except OSError:
        posix.close(descriptor)
        raise
    return descriptor


def sealed_file(name: str, content: bytes, flags: int = 0) -> int:
    """A file in memory that nobody can change any more.

    Raises:
        OSError: the kernel refused.
    """
    descriptor = memory_file(name, content, posix.MFD_ALLOW_SEALING | flags)
    seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    try:
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    except OSError:
        posix.close(descriptor)
        raise
    return descriptor


def sealed_init() -> int:
    """A descriptor of a fresh copy of the init that nobody can write to.

    Raises:
        RingfenceError: the init has not been built, or memory is short.
    """
    try:
        source = posix.open(INIT, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError as error:
        raise from_os_error(f"cannot open {INIT}", error, hint="build it with: make") from None
    try:
        content = posix.read(source, posix.fstat(source).st_size)
    finally:
        posix.close(source)
    try:
        try:
            return sealed_file("ringfence-init", content, MFD_EXEC)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        return sealed_file("ringfence-init", content)
    except OSError as error:
        raise from_os_error("cannot copy the init", error) from None


def bytes_of(path: str) -> bytes:
    """A file of the host: the init, which is the guest's first process too, or the modules for its kernel.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        return file.read()
