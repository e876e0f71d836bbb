"""Resources as a container has them now: those of its config.json and what updates made of them.

Pure but for the reading; the stored form is the JSON of ``linux.resources``, which the spec loader reads back.
"""

from __future__ import annotations

import posix

from ringfence.container.bundle import read_text
from ringfence.record import Record
from ringfence.spec.load import json_name, load_resources
from ringfence.spec.types import MemoryResources, Resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.container.record import ContainerRecord
    from ringfence.spec.types import Config

STORED = "resources.json"
# Where 0 means that nothing was asked (config-linux.md and LNX-CG1-01), so that it never replaces a value.
ZERO_IS_UNSET = frozenset(
    ("limit", "reservation", "swap", "shares", "quota", "period", "realtime_runtime", "realtime_period", "weight")
)
KEYS = (("major", "minor"), ("page_size",), ("name",))


def stored_resources(record: ContainerRecord, config: Config) -> Resources:
    """What the container's limits are, as far as this runtime set them."""
    path = f"{record.directory}/{STORED}"
    if posix.access(path, posix.F_OK):
        return load_resources(read_text(path))
    return (config.linux.resources if config.linux else None) or Resources()


def merged(old: Resources, new: Resources) -> Resources:
    """The old limits with the named ones of ``new`` in their place; device rules stay (LNX-UPD-15)."""
    values = dict(merged_record(old, new).items())
    return Resources(**{**values, "devices": old.devices})


def merged_record(old: Any, new: Any) -> Any:
    """One record over another, field by field."""
    kind = type(new)
    limits_tasks = kind.__name__ == "PidsResources"
    values = {
        name: merged_value(value, getattr(new, name), name in ZERO_IS_UNSET and not limits_tasks)
        for name, value in old.items()
    }
    return kind(**values)


def merged_value(old: Any, new: Any, zero_is_unset: bool) -> Any:
    """One value over another."""
    if new is None or (zero_is_unset and new == 0):
        return old
    if isinstance(new, Record):
        return merged_record(old, new) if old is not None else new
    if isinstance(new, dict):
        return {**old, **new}
    if isinstance(new, tuple):
        return merged_entries(old or (), new)
    return new


def merged_entries(old: tuple[Any, ...], new: tuple[Any, ...]) -> tuple[Any, ...]:
    """Entries for single devices, page sizes or interfaces; a later one replaces one for the same (LNX-UPD-14)."""
    return tuple({key_of(entry): entry for entry in (*old, *new)}.values())


def key_of(entry: Record) -> tuple[Any, ...]:
    """What an entry of a list is about."""
    names = next(names for names in KEYS if names[0] in entry.fields())
    return tuple(getattr(entry, name) for name in names)


def to_json(value: object) -> object:
    """A record as the object of config.json it was read from; absent fields are left out."""
    if isinstance(value, Record):
        return {json_name(name): to_json(held) for name, held in value.items() if held not in (None, (), {})}
    if isinstance(value, tuple):
        return [to_json(entry) for entry in value]
    if isinstance(value, dict):
        return {name: to_json(entry) for name, entry in value.items()}
    return value


def with_lifted_swap(resources: Resources) -> Resources:
    """The limits that are really named, with lifting the memory limit lifting the swap limit too (LNX-UPD-08)."""
    memory = resources.memory
    if memory is None or memory.limit != -1 or memory.swap:
        return resources
    lifted = MemoryResources(**{**dict(memory.items()), "swap": -1})
    return Resources(**{**dict(resources.items()), "memory": lifted})
