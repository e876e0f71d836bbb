"""The numbers of system calls on each architecture, from libseccomp's tables by ctypes; off the hot path.

Only its tables are used: they need no memory that a config.json could spoil (GHSA-46fr-jh49-xvhx, GHSA-2hqh-5c36-grrm).
"""

from __future__ import annotations

import ctypes
import os
from errno import EINVAL

from ringfence.errors import RingfenceError
from ringfence.seccomp.names import ARCHITECTURES, FLAG_NEW_LISTENER, FLAG_WAIT_KILLABLE_RECV, FLAGS, MACHINES

LIBRARY = "libseccomp.so.2"
SECCOMP_SET_MODE_FILTER = 1
# ARM has private calls from here on; they are old, whatever their numbers.
ARM_PRIVATE = 0xF0000
# Numbers are dense above a base that only MIPS sets, in steps of a thousand; Linux 6.18 has 470.
BASE_STEP, DENSE = 1000, 1000

# The calls that socketcall(2) and ipc(2) perform, by the number in their first argument: <linux/net.h>, <linux/ipc.h>.
SOCKETCALL = {
    "socket": 1,
    "bind": 2,
    "connect": 3,
    "listen": 4,
    "accept": 5,
    "getsockname": 6,
    "getpeername": 7,
    "socketpair": 8,
    "send": 9,
    "recv": 10,
    "sendto": 11,
    "recvfrom": 12,
    "shutdown": 13,
    "setsockopt": 14,
    "getsockopt": 15,
    "sendmsg": 16,
    "recvmsg": 17,
    "accept4": 18,
    "recvmmsg": 19,
    "sendmmsg": 20,
}
IPC = {
    "semop": 1,
    "semget": 2,
    "semctl": 3,
    "semtimedop": 4,
    "msgsnd": 11,
    "msgrcv": 12,
    "msgget": 13,
    "msgctl": 14,
    "shmat": 21,
    "shmdt": 22,
    "shmget": 23,
    "shmctl": 24,
}
# By multiplexing call: the calls it performs, and the bits of its first argument that the kernel heeds.
MULTIPLEXERS = {"socketcall": (SOCKETCALL, 0xFFFFFFFF), "ipc": (IPC, 0xFFFF)}


class Version(ctypes.Structure):
    """struct scmp_version."""

    _fields_ = (("major", ctypes.c_uint), ("minor", ctypes.c_uint), ("micro", ctypes.c_uint))


def library() -> ctypes.CDLL:
    """libseccomp with the types of the functions used here.

    Raises:
        RingfenceError: it is not installed.
    """
    try:
        loaded = ctypes.CDLL(LIBRARY)
    except OSError:
        raise RingfenceError(
            f"config.json#/linux/seccomp: cannot load {LIBRARY}",
            field="/linux/seccomp",
            hint="install libseccomp (Debian and Ubuntu: libseccomp2, others: libseccomp)",
        ) from None
    loaded.seccomp_version.restype = ctypes.POINTER(Version)
    loaded.seccomp_syscall_resolve_name_arch.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    loaded.seccomp_syscall_resolve_num_arch.argtypes = [ctypes.c_uint32, ctypes.c_int]
    loaded.seccomp_syscall_resolve_num_arch.restype = ctypes.c_void_p  # to be freed, so not c_char_p
    loaded.free.argtypes = [ctypes.c_void_p]  # the C library's, found through libseccomp
    return loaded


def library_version() -> str:
    """libseccomp's version, "" if it is not installed."""
    try:
        found = library().seccomp_version().contents
    except RingfenceError:
        return ""
    return f"{found.major}.{found.minor}.{found.micro}"


class Calls:
    """The system calls of one architecture (a value of ``names.ARCHITECTURES``)."""

    def __init__(self, loaded: ctypes.CDLL, architecture: int) -> None:
        self._loaded = loaded
        self._architecture = architecture
        self._direct: dict[str, int] | None = None

    @property
    def known(self) -> bool:
        """Whether this libseccomp has the architecture's table."""
        return self._resolve("read") >= 0

    def number(self, name: str) -> int:
        """A call's number, negative when there is none here or this libseccomp does not know of it.

        Where a call can be made through a multiplexer, libseccomp hides the number it has of its own.
        """
        number = self._resolve(name)
        if number < 0 and any(name in performed for performed, _ in MULTIPLEXERS.values()):
            return self._hidden().get(name, -1)
        return number

    def _resolve(self, name: str) -> int:
        if not name.isascii() or "\0" in name:
            return -1
        return int(self._loaded.seccomp_syscall_resolve_name_arch(self._architecture, name.encode()))

    def _hidden(self) -> dict[str, int]:
        """The table the other way round, read once; empty where nothing is multiplexed."""
        if self._direct is None:
            base = self._resolve("read") // BASE_STEP * BASE_STEP
            multiplexed = any(self._resolve(name) >= 0 for name in MULTIPLEXERS)
            numbers = range(base, base + DENSE) if multiplexed else ()
            self._direct = {name: number for number in numbers if (name := self._name(number))}
        return self._direct

    def _name(self, number: int) -> str:
        found = self._loaded.seccomp_syscall_resolve_num_arch(self._architecture, number)
        if not found:
            return ""
        name = ctypes.string_at(found).decode()
        self._loaded.free(found)
        return name


def kernel_takes(flags: int) -> bool:
    """Whether this kernel knows the SECCOMP_FILTER_FLAG_* bits: it looks at them before it looks for a filter.

    A kernel that does not answer, such as below a filter that forbids seccomp(2), is trusted to know them.
    """
    native = MACHINES.get(os.uname().machine)
    number = Calls(library(), ARCHITECTURES[native]).number("seccomp") if native else -1
    if number < 0:
        return True
    call = ctypes.CDLL(None, use_errno=True).syscall
    return call(number, SECCOMP_SET_MODE_FILTER, flags, None) == 0 or ctypes.get_errno() != EINVAL


def supported_flags() -> list[str]:
    """The names of the flags that this kernel knows, sorted; without libseccomp those that need no asking."""
    later = {name for name, bit in FLAGS.items() if bit == FLAG_WAIT_KILLABLE_RECV}
    try:
        if kernel_takes(FLAG_WAIT_KILLABLE_RECV | FLAG_NEW_LISTENER):
            later = set()
    except RingfenceError:
        pass
    return sorted(FLAGS.keys() - later)


def known_architectures() -> list[str]:
    """The names of the architectures whose calls this libseccomp knows, sorted; none without it."""
    try:
        loaded = library()
    except RingfenceError:
        return []
    return sorted(name for name, token in ARCHITECTURES.items() if Calls(loaded, token).known)
