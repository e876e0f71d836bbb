"""``mounts`` and ``root`` of the forms of 2015 (OLD-ROOT-01, OLD-MOUNT-01 to 06)."""

from __future__ import annotations

from ringfence.spec.upgrade.place import Place, wrong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def root_of(document: Place, *, below_bundle: bool) -> dict[str, Any]:
    """The rootfs; ``below_bundle``: an absolute path is taken below the bundle too, as June did."""
    root = document.object("root")
    path = root.text("path")
    if not path:
        raise wrong(root.at("path"), "must be given")
    if below_bundle and path.startswith("/"):
        path = path.strip("/") or "."
    return {"path": path, "readonly": root.boolean("readonly"), **root.left()}


def mount_of(entry: Place) -> dict[str, Any]:
    """One mount, its options as a list."""
    kind, source, destination = (entry.text(name) for name in ("type", "source", "destination"))
    options = options_of(entry)
    if not destination.startswith("/"):
        entry.warn("destination", f"{destination!r} is relative, taken from /")
        destination = f"/{destination}"
    if kind == "bind":
        if not source:
            raise wrong(entry.at("source"), "a bind mount must have one")
        if not {"bind", "rbind"} & set(options):
            options = ["bind", *options]
    made: dict[str, Any] = {"destination": destination, "type": kind, "source": source or kind}
    if options:
        made["options"] = options
    return {**made, **entry.left()}


def options_of(entry: Place) -> list[str]:
    """Words of fstab(5)'s fourth field, or a list of them."""
    value = entry.held.get(entry.key("options") or "")
    if isinstance(value, list):
        return entry.texts("options")
    return [word.strip() for word in entry.text("options").split(",") if word.strip()]


def read_only_sysfs(mounts: list[dict[str, Any]]) -> None:
    """A read-only root of 2015 had every sysfs read-only (OLD-ROOT-02)."""
    for entry in mounts:
        if entry["type"] == "sysfs" and "ro" not in entry.get("options", []):
            entry["options"] = [*entry.get("options", []), "ro"]


def without_unmapped_groups(mounts: list[dict[str, Any]], mappings: list[dict[str, int]], place: Place) -> None:
    """devpts's ``gid=5`` fails in a user namespace that has no such group (OLD-MOUNT-06)."""
    if not mappings or any(entry["containerID"] <= 5 < entry["containerID"] + entry["size"] for entry in mappings):
        return
    for index, entry in enumerate(mounts):
        if entry["type"] == "devpts" and "gid=5" in entry.get("options", []):
            entry["options"] = [word for word in entry["options"] if word != "gid=5"]
            place.warn(f"mounts[{index}].options", "gid=5 is dropped: the user namespace does not map that group")
