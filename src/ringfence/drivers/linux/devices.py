"""/dev: nodes, links and the terminal."""

from __future__ import annotations

from _stat import S_IFBLK, S_IFCHR, S_IFIFO

from ringfence.drivers.linux.mount import clean, is_bind
from ringfence.plan import mounts
from ringfence.spec.types import Box, User

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.linux.context import Slots
    from ringfence.host.facts import Host
    from ringfence.plan.step import InitStep
    from ringfence.spec.types import Config, Device, Linux, Process

# config-linux.md, Default Devices.
DEFAULT_DEVICES = (
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
)
# runtime-linux.md, Dev symbolic links.
LINKS = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
)
TYPES = {"c": S_IFCHR, "u": S_IFCHR, "b": S_IFBLK, "p": S_IFIFO}
DEFAULT_MODE = 0o666
PTMX = "/dev/ptmx"


def device_step(index: int, device: Device, bind: bool) -> InitStep:
    """One entry of linux.devices."""
    mode = DEFAULT_MODE if device.file_mode is None else device.file_mode & 0o7777
    return mounts.MakeDevice(
        f"/linux/devices/{index}",
        clean(device.path),
        TYPES[device.type],
        device.major or 0,
        device.minor or 0,
        mode,
        device.uid or 0,
        device.gid or 0,
        bind and device.type != "p",
    )


def device_steps(config: Config, linux: Linux, host: Host, bind: bool) -> list[InitStep]:
    """Nodes and links, unless the configuration binds a /dev of its own (LNX-DEV-01, LNX-DEV-03)."""
    if any(is_bind(mount) and clean(mount.destination) == "/dev" for mount in config.mounts):
        return []
    asked = {clean(device.path) for device in linux.devices}
    steps: list[InitStep] = [
        mounts.MakeDevice("", f"/dev/{name}", S_IFCHR, major, minor, DEFAULT_MODE, 0, 0, bind)
        for name, major, minor in DEFAULT_DEVICES
        if f"/dev/{name}" not in asked
    ]
    # /dev/ptmx as an entry ends as the link to the container's own (LNX-DEV-05).
    steps += [
        device_step(index, device, bind) for index, device in enumerate(linux.devices) if clean(device.path) != PTMX
    ]
    links = (*LINKS, ("core", "/proc/kcore")) if host.kcore else LINKS
    steps += [mounts.MakeSymlink("", f"/dev/{name}", target, False) for name, target in links]
    steps.append(mounts.MakeSymlink("", PTMX, "pts/ptmx", True))
    return steps


def console_step(process: Process, slots: Slots, *, bound: bool) -> InitStep:
    """The process' terminal; only the first process' is /dev/console too (LNX-TTY-02, LNX-EXEC-22)."""
    size = process.console_size or Box(0, 0)
    uid = (process.user or User()).uid
    return mounts.OpenConsole("/process/terminal", slots("console"), size.height, size.width, uid, bound)
