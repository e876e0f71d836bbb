"""The compiled system call filter, from the cache where the same section has been compiled before.

Compiling Docker's default profile takes libseccomp 15 ms and ctypes 3 more; reading it from the cache 0.1 ms.
"""

from __future__ import annotations

import os
import stat
from _blake2 import blake2b

from ringfence.errors import RingfenceError
from ringfence.record import Record
from ringfence.seccomp.names import FLAG_NEW_LISTENER, FLAG_SPEC_ALLOW, FLAGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.types import Seccomp

# Changed with every change to what is compiled from the same section, so that old files are not taken.
FORMAT = b"ringfence filter 1\n"
DIGEST_SIZE = 32
MOST_INSTRUCTIONS = 65535


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
        RingfenceError: libseccomp is missing or refuses the section.
    """
    flags = filter_flags(seccomp)
    name = digest(seccomp, machine)
    if cache and (program := read_cached(cache, name)):
        return Filter(program, flags)
    # ctypes and libseccomp: the cold path.
    from ringfence.seccomp.libseccomp import compile_program

    program = compile_program(seccomp, machine)
    if len(program) // 8 > MOST_INSTRUCTIONS:
        raise RingfenceError(
            "config.json#/linux/seccomp: the filter is too long for the kernel", field="/linux/seccomp"
        )
    if cache:
        write_cached(cache, name, program)
    return Filter(program, flags)


def filter_flags(seccomp: Seccomp) -> int:
    """The flags of the section; without any, speculation is left as it is (LNX-SEC-08)."""
    if seccomp.flags is None:
        return FLAG_SPEC_ALLOW
    found = 0
    for flag in seccomp.flags:
        found |= FLAGS[flag]
    return found


def digest(seccomp: Seccomp, machine: str) -> str:
    """The name of a section's cache file."""
    told = f"{machine} {seccomp!r}".encode("utf-8", "surrogatepass")
    return blake2b(FORMAT + told, digest_size=DIGEST_SIZE).hexdigest()


def is_ours(folder: str) -> bool:
    """Whether nobody else can write into a folder: a filter from it is loaded unseen."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def read_cached(cache: str, name: str) -> bytes:
    """The program of a cache file; b"" when there is none or it is not whole."""
    if not is_ours(cache):
        return b""
    try:
        descriptor = os.open(f"{cache}/{name}.bpf", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return b""
    try:
        content = os.read(descriptor, DIGEST_SIZE + 8 * MOST_INSTRUCTIONS)
    finally:
        os.close(descriptor)
    sum_, program = content[:DIGEST_SIZE], content[DIGEST_SIZE:]
    return program if len(program) % 8 == 0 and checksum(program) == sum_ else b""


def checksum(program: bytes) -> bytes:
    """What a cache file begins with, to tell a whole one."""
    return blake2b(FORMAT + program, digest_size=DIGEST_SIZE).digest()


def write_cached(cache: str, name: str, program: bytes) -> None:
    """Keep a program. A cache that cannot be written is no reason not to run the container."""
    beside = f"{cache}/{name}.{os.getpid()}.new"
    try:
        os.makedirs(cache, 0o700, exist_ok=True)
        if not is_ours(cache):
            return
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            whole = os.write(descriptor, checksum(program) + program) == DIGEST_SIZE + len(program)
        finally:
            os.close(descriptor)
        if whole:
            os.rename(beside, f"{cache}/{name}.bpf")
        else:
            os.unlink(beside)
    except OSError:
        return
