"""A Python of Linux made to look like one of FreeBSD 14: names that it has not are taken away, numbers are its own.

Run as a program, it imports every module of the package in the folder given, for each of the platform's names, and asks
for the help of every command; each failure is a line of its output.
"""

from __future__ import annotations

import _signal
import _socket
import builtins
import errno
import fcntl
import importlib
import os
import pkgutil
import posix
import resource
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

ABSENT: list[tuple[tuple[ModuleType, ...], str, str]] = [
    (
        (os, posix),
        "pidfd_open memfd_create splice getrandom getxattr setxattr listxattr removexattr unshare setns",
        "MFD_ EFD_ eventfd SPLICE_ GRND_ XATTR_ sched_ SCHED_ CLONE_ O_PATH O_TMPFILE O_NOATIME P_PIDFD RWF_",
    ),
    ((signal, _signal), "pidfd_send_signal SIGPWR SIGSTKFLT SIGPOLL SIGCLD", ""),
    ((select,), "epoll POLLRDHUP POLLMSG", "EPOLL"),
    (
        (socket, _socket),
        "SO_PASSCRED SO_PEERCRED SO_DOMAIN SO_PROTOCOL SO_BINDTODEVICE SO_MARK SCM_CREDENTIALS SO_PEERSEC",
        "AF_NETLINK AF_VSOCK AF_PACKET AF_ALG AF_CAN AF_TIPC AF_QIPCRTR AF_RDS NETLINK_ VM PACKET_ ALG_ CAN_ TIPC_",
    ),
    (
        (resource,),
        "prlimit RLIMIT_NICE RLIMIT_RTPRIO RLIMIT_RTTIME RLIMIT_SIGPENDING RLIMIT_MSGQUEUE RLIMIT_OFILE",
        "",
    ),
    (
        (fcntl,),
        "F_GETPIPE_SZ F_SETPIPE_SZ F_ADD_SEALS F_GET_SEALS F_NOTIFY F_SETSIG F_GETSIG",
        "F_SEAL_ F_OFD_ DN_ F_SETLEASE",
    ),
    (
        (errno,),
        "ENODATA EBADFD EUCLEAN ENOTUNIQ EREMCHG ENOMEDIUM EMEDIUMTYPE ENOKEY EKEYEXPIRED ENONET ECHRNG EBADR ERFKILL",
        "",
    ),
]
"""Modules, names that are not on FreeBSD, and beginnings of such names."""
NUMBERS = {
    "SIGEMT": 7,
    "SIGBUS": 10,
    "SIGSYS": 12,
    "SIGURG": 16,
    "SIGSTOP": 17,
    "SIGTSTP": 18,
    "SIGCONT": 19,
    "SIGCHLD": 20,
    "SIGTTIN": 21,
    "SIGTTOU": 22,
    "SIGIO": 23,
    "SIGINFO": 29,
    "SIGUSR1": 30,
    "SIGUSR2": 31,
    "SIGRTMIN": 65,
    "SIGRTMAX": 126,
}
SIGTHR = 32
"""The signal that the library of threads keeps for itself: nobody can handle it."""
LINUX_ONLY = ("/proc", "/sys/", "/sys")


def disguise(platform: str) -> None:
    """Make the modules look as they do there, and signals have the numbers that they have there."""
    strip(platform)
    for module in (signal, _signal):
        for name, number in NUMBERS.items():
            setattr(module, name, number)


def strip(platform: str) -> None:
    """Take away what is not there, and let calls refuse what they refuse there; the process goes on with its work."""
    sys.platform = platform
    for modules, names, beginnings in ABSENT:
        for module in modules:
            for name in dir(module):
                if name in names.split() or name.startswith(tuple(beginnings.split()) or ("\0",)):
                    delattr(module, name)
    release = posix.uname_result(("FreeBSD", "host", "14.0-STABLE", "FreeBSD 14.0-STABLE", "amd64"))
    posix.uname = os.uname = lambda: release
    for module, name in (
        (posix, "open"),
        (os, "open"),
        (builtins, "open"),
        (posix, "stat"),
        (os, "stat"),
        (posix, "listdir"),
    ):
        setattr(module, name, guarded(getattr(module, name)))
    posix.fchown = os.fchown = owned(posix.fchown)
    valid = _signal.valid_signals() | {SIGTHR}
    _signal.valid_signals = signal.valid_signals = lambda: valid


def owned(call: Callable[..., None]) -> Callable[..., None]:
    """fchown(2), which a pipe without a name refuses."""

    def checked(descriptor: int, *ids: int) -> None:
        facts = posix.fstat(descriptor)
        if facts.st_mode & 0o170000 == 0o010000 and facts.st_nlink == 1 and facts.st_size == 0:
            raise OSError(errno.EINVAL, "Invalid argument")
        call(descriptor, *ids)

    return checked


def guarded(call: Callable[..., Any]) -> Callable[..., Any]:
    """The call, which fails for what is not there."""

    def checked(path: Any, *rest: Any, **more: Any) -> Any:
        if isinstance(path, str) and path.startswith(LINUX_ONLY):
            raise AssertionError(f"{path} is looked at")
        return call(path, *rest, **more)

    return checked


def modules(folder: str) -> list[str]:
    """The names of all modules of ringfence."""
    return ["ringfence", *(found.name for found in pkgutil.walk_packages([f"{folder}/ringfence"], "ringfence."))]


def failure(what: str, call: Callable[..., object], given: object) -> list[str]:
    """What goes wrong in a call, if anything does."""
    try:
        call(given)
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return [f"{what}: {error!r} at {place.filename}:{place.lineno}"]
    return []


def help_of(words: list[str]) -> None:
    """The help of a command has to be a success; what it prints goes to standard output."""
    from ringfence.cli.main import command

    status = command("ringfence", words)
    assert status == 0, status


def main(folder: str, platform: str) -> list[str]:
    """All that goes wrong."""
    sys.path.insert(0, folder)
    # pkgutil imports packages as it walks, so it walks before the names are gone; what it imported is forgotten.
    names = modules(folder)
    for name in [name for name in sys.modules if name.partition(".")[0] == "ringfence"]:
        del sys.modules[name]
    disguise(platform)
    failures = [one for name in names for one in failure(name, importlib.import_module, name)]
    from ringfence.cli.options import SUBVERBS, VERBS

    for words in [["--help"], *([name] for name in VERBS), *(name.split() for name in SUBVERBS)]:
        line = words if words == ["--help"] else [*words, "--help"]
        failures += failure(" ".join(line), help_of, line)
    return failures


if __name__ == "__main__":
    found = main(sys.argv[1], sys.argv[2])
    os.write(2, "".join(f"{line}\n" for line in found).encode())
    os._exit(1 if found else 0)
