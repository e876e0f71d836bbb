"""Host facts as a JSON object, so that a plan can be made for another machine (``explain --host FILE``)."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.host.facts import HYBRID, V1, V2, Hierarchy, Host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MODES = (V1, V2, HYBRID)


def host_to_json(host: Host) -> dict[str, Any]:
    """The facts under their field names, sequences as lists."""
    facts = {name: list(value) if isinstance(value, tuple) else value for name, value in host.items()}
    facts["hierarchies"] = [
        {name: list(value) if isinstance(value, tuple) else value for name, value in hierarchy.items()}
        for hierarchy in host.hierarchies
    ]
    return facts


def host_from_json(facts: object) -> Host:
    """The facts of an object that ``host_to_json`` made, or that a person wrote.

    Raises:
        RingfenceError: a fact is missing, unknown, or not what it should be, with its JSON pointer as the field.
    """
    values = checked(facts, Host, "")
    values["hierarchies"] = tuple(
        Hierarchy(**checked(entry, Hierarchy, f"/hierarchies/{index}"))
        for index, entry in enumerate(values["hierarchies"])
    )
    if values["cgroup_mode"] not in MODES:
        raise wrong("/cgroup_mode", f"is not one of {', '.join(MODES)}")
    return Host(**values)


def checked(facts: object, record: type[Host] | type[Hierarchy], pointer: str) -> dict[str, Any]:
    """The members of an object, each of the kind its field asks for."""
    if not isinstance(facts, dict):
        raise wrong(pointer, "is not an object")
    for name in (*facts, *record.required()):
        if name not in record.fields():
            raise wrong(f"{pointer}/{name}", "is not known")
        if name not in facts:
            raise wrong(f"{pointer}/{name}", "is missing")
    return {name: fitting(value, record.fields()[name], f"{pointer}/{name}") for name, value in facts.items()}


def fitting(value: object, kind: str, pointer: str) -> object:
    """A value as a field of this annotation holds it."""
    plain = {"int": int, "str": str, "bool": bool}.get(kind)
    if plain is not None:
        if type(value) is not plain:
            raise wrong(pointer, f"is not of type {kind}")
        return value
    if not isinstance(value, list):
        raise wrong(pointer, "is not a list")
    if kind == "tuple[int, int]" and [type(entry) for entry in value] != [int, int]:
        raise wrong(pointer, "is not a pair of numbers")
    if kind == "tuple[str, ...]" and not all(isinstance(entry, str) for entry in value):
        raise wrong(pointer, "is not a list of texts")
    return tuple(value)


def wrong(pointer: str, words: str) -> RingfenceError:
    """What is the matter with one fact."""
    return RingfenceError(f"invalid host facts: {pointer or 'the whole'} {words}", field=pointer)
