"""The QEMU of this host: whether it is there and new enough."""

from __future__ import annotations

import posix

from ringfence.container.record import write_whole
from ringfence.drivers.microvm.machine import QEMU
from ringfence.errors import RingfenceError, from_os_error
from ringfence.host.probe import read_or

LEAST = (7, 2)
INSTALL = "install it; in Debian and Ubuntu the package is qemu-system-x86"
FILE = "qemu"
SAID = b"QEMU emulator version "


def check_hypervisor(cache: str | None) -> None:
    """See that QEMU can be used. What it says of its version is kept in the folder ``cache`` (MVM-QEMU-12).

    Raises:
        RingfenceError: it is missing, too old, or says nothing.
    """
    if not posix.access(QEMU, posix.X_OK):
        raise RingfenceError(f"there is no QEMU at {QEMU}", hint=INSTALL)
    found = posix.stat(QEMU)
    identity = f"{QEMU} {found.st_size} {found.st_mtime_ns} ".encode()
    kept = read_or(f"{cache}/{FILE}", b"") if cache else b""
    if kept.startswith(identity + SAID):
        return check_version(kept.removeprefix(identity))
    said = version_line()
    check_version(said)
    return keep(cache, identity + said) if cache else None


def keep(cache: str, line: bytes) -> None:
    """Keep what was said. A cache that cannot be written to is no reason not to run the container."""
    try:
        if not posix.access(cache, posix.F_OK):
            posix.mkdir(cache, 0o700)
        write_whole(f"{cache}/{FILE}", line.decode("utf-8", "surrogateescape"))
    except OSError:
        return


def version_line() -> bytes:
    """The first line of ``--version``.

    Raises:
        RingfenceError: it cannot be executed.
    """
    import subprocess  # 9 ms, once for each new QEMU

    try:
        told = subprocess.run([QEMU, "--version"], capture_output=True, check=False, env={"PATH": "/usr/bin:/bin"})
    except OSError as error:
        raise from_os_error(f"cannot execute {QEMU}", error, hint=INSTALL) from None
    return told.stdout.partition(b"\n")[0]


def check_version(said: bytes) -> None:
    """See that a line names a version that is new enough.

    Raises:
        RingfenceError: it does not.
    """
    words = said.removeprefix(SAID).split()
    numbers = words[0].split(b".")[:2] if words and said.startswith(SAID) else []
    if len(numbers) < 2 or not all(number.isdigit() and len(number) < 5 for number in numbers):
        shown = said.decode("utf-8", "backslashreplace")[:80]
        raise RingfenceError(f"{QEMU} does not tell its version but {shown!r}", hint=INSTALL)
    if tuple(map(int, numbers)) < LEAST:
        wanted = ".".join(map(str, LEAST))
        raise RingfenceError(f"QEMU is too old: {QEMU} is {words[0].decode('ascii', 'replace')}, wanted is {wanted}")
