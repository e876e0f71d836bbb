"""Device rules as DevicePolicy= and DeviceAllow= (LNX-DEVC-11, systemd.resource-control(5))."""

from __future__ import annotations

from ringfence.cgroups.devices import WILDCARD, reduce

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cgroups.devices import Change
    from ringfence.cgroups.systemd.facts import Systemd
    from ringfence.cgroups.systemd.units import Property
    from ringfence.spec.types import DeviceRule

FOLDERS = {"c": "char", "b": "block"}


def device_properties(rules: tuple[DeviceRule, ...] | None, systemd: Systemd) -> tuple[Property, ...]:
    """What systemd is to allow. It knows no exceptions from a rule: those are made by the program attached after it."""
    allow_all, changes = reduce(rules)
    if allow_all:
        return (("DevicePolicy", "s", "auto"), ("DeviceAllow", "a(ss)", []))
    allowed = [(node, change.access) for change in changes if change.allow and (node := node_of(change, systemd))]
    return (("DevicePolicy", "s", "strict"), ("DeviceAllow", "a(ss)", [*dict.fromkeys(allowed)]))


def node_of(change: Change, systemd: Systemd) -> str:
    """What DeviceAllow= calls the devices of a rule, "" when it has no word for them and cannot allow them."""
    folder = FOLDERS.get(change.kind, "")
    if not folder:
        return ""
    if change.major == WILDCARD:
        return f"{folder}-*" if change.minor == WILDCARD else ""
    if change.minor != WILDCARD:
        return f"/dev/{folder}/{change.major}:{change.minor}"
    # A rule for a whole driver is named by it, as /proc/devices has it.
    for kind, major, driver in systemd.drivers:
        if (kind, major) == (change.kind, change.major):
            return f"{folder}-{driver}"
    return ""
