"""The QEMU of this host: whether it is there and new enough."""

from __future__ import annotations

import posix

from ringfence.container.record import keep_cached
from ringfence.drivers.microvm.machine import QEMU
from ringfence.errors import RingfenceError, from_os_error
from ringfence.host.probe import read_or
from ringfence.settings import FILE as FILE_OF_SETTINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.settings import Settings
    from ringfence.spec.types import VirtualMachine

LEAST = (7, 2)
INSTALL = "install it; in Debian and Ubuntu the package is qemu-system-x86 (qemu-system-arm for aarch64)"
FILE = "qemu"
SAID = b"QEMU emulator version "


def hypervisor_for(machine: VirtualMachine | None, settings: Settings, rootfs: str) -> str:
    """The path of the program that a container's machine is run by (MVM-QEMU-12, MVM-CCOR-03).

    Raises:
        RingfenceError: the bundle names one and may not, or one that lies in the container's root.
    """
    named = machine.hypervisor if machine else None
    if named is None:
        return settings.hypervisor or QEMU + posix.uname().machine
    field = "/vm/hypervisor/path"
    if not settings.bundle_hypervisor:
        hint = f"it may where vm.allow-bundle-hypervisor of {FILE_OF_SETTINGS} is true"
        raise RingfenceError("a bundle may not name its hypervisor", field=field, hint=hint)
    if named.path not in settings.hypervisors or f"{named.path}/".startswith(f"{rootfs}/"):
        hint = f"those that a bundle may name are listed in vm.hypervisors of {FILE_OF_SETTINGS}"
        raise RingfenceError(f"a bundle may not name the hypervisor {named.path}", field=field, hint=hint)
    if named.parameters:
        raise RingfenceError("parameters of a hypervisor are not supported", field="/vm/hypervisor/parameters")
    return named.path


def check_hypervisor(path: str, cache: str | None) -> None:
    """See that QEMU can be used. What it says of its version is kept in the folder ``cache`` (MVM-QEMU-12).

    Raises:
        RingfenceError: it is missing, too old, or says nothing.
    """
    if not posix.access(path, posix.X_OK):
        raise RingfenceError(f"there is no QEMU at {path}", hint=INSTALL)
    found = posix.stat(path)
    identity = f"{path} {found.st_size} {found.st_mtime_ns} ".encode()
    kept = read_or(f"{cache}/{FILE}", b"") if cache else b""
    if kept.startswith(identity + SAID):
        return check_version(path, kept.removeprefix(identity))
    said = version_line(path)
    check_version(path, said)
    return keep_cached(cache, FILE, (identity + said).decode("utf-8", "surrogateescape"))


def version_line(path: str) -> bytes:
    """The first line of ``--version``.

    Raises:
        RingfenceError: it cannot be executed, or fails.
    """
    import subprocess  # 9 ms, once for each new QEMU

    try:
        told = subprocess.run([path, "--version"], capture_output=True, check=False, env={"PATH": "/usr/bin:/bin"})
    except OSError as error:
        raise from_os_error(f"cannot execute {path}", error, hint=INSTALL) from None
    if told.returncode:
        words = told.stderr.decode("utf-8", "backslashreplace").strip().partition("\n")[0]
        raise RingfenceError(f"{path} --version has failed: {words or told.returncode}")
    return told.stdout.partition(b"\n")[0]


def check_version(path: str, said: bytes) -> None:
    """See that a line names a version that is new enough.

    Raises:
        RingfenceError: it does not.
    """
    words = said.removeprefix(SAID).split()
    numbers = words[0].split(b".")[:2] if words and said.startswith(SAID) else []
    if len(numbers) < 2 or not all(number.isdigit() and len(number) < 5 for number in numbers):
        shown = said.decode("utf-8", "backslashreplace")[:80]
        raise RingfenceError(f"{path} does not tell its version but {shown!r}", hint=INSTALL)
    if tuple(map(int, numbers)) < LEAST:
        wanted = ".".join(map(str, LEAST))
        raise RingfenceError(f"QEMU is too old: {path} is {words[0].decode('ascii', 'replace')}, wanted is {wanted}")
