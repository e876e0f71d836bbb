"""config.json for a jail (runtime-spec 1.3, config-freebsd.md)."""

from __future__ import annotations

from ringfence.version import SPEC_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

PATH = "/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"


def freebsd_config(hostname: str) -> Json:
    """A jail with its own host name, no network, and the devices that every program expects."""
    return jail(hostname, [mount("/dev", "devfs", "devfs"), mount("/dev/fd", "fdescfs", "fdescfs")])


def linux_on_freebsd(hostname: str) -> Json:
    """A jail for programs of Linux, which look for its file systems (linux(4))."""
    mounts = [
        mount("/dev", "devfs", "devfs"),
        mount("/dev/fd", "fdescfs", "fdescfs", "linrdlnk"),
        mount("/proc", "linprocfs", "linprocfs"),
        mount("/sys", "linsysfs", "linsysfs"),
        mount("/dev/shm", "tmpfs", "tmpfs", "mode=1777"),
    ]
    return jail(hostname, mounts)


def jail(hostname: str, mounts: list[Json]) -> Json:
    """A config with these mounts."""
    return {
        "ociVersion": SPEC_VERSION,
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["sh"], "env": [f"PATH={PATH}"], "cwd": "/"},
        "root": {"path": "rootfs"},
        "hostname": hostname,
        "mounts": mounts,
        "freebsd": {"jail": {"host": "new", "ip4": "disable", "ip6": "disable", "enforceStatfs": 2}},
    }


def mount(destination: str, kind: str, source: str, *options: str) -> Json:
    """A mount."""
    made: Json = {"destination": destination, "type": kind, "source": source}
    return {**made, "options": list(options)} if options else made


def demo_config() -> Json:
    """The config that runj's ``demo spec`` writes: a shell with the host's IPv4.

    runj asks for devfs ruleset 4. A ruleset that is not defined hides nothing, so no number is named here: the runtime
    hides and shows devices by rules of its own.
    """
    return {
        "ociVersion": SPEC_VERSION,
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["sh"], "env": [f"PATH={PATH}"], "cwd": "/"},
        "root": {"path": "rootfs"},
        "mounts": [mount("/dev", "devfs", "devfs")],
        "freebsd": {"jail": {"ip4": "inherit"}},
    }
