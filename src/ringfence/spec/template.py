"""The config.json that ``spec`` writes: a shell in a read-only root (config.md, example)."""

from __future__ import annotations

from ringfence.version import SPEC_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CAPABILITIES = ("CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE")
MASKED_PATHS = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/sys/firmware",
    "/proc/scsi",
)
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


def template(cgroup_v2: bool, hostname: str) -> dict[str, Any]:
    """The default config, for a host with cgroup v2 or v1, with the given host name. Keys are in the file's order."""
    return {
        "ociVersion": SPEC_VERSION,
        "process": _process(),
        "root": {"path": "rootfs", "readonly": True},
        "hostname": hostname,
        "mounts": _mounts(),
        "linux": {
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "namespaces": _namespaces("pid", "network", "ipc", "uts", "mount", *(["cgroup"] if cgroup_v2 else [])),
            "maskedPaths": list(MASKED_PATHS),
            "readonlyPaths": list(READONLY_PATHS),
        },
    }


def _process() -> dict[str, Any]:
    return {
        "terminal": True,
        "user": {"uid": 0, "gid": 0},
        "args": ["sh"],
        "env": [f"PATH={PATH}", "TERM=xterm"],
        "cwd": "/",
        "capabilities": {kind: list(CAPABILITIES) for kind in ("bounding", "effective", "permitted")},
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
        "noNewPrivileges": True,
    }


def _namespaces(*types: str) -> list[dict[str, str]]:
    return [{"type": kind} for kind in types]


def _mounts() -> list[dict[str, Any]]:
    return [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        _mount("/dev", "tmpfs", "tmpfs", "nosuid strictatime mode=755 size=65536k"),
        _mount("/dev/pts", "devpts", "devpts", "nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5"),
        _mount("/dev/shm", "tmpfs", "shm", "nosuid noexec nodev mode=1777 size=65536k"),
        _mount("/dev/mqueue", "mqueue", "mqueue", "nosuid noexec nodev"),
        _mount("/sys", "sysfs", "sysfs", "nosuid noexec nodev ro"),
        _mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid noexec nodev relatime ro"),
    ]


def _mount(destination: str, kind: str, source: str, options: str) -> dict[str, Any]:
    return {"destination": destination, "type": kind, "source": source, "options": options.split()}


def rootless(config: dict[str, Any], uid: int, gid: int) -> dict[str, Any]:
    """The default config changed for a user without privileges, who is root inside; ``config`` stays as it is.

    sysfs cannot be mounted without an own network namespace, so the host's is bound. Only one id has a mapping, so
    mount options name no others. Limits need a cgroup that such a user may not have.
    """
    linux = {name: value for name, value in config["linux"].items() if name not in ("resources", "namespaces")}
    kept = [entry for entry in config["linux"]["namespaces"] if entry["type"] != "network"]
    mapped = {"uidMappings": _single_id(uid), "gidMappings": _single_id(gid)}
    return {
        **config,
        "mounts": [_rootless_mount(entry) for entry in config["mounts"]],
        "linux": {**mapped, "namespaces": [*kept, *_namespaces("user")], **linux},
    }


def _single_id(host_id: int) -> list[dict[str, int]]:
    return [{"containerID": 0, "hostID": host_id, "size": 1}]


def _rootless_mount(entry: dict[str, Any]) -> dict[str, Any]:
    if entry["destination"] == "/sys":
        return _mount("/sys", "none", "/sys", "rbind nosuid noexec nodev ro")
    if "options" not in entry:
        return entry
    return {**entry, "options": [word for word in entry["options"] if not word.startswith(("uid=", "gid="))]}
