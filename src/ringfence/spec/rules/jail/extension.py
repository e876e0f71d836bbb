"""runj.ext.json: networks of a jail in the form of runj, merged over config.json (JAIL-CFG-17)."""

from __future__ import annotations

from ringfence.errors import RingfenceError

FILE = "runj.ext.json"
FORM: dict[str, tuple[str, str, str, str]] = {
    "ipv4": ("mode", "ip4", "addr", "ip4Addr"),
    "vnet": ("mode", "vnet", "interfaces", "vnetInterfaces"),
}
"""Below ``network``: the keys of a mode and of a list, each with the key of freebsd.jail it means."""


def with_extension(document: dict[str, object], told: object) -> dict[str, object]:
    """A configuration with what the file says: modes replace, lists are added to.

    Raises:
        RingfenceError: the file holds something else.
    """
    section = held(document.get("freebsd"))
    jail = dict(held(section.get("jail")))
    network = checked(checked(told, ("network",), "").get("network"), tuple(FORM), "/network")
    for name, (mode, mode_key, items, items_key) in FORM.items():
        said = checked(network.get(name), (mode, items), f"/network/{name}")
        if said.get(mode):
            jail[mode_key] = said[mode]
        if said.get(items):
            jail[items_key] = [*listed(jail.get(items_key)), *listed(said[items])]
    return {**document, "freebsd": {**section, "jail": jail}}


def held(value: object) -> dict[str, object]:
    """An object, {} for anything else: that is the loader's to tell."""
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[object]:
    """A list, or one that holds what is none."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def checked(value: object, keys: tuple[str, ...], where: str) -> dict[str, object]:
    """An object that has no other keys.

    Raises:
        RingfenceError: it is none, or has.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RingfenceError(f"{FILE}#{where}: must be an object", field=where)
    for key in value:
        if key not in keys:
            raise RingfenceError(f"{FILE}#{where}/{key}: is not known", field=f"{where}/{key}")
    return value
