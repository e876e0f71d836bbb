"""The control variables of RunX in process.env. Pure (XEN-ENV-01, XEN-ENV-05)."""

from __future__ import annotations

from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.types import Config

NAMES = ("XLCONF", "RUNX_KERNEL", "RUNX_RAMDISK", "NETCONF")


class Said(Record):
    """A variable's value, and the place in config.json it stands at."""

    value: str
    field: str


def said_in(config: Config) -> dict[str, Said]:
    """The control variables that are given; the last of two wins, and what is empty says nothing."""
    found: dict[str, Said] = {}
    for index, entry in enumerate(config.process.env if config.process else ()):
        name, equals, value = entry.partition("=")
        if equals and name in NAMES:
            found[name] = Said(value, f"/process/env/{index}")
    return {name: said for name, said in found.items() if said.value}
