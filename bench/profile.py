"""The default system call filter of Docker and Podman, as an engine writes it into config.json."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

PROFILE = Path("/usr/share/containers/seccomp.json")
ENGINE_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}
KEPT = ("names", "action", "errnoRet", "args")


def default_profile(capabilities: list[str]) -> dict[str, Any]:
    """``linux.seccomp`` of a container with these capabilities on this machine.

    Raises:
        FileNotFoundError: the package that ships the profile is not installed.
    """
    held = json.loads(PROFILE.read_text())
    machine = os.uname().machine
    engine = ENGINE_NAMES.get(machine, machine)
    entries = [entry for entry in held["syscalls"] if selected(entry, capabilities, engine)]
    return {
        "defaultAction": held["defaultAction"],
        "defaultErrnoRet": held["defaultErrnoRet"],
        "architectures": architectures(held["archMap"], machine),
        "syscalls": [{key: entry[key] for key in KEPT if entry.get(key) is not None} for entry in entries],
    }


def architectures(table: list[dict[str, Any]], machine: str) -> list[str]:
    """The machine's own architecture and those of its 32-bit programs."""
    native = f"SCMP_ARCH_{machine.upper()}"
    return next([native, *entry["subArchitectures"]] for entry in table if entry["architecture"] == native)


def selected(entry: dict[str, Any], capabilities: list[str], engine: str) -> bool:
    """Whether an engine passes the entry on."""
    includes, excludes = entry.get("includes") or {}, entry.get("excludes") or {}
    return (
        set(includes.get("caps") or []) <= set(capabilities)
        and engine in (includes.get("arches") or [engine])
        and not set(excludes.get("caps") or []) & set(capabilities)
        and engine not in (excludes.get("arches") or [])
    )
