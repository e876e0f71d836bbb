"""``linux`` of the forms of 2015, without the resources (OLD-ROOT, OLD-NS, OLD-DEV, OLD-UID, OLD-SYSCTL)."""

from __future__ import annotations

from ringfence.spec.upgrade.place import Place, kind_of, put, wrong
from ringfence.spec.upgrade.surroundings import Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.spec.upgrade.surroundings import Surroundings

NAMESPACES = ("pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time")
PROPAGATIONS = ("private", "slave", "shared", "rprivate", "rslave", "rshared")
MASKED = ("/proc/kcore",)
READONLY = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus")
STANDARD = {
    "null": Node("c", 1, 3, 0o666, 0, 0),
    "zero": Node("c", 1, 5, 0o666, 0, 0),
    "full": Node("c", 1, 7, 0o666, 0, 0),
    "random": Node("c", 1, 8, 0o666, 0, 0),
    "urandom": Node("c", 1, 9, 0o666, 0, 0),
    "tty": Node("c", 5, 0, 0o666, 0, 0),
}
"""Devices that are the same everywhere, so that an upgrade gives the same text on every host (OLD-DEV-01)."""
IMPLIED: tuple[dict[str, Any], ...] = (
    {"allow": True, "type": "c", "access": "m"},
    {"allow": True, "type": "b", "access": "m"},
    *(
        {"allow": True, "type": "c", "major": major, **minor, "access": "rwm"}
        for major, minor in (
            (5, {"minor": 1}), (4, {"minor": 0}), (4, {"minor": 1}), (136, {}), (5, {"minor": 2}), (10, {"minor": 200}),
        )
    ),
)  # fmt: skip
"""console, tty0, tty1, pts, ptmx and tun were allowed unasked (OLD-DEV-04)."""


def namespaces_of(linux: Place) -> list[dict[str, str]]:
    """Every kind once: of two entries the last counts, at the place of the first (OLD-NS-03)."""
    found: dict[str, dict[str, str]] = {}
    for entry in linux.objects("namespaces"):
        kind, path = entry.text("type"), entry.text("path")
        kind = "pid" if kind == "process" else kind
        if kind not in NAMESPACES:
            raise wrong(entry.at("type"), f'namespace {{"{kind}" "{path}"}} does not exist')
        if kind in found:
            linux.warn("namespaces", f"{kind} is given twice, the last entry counts")
        found[kind] = {"type": kind, **({"path": path} if path else {}), **entry.left()}
    return list(found.values())


def mappings_of(linux: Place, kind: str) -> list[dict[str, int]]:
    """Id maps by any of their spellings: uidMappings, the README's uidMapping, July's from, to, count."""
    name = linux.either(f"{kind}Mappings", f"{kind}Mapping")
    return [mapping_of(entry) for entry in linux.objects(name)]


def mapping_of(entry: Place) -> dict[str, int]:
    """One range of ids."""
    names = (("containerID", "from"), ("hostID", "to"), ("size", "count"))
    made = {new: entry.number(entry.either(new, old), 0, 2**32 - 1) or 0 for new, old in names}
    if made["size"] == 0:
        raise wrong(entry.at("size"), "must be at least 1")
    return {**made, **entry.left()}


def sysctl_of(linux: Place, document: Place) -> dict[str, str]:
    """Kernel parameters; a number becomes a text, and ``sysctl`` wins over ``systemProperties``."""
    made: dict[str, str] = {}
    for place, name in ((document, "systemProperties"), (linux, "systemProperties"), (linux, "sysctl")):
        held = place.object(name)
        for key, value in held.left().items():
            if isinstance(value, (bool, list, dict)):
                raise wrong(held.at(key), f"must be a string, not {kind_of(value)}")
            made[key] = str(value)
    return made


def propagation_of(linux: Place) -> str:
    """2015 made everything private unless told otherwise (OLD-ROOT-04)."""
    text = linux.text("rootfsPropagation") or "rprivate"
    if text not in PROPAGATIONS:
        raise wrong(linux.at("rootfsPropagation"), f"rootfsPropagation={text} is not supported")
    return text


def protect(made: dict[str, Any], linux: Place) -> None:
    """The paths that a read-only root of 2015 protected, unless the file lists its own (OLD-ROOT-02)."""
    for name, paths in (("maskedPaths", MASKED), ("readonlyPaths", READONLY)):
        made[name] = linux.texts(name) if linux.has(name) else list(paths)


def devices_of(linux: Place, surroundings: Surroundings, *, owned: bool) -> tuple[list[Any], list[Any]]:
    """Nodes, and the rules that allow them; ``owned``: the container's root owns each (OLD-DEV-03)."""
    nodes, rules = [], []
    for index, value in enumerate(linux.items("devices")):
        where = f"{linux.at('devices')}[{index}]"
        access = "rwm"
        if isinstance(value, str):
            node = host_node(value, where, surroundings)
        else:
            place = Place(value, where, linux.warnings)
            access = place.text("permissions") or "rwm"
            node = object_node(place)
        if owned:
            node.update(uid=0, gid=0)
        nodes.append(node)
        numbers: dict[str, Any] = {name: node[name] for name in ("type", "major", "minor") if name in node}
        rules.append({"allow": True, **numbers, "access": access})
    return nodes, rules


def host_node(name: str, where: str, surroundings: Surroundings) -> dict[str, Any]:
    """The host's node of that name below /dev."""
    name = name.removeprefix("/dev/")
    if not name or name.startswith("/") or ".." in name.split("/"):
        raise wrong(where, f"{name!r} is not a name below /dev")
    held = STANDARD.get(name) or surroundings.device(name)
    return {
        "path": f"/dev/{name}",
        "type": held.kind,
        "major": held.major,
        "minor": held.minor,
        "fileMode": held.mode,
        "uid": held.uid,
        "gid": held.gid,
    }


def object_node(place: Place) -> dict[str, Any]:
    """A device of v0.0.4 and later (OLD-DEV-02)."""
    made: dict[str, Any] = {"path": place.text("path"), "type": device_type(place)}
    for name in ("major", "minor"):
        put(made, name, place.number(name, -1))
    mode = place.number("fileMode", 0)
    if mode is not None:
        made["fileMode"] = mode & 0o7777
    for name in ("uid", "gid"):
        put(made, name, place.number(name, 0, 2**32 - 1))
    return {**made, **place.left()}


def device_type(place: Place) -> str:
    """A letter, or the number of its character."""
    value = place.take("type")
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value in map(ord, "abcpu"):
        return chr(value)
    raise wrong(place.at("type"), f"invalid device type {value!r}")


def device_rules(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Nothing, then the listed devices, then what was always allowed (OLD-DEV-04)."""
    return [{"allow": False, "access": "rwm"}, *rules, *(dict(rule) for rule in IMPLIED)]
