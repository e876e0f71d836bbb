"""The compiled system call filter, from the cache where the same section has been compiled before.

Making the program of Docker's default profile takes 12 ms, with ctypes and libseccomp; reading it back 0.2 ms.
"""

from __future__ import annotations

import posix
from _blake2 import blake2b
from _stat import S_ISDIR

from ringfence import paths
from ringfence.errors import RingfenceError
from ringfence.record import Record
from ringfence.seccomp.names import FLAG_NEW_LISTENER, FLAG_SPEC_ALLOW, FLAG_WAIT_KILLABLE_RECV, FLAGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.types import Seccomp

# Changed with every change to what is made from the same section, so that old files are not taken.
FORMAT = b"ringfence filter 2\n"
DIGEST_SIZE = 32
LARGEST = DIGEST_SIZE + 8 * 4096  # BPF_MAXINSNS of struct sock_filter
NOTIFY = "SCMP_ACT_NOTIFY"


class Filter(Record):
    """A program of struct sock_filter and the SECCOMP_FILTER_FLAG_* it is loaded with (seccomp(2))."""

    program: bytes
    flags: int

    @property
    def listener(self) -> bool:
        """Whether an agent is asked about some calls."""
        return bool(self.flags & FLAG_NEW_LISTENER)


def compile_filter(seccomp: Seccomp, machine: str, cache: str | None) -> Filter:
    """Compile the section for a machine (``uname -m``), by way of the cache folder if one is given.

    Raises:
        RingfenceError: libseccomp is missing or does not know an architecture, the filter is too long for Linux, or
            this kernel does not know a flag.
    """
    flags = filter_flags(seccomp)
    name = digest(seccomp, machine)
    if cache and (program := read_cached(cache, name)):
        return Filter(program, flags)
    # ctypes and libseccomp: the cold path.
    from ringfence.seccomp.compile import compile_program

    if machine == posix.uname().machine:
        check_flags(flags)
    program = compile_program(seccomp, machine)
    if cache:
        write_cached(cache, name, program)
    return Filter(program, flags)


def filter_flags(seccomp: Seccomp) -> int:
    """The flags of the section; without any, speculation is left as it is (LNX-SEC-08).

    The kernel refuses WAIT_KILLABLE_RECV without a listener, where it would mean nothing.
    """
    flags = FLAG_SPEC_ALLOW if seccomp.flags is None else 0
    for flag in seccomp.flags or ():
        flags |= FLAGS[flag]
    if any(entry.action == NOTIFY for entry in seccomp.syscalls):
        return flags | FLAG_NEW_LISTENER
    return flags & ~FLAG_WAIT_KILLABLE_RECV


def check_flags(flags: int) -> None:
    """Ask this kernel about the flags that came later than all else that ringfence needs (LNX-SEC-08, LNX-SEC-12).

    Raises:
        RingfenceError: the kernel does not know one.
    """
    if not flags & FLAG_NEW_LISTENER:
        return
    from ringfence.seccomp.calls import kernel_takes

    if not kernel_takes(FLAG_NEW_LISTENER):
        raise RingfenceError(
            "seccomp notify unsupported: the kernel has no SECCOMP_FILTER_FLAG_NEW_LISTENER",
            field="/linux/seccomp",
            hint="SCMP_ACT_NOTIFY needs Linux 5.0",
        )
    if not kernel_takes(flags):
        raise RingfenceError(
            "seccomp flag SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is not supported by the kernel",
            field="/linux/seccomp/flags",
            hint="it needs Linux 5.19",
        )


def digest(seccomp: Seccomp, machine: str) -> str:
    """The name of a section's cache file."""
    told = f"{machine} {seccomp!r}".encode("utf-8", "surrogatepass")
    return blake2b(FORMAT + told, digest_size=DIGEST_SIZE).hexdigest()


def is_ours(folder: str) -> bool:
    """Whether nobody else can write into a folder: a filter from it is loaded unseen."""
    try:
        found = posix.lstat(folder)
    except OSError:
        return False
    return S_ISDIR(found.st_mode) and found.st_uid == posix.geteuid() and not found.st_mode & 0o022


def read_cached(cache: str, name: str) -> bytes:
    """The program of a cache file; b"" when there is none or it is not whole."""
    if not is_ours(cache):
        return b""
    try:
        descriptor = posix.open(
            f"{cache}/{name}.bpf", posix.O_RDONLY | posix.O_CLOEXEC | posix.O_NOFOLLOW | posix.O_NONBLOCK
        )
    except OSError:
        return b""
    try:
        content = posix.read(descriptor, LARGEST + 1)
    except OSError:
        return b""
    finally:
        posix.close(descriptor)
    program = content[DIGEST_SIZE:]
    return program if checksum(name, program) == content[:DIGEST_SIZE] else b""


def checksum(name: str, program: bytes) -> bytes:
    """What a cache file begins with, to tell a whole one of that name."""
    return blake2b(FORMAT + name.encode() + program, digest_size=DIGEST_SIZE).digest()


def write_cached(cache: str, name: str, program: bytes) -> None:
    """Keep a program. A cache that cannot be written is no reason not to run the container."""
    beside = f"{cache}/{name}.{posix.getpid()}.new"
    try:
        if not paths.isdir(cache):
            posix.mkdir(cache, 0o700)
        if not is_ours(cache):
            return
        descriptor = posix.open(
            beside, posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC | posix.O_NOFOLLOW | posix.O_CLOEXEC, 0o600
        )
        try:
            whole = posix.write(descriptor, checksum(name, program) + program) == DIGEST_SIZE + len(program)
        finally:
            posix.close(descriptor)
        if whole:
            posix.rename(beside, f"{cache}/{name}.bpf")
        else:
            posix.unlink(beside)
    except OSError:
        return
