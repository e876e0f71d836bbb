"""The bundle every runtime is measured with: what `runc spec` writes, with a busybox root file system."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from bench.profile import default_profile

BUSYBOX = Path("/bin/busybox")
CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
HARMLESS = ["nosuid", "noexec", "nodev"]
MASKED = ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware", "/proc/scsi"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
NAMESPACES = ["pid", "network", "ipc", "uts", "mount"]


def mount(where: str, kind: str, source: str, options: list[str]) -> dict[str, Any]:
    return {"destination": where, "type": kind, "source": source, "options": options}


MOUNTS = [
    mount("/proc", "proc", "proc", []),
    mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
    mount("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
    mount("/dev/shm", "tmpfs", "shm", [*HARMLESS, "mode=1777", "size=65536k"]),
    mount("/dev/mqueue", "mqueue", "mqueue", HARMLESS),
    mount("/sys", "sysfs", "sysfs", [*HARMLESS, "ro"]),
    mount("/sys/fs/cgroup", "cgroup", "cgroup", [*HARMLESS, "relatime", "ro"]),
]


def config(arguments: list[str]) -> dict[str, Any]:
    """A config.json of runtime-spec 1.0.2, the newest runc 1.1.5 takes."""
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": arguments,
            "env": ["PATH=/bin", "TERM=xterm"],
            "cwd": "/",
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), CAPABILITIES),
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "bench",
        "mounts": MOUNTS,
        "linux": {
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "namespaces": [{"type": name} for name in NAMESPACES],
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
        },
    }


def make_bundle(folder: Path, arguments: list[str], *, filtered: bool = False) -> str:
    """Make a bundle that runs ``arguments``, ``filtered`` with an engine's default profile. Returns its path."""
    binaries = folder / "rootfs" / "bin"
    binaries.mkdir(parents=True)
    for name in ("dev", "proc", "sys"):
        (folder / "rootfs" / name).mkdir()
    shutil.copy(BUSYBOX, binaries / "busybox")
    for name in ("sleep", "true"):
        (binaries / name).symlink_to("busybox")
    held = config(arguments)
    if filtered:
        held["linux"]["seccomp"] = default_profile(CAPABILITIES)
    (folder / "config.json").write_text(json.dumps(held, indent=2))
    return str(folder)
