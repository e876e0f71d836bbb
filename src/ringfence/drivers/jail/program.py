"""Finding the program, and the home of its user, inside the jail (JAIL-CREATE-05, JAIL-PROC-03, JAIL-PROC-07)."""

from __future__ import annotations

import errno
import os
import stat

from ringfence.errors import RingfenceError

ARGS = "/process/args"
PASSWD = "/etc/passwd"
PASSWD_LARGEST = 16 << 20


def environment_of(entries: tuple[str, ...]) -> dict[str, str]:
    """The variables, of each name the last."""
    return dict(entry.partition("=")[::2] for entry in entries)


def with_home(environment: dict[str, str], uid: int) -> dict[str, str]:
    """The same with HOME, if it has none: from the jail's passwd, else ``/``."""
    return environment if environment.get("HOME") else {**environment, "HOME": home_of(uid)}


def home_of(uid: int) -> str:
    """The home of a user as the jail's own file tells it, read as data."""
    try:
        descriptor = os.open(PASSWD, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return "/"
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return "/"
        for line in file.read(PASSWD_LARGEST).splitlines():
            fields = line.split(b":")
            if len(fields) > 5 and fields[2] == b"%d" % uid:
                return fields[5].decode("utf-8", "surrogateescape") or "/"
    return "/"


def find_program(name: str, environment: dict[str, str]) -> str:
    """The path of the program as this very user may execute it; an empty part of PATH is the working directory.

    Raises:
        RingfenceError: there is none, with the words engines look for (LNX-ARGS-03 to 05).
    """
    if "/" in name:
        check(name, name)
        return name
    denied = False
    for folder in environment["PATH"].split(":") if "PATH" in environment else ():
        path = f"{folder or '.'}/{name}"
        number = refusal(path)
        if number == 0:
            return path
        denied |= number == errno.EACCES
    if denied:
        raise not_permitted(name)
    text = f'exec: "{name}": executable file not found in $PATH'
    raise RingfenceError(text, field=ARGS, errno=errno.ENOENT)


def check(name: str, path: str) -> None:
    """Whether a path can be executed.

    Raises:
        RingfenceError: it cannot.
    """
    number = refusal(path)
    if number == errno.EACCES:
        raise not_permitted(name)
    if number:
        text = f'exec: "{name}": stat {path}: {os.strerror(number).lower()}'
        raise RingfenceError(text, field=ARGS, errno=number)


def not_permitted(name: str) -> RingfenceError:
    """It is there and cannot be executed."""
    text = f'exec: "{name}": permission denied'
    return RingfenceError(text, field=ARGS, errno=errno.EACCES)


def refusal(path: str) -> int:
    """Why a path cannot be executed by the effective user, as an errno; 0 if it can."""
    try:
        found = os.stat(path)
    except OSError as error:
        return error.errno or errno.ENOENT
    if not stat.S_ISREG(found.st_mode) or not found.st_mode & 0o111:
        return errno.EACCES
    return 0 if os.access(path, os.X_OK, effective_ids=True) else errno.EACCES
