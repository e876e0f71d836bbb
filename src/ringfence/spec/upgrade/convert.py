"""From any form to 1.x."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.spec.upgrade.candidate import upgrade_candidate
from ringfence.spec.upgrade.early import from_june, from_split, upgrade_early
from ringfence.spec.upgrade.forms import CURRENT, JUNE, PRE_DRAFT, RC, SPLIT, recognise
from ringfence.spec.upgrade.place import Place, pruned
from ringfence.spec.upgrade.process import capability_sets
from ringfence.spec.upgrade.surroundings import Upgraded
from ringfence.version import SPEC_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.spec.upgrade.surroundings import Surroundings

    Warnings = list[tuple[str, str]]

ORDER = {
    "": ("ociVersion", "process", "root", "hostname", "domainname", "mounts", "hooks", "annotations", "linux"),
    "process": (
        "terminal", "consoleSize", "user", "args", "env", "cwd", "capabilities", "rlimits", "noNewPrivileges",
        "apparmorProfile", "oomScoreAdj", "selinuxLabel",
    ),
    "linux": (
        "uidMappings", "gidMappings", "sysctl", "resources", "cgroupsPath", "namespaces", "devices", "seccomp",
        "rootfsPropagation", "maskedPaths", "readonlyPaths", "mountLabel",
    ),
}  # fmt: skip
"""The order of keys, that of ``spec`` and of the specification's own Go types."""
NO_RUNTIME = "JSON runtime config file runtime.json not found"


def upgrade(document: Any, surroundings: Surroundings, runtime: Any = None) -> Upgraded:
    """The 1.x document of a configuration of any form; one of today comes out as it is.

    Args:
        document: config.json, parsed.
        surroundings: the machine and the rootfs.
        runtime: runtime.json beside it, parsed; None where there is none.

    Raises:
        RingfenceError: it cannot be understood; the text has the path of the old field.
    """
    warnings: Warnings = []
    form = recognise(document)
    if not isinstance(document, dict):
        return Upgraded(document, (), form)
    note_form(document, form, runtime, warnings)
    if form == CURRENT:
        return Upgraded(with_capability_sets(document, warnings), tuple(warnings), form)
    place = Place(document, "", warnings)
    version = place.held.get(place.key("ociVersion") or "", "")
    if form == RC:
        made = upgrade_candidate(place, str(version), surroundings)
    else:
        made = upgrade_early(early_place(place, form, runtime, warnings), form, surroundings)
    return Upgraded(ordered({"ociVersion": SPEC_VERSION, **pruned(made)}), tuple(warnings), form)


def note_form(document: dict[str, Any], form: str, runtime: Any, warnings: Warnings) -> None:
    """Say what is doubtful about the form itself (OLD-DETECT-05, OLD-DETECT-06)."""
    held = {key.lower() for key, value in document.items() if value is not None}
    if {"version", "ociversion"} <= held:
        warnings.append(("version", "ignored, since ociVersion is given too"))
    if form == PRE_DRAFT and "version" not in held:
        warnings.append(("version", "missing; taken for the pre-draft of 2015 by its fields"))
    if runtime is not None and form != SPLIT:
        warnings.append(("runtime.json", "ignored: config.json is of a form that has no second file"))


def early_place(place: Place, form: str, runtime: Any, warnings: Warnings) -> Place:
    """The document of any form of 2015 in the shape of the pre-draft."""
    if form == JUNE:
        return Place(from_june(place), "", warnings)
    if form == SPLIT:
        if runtime is None:
            raise RingfenceError(NO_RUNTIME, hint="this config.json is one of two files (runc v0.0.5 to v0.0.7)")
        return Place(from_split(place, Place(runtime, "", warnings)), "", warnings)
    return place


def with_capability_sets(document: dict[str, Any], warnings: Warnings) -> dict[str, Any]:
    """A document of today; a flat list of capabilities in it is understood all the same (OLD-RC-01)."""
    process = document.get("process")
    if not isinstance(process, dict) or not isinstance(process.get("capabilities"), list):
        return document
    sets = capability_sets(Place(process, "process", warnings))
    return {**document, "process": {**process, "capabilities": sets}}


def ordered(document: dict[str, Any]) -> dict[str, Any]:
    """The document with its keys in order, unknown ones last."""
    made = in_order(document, "")
    for name in ("process", "linux"):
        if isinstance(made.get(name), dict):
            made[name] = in_order(made[name], name)
    return made


def in_order(held: dict[str, Any], section: str) -> dict[str, Any]:
    """One object's keys in order."""
    known = {name: held[name] for name in ORDER[section] if name in held}
    return {**known, **{name: value for name, value in held.items() if name not in known}}
