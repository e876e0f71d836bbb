"""Which form a configuration has, told by its content alone (OLD-DETECT-01 to 06)."""

from __future__ import annotations

import re

from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CURRENT, RC, SPLIT, PRE_DRAFT, JULY, JUNE = "current", "rc", "split", "pre-draft", "july", "june"

RELEASE = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(.*)", re.DOTALL)
CANDIDATE = re.compile(r"-rc([1-5])(?!\d)")
JULY_VERSIONS = ("0.1", "0.1.1", "0.2")
INCOMPATIBLE = 'spec version is not compatible with implemented version "pre-draft": spec "{}"'


def recognise(document: object) -> str:
    """The form of a document.

    Raises:
        RingfenceError: it has a version that nobody knows, or of the time after 1.x.
    """
    if not isinstance(document, dict):
        return CURRENT
    held = {key.lower(): value for key, value in document.items() if value is not None}
    version = held.get("ociversion")
    if version is not None:
        return by_oci_version(str(version), held)
    if isinstance(held.get("processes"), list) or ("version" in held and ("os" in held or "arch" in held)):
        return JUNE
    if "version" in held:
        return by_version(str(held["version"]), held)
    return PRE_DRAFT if has_old_marks(held) else CURRENT


def by_oci_version(version: str, held: dict[str, Any]) -> str:
    """The form of a document with ``ociVersion``; other texts than releases have never been checked (LNX-CFG-06)."""
    if names_mounts(held):
        return SPLIT
    match = RELEASE.fullmatch(version)
    if not match:
        return CURRENT
    major, minor, patch = int(match[1]), int(match[2]), int(match[3] or 0)
    if major >= 2:
        raise RingfenceError(
            f"ociVersion {version!r} is not supported", field="/ociVersion", hint="ringfence knows 1.x and older"
        )
    if major == 0 or ((minor, patch) == (0, 0) and CANDIDATE.match(match[4])):
        return RC
    return CURRENT


def by_version(version: str, held: dict[str, Any]) -> str:
    """The form of a document with ``version``."""
    if version == "pre-draft":
        return PRE_DRAFT
    if names_mounts(held) and RELEASE.fullmatch(version) and version.startswith("0."):
        return SPLIT
    if version in JULY_VERSIONS and {"process", "platform", "linux"} <= held.keys():
        return JULY
    raise RingfenceError(INCOMPATIBLE.format(version), field="/version")


def mounts_of(held: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries of ``mounts`` that are objects."""
    mounts = held.get("mounts")
    entries = mounts if isinstance(mounts, list) else []
    return [{key.lower(): value for key, value in entry.items()} for entry in entries if isinstance(entry, dict)]


def names_mounts(held: dict[str, Any]) -> bool:
    """Whether mounts are {name, path}, as in a config.json that goes with a runtime.json."""
    return any("name" in entry and "path" in entry and "destination" not in entry for entry in mounts_of(held))


def has_old_marks(held: dict[str, Any]) -> bool:
    """Whether a document without any version has something that only 2015's had (OLD-DETECT-06)."""
    if any(isinstance(entry.get("options"), str) for entry in mounts_of(held)):
        return True
    linux = held.get("linux")
    if not isinstance(linux, dict):
        return False
    linux = {key.lower(): value for key, value in linux.items() if value is not None}
    if {"capabilities", "systemproperties", "uidmapping"} & linux.keys():
        return True
    return any(isinstance(entry, str) for entry in listed(linux, "devices")) or any(
        isinstance(entry, dict) and entry.get("type") == "process" for entry in listed(linux, "namespaces")
    )


def listed(held: dict[str, Any], name: str) -> list[Any]:
    """A member that is a list."""
    value = held.get(name)
    return value if isinstance(value, list) else []
