"""From the forms of 2015, June's container.json to the pair of files, to 1.x."""

from __future__ import annotations

from ringfence.spec.upgrade.forms import JUNE, SPLIT
from ringfence.spec.upgrade.linux import (
    device_rules,
    devices_of,
    mappings_of,
    namespaces_of,
    propagation_of,
    protect,
    sysctl_of,
)
from ringfence.spec.upgrade.mounts import mount_of, read_only_sysfs, root_of, without_unmapped_groups
from ringfence.spec.upgrade.parts import check_platform, hooks_of, seccomp_of
from ringfence.spec.upgrade.place import Place, put, wrong
from ringfence.spec.upgrade.process import process_of
from ringfence.spec.upgrade.resources import june_resources, resources_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.spec.upgrade.surroundings import Surroundings

ONE_PROCESS = "runc only supports one(1) process for the container"
TO_LINUX = ("namespaces", "capabilities", "devices")


def from_june(document: Place) -> dict[str, Any]:
    """June's document in the shape of the pre-draft: what was at the top goes where it went in July."""
    processes = document.items("processes")
    if len(processes) != 1:
        raise wrong(document.at("processes"), ONE_PROCESS)
    linux: dict[str, Any] = {name: value for name in TO_LINUX if (value := document.take(name)) is not None}
    linux["resources"] = june_resources(document)
    maps = document.object("userMapping")
    for kind in ("uid", "gid"):
        held = maps.take(kind)
        if held is not None:
            linux[f"{kind}Mappings"] = [held]
    platform = {name: value for name in ("os", "arch") if (value := document.take(name)) is not None}
    return {"platform": platform, "process": processes[0], "linux": linux, **document.left()}


def from_split(document: Place, runtime: Place) -> dict[str, Any]:
    """The pair of files as one: mounts by name, and each section from where it is (OLD-RUNTIMEJSON-01, -02)."""
    linux = document.object("linux").left()
    for key, value in runtime.object("linux").left().items():
        if key in linux:
            document.warn(f"linux.{key}", "ignored, since runtime.json has it too")
        linux[key] = value
    mounts = named_mounts(document, runtime.object("mounts"))
    rest = {key: value for key, value in runtime.left().items() if key.lower() not in ("version", "ociversion")}
    return {**rest, **document.left(), "mounts": mounts, "linux": linux}


def named_mounts(document: Place, found: Place) -> list[dict[str, Any]]:
    """Mounts in the order of config.json, as runtime.json describes them."""
    made = []
    for entry in document.objects("mounts"):
        name, path = entry.text("name"), entry.text("path")
        if not found.has(name):
            raise wrong(entry.at("name"), f'Mount with Name "{name}" not found in runtime config')
        held = found.object(name)
        made.append({**held.left(), "destination": path, **entry.left()})
    for name in found.left():
        document.warn(f"mounts.{name}", "dropped: no mount of config.json has this name")
    return made


def upgrade_early(document: Place, form: str, surroundings: Surroundings) -> dict[str, Any]:
    """The 1.x document of a pre-draft one."""
    for name in ("version", "ociVersion"):
        document.take(name)
    check_platform(document.object("platform"), surroundings)
    linux = document.object("linux")
    made: dict[str, Any] = {"process": process_of(document.object("process"), linux, surroundings)}
    made["root"] = root_of(document, below_bundle=form == JUNE)
    if hostname := document.text("hostname"):
        made["hostname"] = hostname
    mounts = [mount_of(entry) for entry in document.objects("mounts")]
    section = linux_of(linux, document, surroundings)
    finish_mounts(mounts, made, section, linux, document)
    put(made, "mounts", mounts)
    put(made, "hooks", hooks_of(document.object("hooks"), argv0=form == SPLIT))
    made["linux"] = section
    return {**made, **document.left()}


def finish_mounts(
    mounts: list[dict[str, Any]], made: dict[str, Any], section: dict[str, Any], linux: Place, document: Place
) -> None:
    """What the root and the user namespace mean for the mounts; all of it needs a mount namespace (OLD-NS-02)."""
    private = any(entry["type"] == "mount" for entry in section.get("namespaces", []))
    if made["root"]["readonly"]:
        if not private:
            raise wrong("root.readonly", "unable to restrict sys entries without a private MNT namespace")
        read_only_sysfs(mounts)
        protect(section, linux)
    if not private:
        raise wrong(linux.at("namespaces"), "a namespace of type mount is needed, never are mounts made on the host")
    without_unmapped_groups(mounts, section.get("gidMappings", []), document)
    section.update(linux.left())


def linux_of(linux: Place, document: Place, surroundings: Surroundings) -> dict[str, Any]:
    """The section without what its process and its mounts get of it."""
    made: dict[str, Any] = {}
    maps = {f"{kind}Mappings": mappings_of(linux, kind) for kind in ("uid", "gid")}
    for name, entries in maps.items():
        put(made, name, entries)
    put(made, "sysctl", sysctl_of(linux, document))
    nodes, rules = devices_of(linux, surroundings, owned=bool(maps["uidMappings"]))
    resources = linux.object("resources")
    listed = resources.take("devices")
    made["resources"] = {
        "devices": listed if listed is not None else device_rules(rules),
        **resources_of(resources, surroundings),
    }
    namespaces = namespaces_of(linux)
    if maps["uidMappings"] and not any(entry["type"] == "user" for entry in namespaces):
        namespaces.append({"type": "user"})
    put(made, "namespaces", namespaces)
    if path := linux.text("cgroupsPath"):
        made["cgroupsPath"] = path
    put(made, "devices", nodes)
    put(made, "seccomp", seccomp_of(linux.object("seccomp")))
    made["rootfsPropagation"] = propagation_of(linux)
    return made
