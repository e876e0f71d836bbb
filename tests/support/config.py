"""The config.json every bundle of the tests starts from."""

from __future__ import annotations

import os
from typing import Any

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]


def on_cgroup_v2() -> bool:
    """Whether /sys/fs/cgroup is the unified hierarchy alone."""
    return os.path.exists("/sys/fs/cgroup/cgroup.controllers")


def default_config() -> dict[str, Any]:
    """What ``ringfence spec`` writes, except that ``process.terminal`` is false."""
    return {
        "ociVersion": "1.3.0",
        "process": _process(),
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "ringfence",
        "mounts": _mounts(),
        "linux": {
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "namespaces": _namespaces(),
            "maskedPaths": _masked(),
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    }


def _process() -> dict[str, Any]:
    return {
        "terminal": False,
        "user": {"uid": 0, "gid": 0},
        "args": ["sh"],
        "env": [f"PATH={PATH}", "TERM=xterm"],
        "cwd": "/",
        "capabilities": {kind: list(CAPABILITIES) for kind in ("bounding", "effective", "permitted")},
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
        "noNewPrivileges": True,
    }


def _namespaces() -> list[dict[str, str]]:
    kinds = ["pid", "network", "ipc", "uts", "mount"] + (["cgroup"] if on_cgroup_v2() else [])
    return [{"type": kind} for kind in kinds]


def _mounts() -> list[dict[str, Any]]:
    shm = ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]
    pts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]
    cgroup = ["nosuid", "noexec", "nodev", "relatime", "ro"]
    return [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        mount("/dev/pts", "devpts", "devpts", *pts),
        mount("/dev/shm", "tmpfs", "shm", *shm),
        mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
        mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
        mount("/sys/fs/cgroup", "cgroup", "cgroup", *cgroup),
    ]


def mount(destination: str, kind: str, source: str, *options: str) -> dict[str, Any]:
    """One entry of ``mounts``."""
    return {"destination": destination, "type": kind, "source": source, "options": list(options)}


def _masked() -> list[str]:
    names = ["acpi", "asound", "kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug"]
    return [f"/proc/{name}" for name in names] + ["/sys/firmware", "/proc/scsi"]
