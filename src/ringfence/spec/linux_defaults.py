"""What containerd puts into every configuration for Linux, and a jail has no use for (JAIL-COMPAT-04)."""

from __future__ import annotations

SHORT_LIVED = ["nosuid", "strictatime", "mode=755", "size=65536k"]
HARMLESS = ["nosuid", "noexec", "nodev"]
MOUNTS = (
    ("/proc", "proc", "proc", HARMLESS),
    ("/dev", "tmpfs", "tmpfs", SHORT_LIVED),
    ("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
    ("/dev/shm", "tmpfs", "shm", [*HARMLESS, "mode=1777", "size=65536k"]),
    ("/dev/mqueue", "mqueue", "mqueue", HARMLESS),
    ("/sys", "sysfs", "sysfs", [*HARMLESS, "ro"]),
    ("/run", "tmpfs", "tmpfs", SHORT_LIVED),
)
"""Destination, type, source and options of its seven mounts; one that differs in anything is somebody's own."""
FIELDS = (
    ("process", "capabilities"),
    ("process", "noNewPrivileges"),
    ("linux", "maskedPaths"),
    ("linux", "readonlyPaths"),
)


def without_linux_defaults(document: dict[str, object]) -> tuple[dict[str, object], list[str]]:
    """A configuration without them, and the JSON pointers of what was left out; nothing of the one given is changed."""
    changed = dict(document)
    left_out = drop_mounts(changed)
    for section, name in FIELDS:
        held = changed.get(section)
        if isinstance(held, dict) and name in held:
            changed[section] = {key: value for key, value in held.items() if key != name}
            left_out.append(f"/{section}/{name}")
    return (changed if left_out else document), left_out


def drop_mounts(changed: dict[str, object]) -> list[str]:
    """Leave out the mounts; the pointers of those that were there."""
    mounts = changed.get("mounts")
    if not isinstance(mounts, list):
        return []
    gone = [number for number, entry in enumerate(mounts) if is_default(entry)]
    if gone:
        changed["mounts"] = [entry for number, entry in enumerate(mounts) if number not in gone]
    return [f"/mounts/{number}" for number in gone]


def is_default(entry: object) -> bool:
    """Whether a mount is one of the seven, word for word."""
    if not isinstance(entry, dict):
        return False
    found = tuple(entry.get(key) for key in ("destination", "type", "source", "options"))
    return found in MOUNTS and len(entry) == len(found)
