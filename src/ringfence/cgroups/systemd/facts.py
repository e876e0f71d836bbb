"""What is to be known of systemd before a plan can be made; only its version takes a call on a bus."""

from __future__ import annotations

import posix

from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.host.facts import Host

UNKNOWN_VERSION = 0
DEVICES = "/proc/devices"
SYSTEM_SOCKET = "/run/dbus/system_bus_socket"


class Systemd(Record):
    """The manager that is asked.

    ``user``: the caller's own manager instead of the system's; ``base``: the cgroup below which its slices are, "" for
    the root; ``version`` 0 when it is not known, which counts as new; ``drivers``: the names of device drivers by type
    and major number, such as ``pts`` for ``c`` and 136 (systemd.resource-control(5), DeviceAllow=); ``bus``: the
    sockets at which it may be reached, the likeliest first, an abstract one with a NUL before its name.
    """

    user: bool
    base: str
    version: int = UNKNOWN_VERSION
    drivers: tuple[tuple[str, int, str], ...] = ()
    bus: tuple[str, ...] = ()

    def is_at_least(self, version: int) -> bool:
        """Whether it has what came with a version."""
        return self.version == UNKNOWN_VERSION or self.version >= version


def systemd_of(host: Host, environment: dict[str, str], devices: str = "", version: int = UNKNOWN_VERSION) -> Systemd:
    """The manager a caller asks on this machine: root the system's, everybody else his own (LNX-SYSD-13).

    ``devices`` is the text of /proc/devices.
    """
    user = host.uid != 0 or host.user_namespace
    base = user_base(host) if user else ""
    return Systemd(user, base, version, parse_devices(devices), addresses(user, environment))


def addresses(user: bool, environment: dict[str, str]) -> tuple[str, ...]:
    """Sockets of the bus by which a manager is reached."""
    if not user:
        return (SYSTEM_SOCKET,)
    found = [place for text in environment.get("DBUS_SESSION_BUS_ADDRESS", "").split(";") if (place := parse(text))]
    if folder := environment.get("XDG_RUNTIME_DIR"):
        found.append(f"{folder}/bus")
    return tuple(found)


def parse(address: str) -> str:
    """The socket of one address (D-Bus specification, Server Addresses), "" when it is of another kind."""
    kind, _, rest = address.partition(":")
    if kind != "unix":
        return ""
    keys = dict(pair.partition("=")[::2] for pair in rest.split(","))
    return keys.get("path") or ("\0" + keys["abstract"] if "abstract" in keys else "")


def user_base(host: Host) -> str:
    """The cgroup of the caller's manager: where he is himself below one, else where systemd puts it.

    In a user namespace the uid is that inside; the cgroup tells the real one.
    """
    own = host.hierarchies[0].own if host.hierarchies else ""
    head, mark, tail = own.partition("/user@")
    if mark:
        return f"{head}{mark}{tail.partition('/')[0]}"
    _before, mark, tail = own.partition("/user-")
    uid = tail.partition(".slice")[0] if mark else str(host.uid)
    return f"/user.slice/user-{uid}.slice/user@{uid}.service"


def read_devices() -> str:
    """The text of /proc/devices, "" where there is none."""
    try:
        descriptor = posix.open(DEVICES, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return posix.read(descriptor, 1 << 16).decode("ascii", "replace")
    finally:
        posix.close(descriptor)


def parse_devices(text: str) -> tuple[tuple[str, int, str], ...]:
    """Type, major number and driver of every line; of several drivers with one number the first."""
    kind = ""
    found: dict[tuple[str, int], str] = {}
    for line in text.splitlines():
        if line.endswith(":"):
            kind = {"Character devices:": "c", "Block devices:": "b"}.get(line, "")
        elif kind and line.strip():
            major, name = line.split(None, 1)
            found.setdefault((kind, int(major)), name)
    return tuple((kind, major, name) for (kind, major), name in found.items())
