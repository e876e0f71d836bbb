"""Steps that ask systemd for a unit and its limits. ``perform.py`` beside this does them; here they are data."""

from __future__ import annotations

from ringfence.plan.step import HostStep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Property = tuple[str, str, Any]
    """Name, D-Bus signature and value."""

INFINITY = 2**64 - 1


class StartUnit(HostStep):
    """Start a transient unit. A scope needs a process at once: one that only waits holds it until the birth is over.

    Limits are set by the steps that follow, before the container's process enters.
    """

    unit: str
    slice: str
    bus: tuple[str, ...]
    properties: tuple[Property, ...]

    def describe(self) -> tuple[str, str]:
        return "start", f"unit {self.unit} of systemd  {' '.join(map(shown, self.properties))}"


class SetUnitProperties(HostStep):
    """Set properties of a unit until it is stopped."""

    unit: str
    bus: tuple[str, ...]
    properties: tuple[Property, ...]

    def describe(self) -> tuple[str, str]:
        return "limit", f"unit's {' '.join(map(shown, self.properties))}"


def shown(held: Property) -> str:
    """A property as systemctl words it."""
    name, signature, value = held
    if signature == "ay":
        value = value.hex()
    elif signature == "t" and value == INFINITY:
        value = "infinity"
    elif signature == "b":
        value = "yes" if value else "no"
    elif signature == "a(ss)":
        value = f"{len(value)} devices"
    elif signature == "as":
        value = " ".join(value)
    return f"{name}={value}"
