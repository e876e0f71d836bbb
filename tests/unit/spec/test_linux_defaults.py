"""What containerd puts into every configuration, and is left out of a jail's."""

from __future__ import annotations

from typing import Any

from ringfence.container.bundle import Read
from ringfence.container.jail.planning import completed
from ringfence.spec.linux_defaults import without_linux_defaults

SHORT_LIVED = ["nosuid", "strictatime", "mode=755", "size=65536k"]
PTS = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]
CONTAINERD: dict[str, Any] = {
    "ociVersion": "1.2.0",
    "process": {
        "args": ["sh"],
        "cwd": "/",
        "user": {"uid": 0, "gid": 0},
        "noNewPrivileges": True,
        "capabilities": {"bounding": ["CAP_CHOWN"], "effective": ["CAP_CHOWN"], "permitted": ["CAP_CHOWN"]},
    },
    "root": {"path": "rootfs"},
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": SHORT_LIVED},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": PTS},
        {
            "destination": "/dev/shm",
            "type": "tmpfs",
            "source": "shm",
            "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
        },
        {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
        {"destination": "/run", "type": "tmpfs", "source": "tmpfs", "options": SHORT_LIVED},
        {"destination": "/dev", "type": "devfs", "source": "devfs", "options": ["ruleset=4"]},
        {"destination": "/run", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
    ],
    "linux": {"maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"], "cgroupsPath": "/default/box"},
}


def read(document: dict[str, Any]) -> Read:
    """A configuration that has been read, from nowhere."""
    return Read("", "", document, "/bundle")


def test_the_seven_mounts_and_the_fields_go_word_for_word() -> None:
    """JAIL-COMPAT-04: what differs in anything is somebody's own and stays."""
    found, left_out = without_linux_defaults(CONTAINERD)
    assert found["mounts"] == CONTAINERD["mounts"][7:]
    assert found["linux"] == {"cgroupsPath": "/default/box"}
    process = found["process"]
    assert isinstance(process, dict)
    assert sorted(process) == ["args", "cwd", "user"]
    assert left_out == [
        *(f"/mounts/{number}" for number in range(7)),
        *("/process/capabilities", "/process/noNewPrivileges", "/linux/maskedPaths", "/linux/readonlyPaths"),
    ]
    assert len(CONTAINERD["mounts"]) == 9
    assert without_linux_defaults(found) == (found, [])


def test_broken_configurations_are_passed_on() -> None:
    """JAIL-COMPAT-04: what is wrong with them is the loader's to tell."""
    broken: list[dict[str, object]] = [{}, {"mounts": 5, "process": [], "linux": None}, {"mounts": [1, None, {}]}]
    for document in broken:
        assert without_linux_defaults(document) == (document, [])


def test_only_runj_and_the_administrator_leave_them_out() -> None:
    """JAIL-COMPAT-04: with one warning."""
    assert completed(read(CONTAINERD), "ringfence", False) == (CONTAINERD, ())
    for program, drop in (("runj", False), ("ringfence", True)):
        found, warnings = completed(read(CONTAINERD), program, drop)
        assert found["mounts"] == CONTAINERD["mounts"][7:]
        (warning,) = warnings
        assert all(pointer in warning for pointer in ("/mounts/0", "/mounts/6", "/process/capabilities"))


def test_a_root_that_is_not_named_is_the_bundles() -> None:
    """JAIL-CREATE-03, JAIL-COMPAT-03: for runj alone."""
    documents: list[dict[str, Any]] = [{}, {"root": {}}, {"root": {"path": ""}}]
    for document in documents:
        assert completed(read(document), "runj", False)[0]["root"] == {"path": "root"}
        assert completed(read(document), "ringfence", False)[0] == document
    told = {"root": {"path": "there", "readonly": True}}
    assert completed(read(told), "runj", False)[0] == told
