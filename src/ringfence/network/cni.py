"""Reading what ``NETCONF`` names, and looking at the bridge that it wants."""

from __future__ import annotations

import posix
from stat import S_ISREG

from ringfence import paths
from ringfence.errors import RingfenceError, from_os_error
from ringfence.network.netconf import Netconf, changed, parse_netconf, split_value

LARGEST = 1 << 20
WRITABLE_BY_OTHERS = 0o022
DEVICES = "/sys/class/net"
HINT = "the administrator lists the folders of CNI files in ringfence.toml: xen.cni-folders"


def read_netconf(value: str, field: str, folders: tuple[str, ...]) -> Netconf:
    """The network that a value of the variable chooses; ``folders`` are those that its file may lie in.

    Raises:
        RingfenceError: the file is no administrator's, cannot be read, or does not describe the network.
    """
    file, name, requested = split_value(value, field)
    return parse_netconf(trusted_text(file, field, folders), file, name, requested, field)


def trusted_text(path: str, field: str, folders: tuple[str, ...]) -> str:
    """The text of a file of root's in one of the folders, to which no link leads.

    Raises:
        RingfenceError: it is another file, or cannot be read.
    """
    if not path.startswith("/") or paths.normpath(path) != path:
        raise RingfenceError(f"{path} is no plain absolute path", field=field)
    if not any(path.startswith(f"{folder.rstrip('/')}/") for folder in folders):
        raise RingfenceError(f"{path} lies in none of {', '.join(folders)}", field=field, hint=HINT)
    try:
        descriptor = open_plain(path)
    except OSError as error:
        raise from_os_error(f"cannot read {path}", error, field=field) from None
    try:
        return content(descriptor, path, field)
    finally:
        posix.close(descriptor)


def open_plain(path: str) -> int:
    """Open a file without following a link anywhere on its way.

    Raises:
        OSError: it cannot be opened, or is a link, which is ENOTDIR or ELOOP.
    """
    *folders, last = path.strip("/").split("/")
    at = posix.open("/", posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC)
    for name in folders:
        held = at
        try:
            flags = posix.O_PATH | posix.O_DIRECTORY | posix.O_NOFOLLOW | posix.O_CLOEXEC
            at = posix.open(name, flags, dir_fd=held)
        finally:
            posix.close(held)
    try:
        flags = posix.O_RDONLY | posix.O_NOFOLLOW | posix.O_NONBLOCK | posix.O_NOCTTY | posix.O_CLOEXEC
        return posix.open(last, flags, dir_fd=at)
    finally:
        posix.close(at)


def content(descriptor: int, path: str, field: str) -> str:
    """The text of an open file.

    Raises:
        RingfenceError: it is no regular file of root's, others may write to it, or it is too large or no UTF-8.
    """
    found = posix.fstat(descriptor)
    if not S_ISREG(found.st_mode) or found.st_uid != 0 or found.st_mode & WRITABLE_BY_OTHERS:
        raise RingfenceError(f"{path} is not a regular file that root alone may write to", field=field)
    data = b""
    while len(data) <= LARGEST and (part := posix.read(descriptor, 1 << 16)):
        data += part
    if len(data) > LARGEST:
        raise RingfenceError(f"{path} is larger than {LARGEST} bytes", field=field)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise RingfenceError(f"{path} is no text", field=field) from None


def on_bridge(netconf: Netconf, devices: str = DEVICES) -> Netconf:
    """The network with the MTU of its bridge, unless the file has one.

    Raises:
        RingfenceError: there is no such bridge (XEN-ERR-07).
    """
    folder = f"{devices}/{netconf.bridge}"
    try:
        posix.stat(f"{folder}/bridge")
        descriptor = posix.open(f"{folder}/mtu", posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        words = f"there is no bridge {netconf.bridge}, which {netconf.file} names for the network {netconf.name}"
        hint = f"make it: ip link add {netconf.bridge} type bridge"
        raise RingfenceError(words, field=netconf.field, hint=hint) from None
    try:
        mtu = int(posix.read(descriptor, 32))
    finally:
        posix.close(descriptor)
    return changed(netconf, mtu=netconf.mtu or mtu)
