"""config.json, process.json and resources to typed records.

The annotations of ``types.py`` are the table: each is turned into a parser once, when it is first met. A parser takes a
JSON value and the place it stands at, and always gives a value of its type; what is wrong goes to the list of problems.
"""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.jsontext import is_encodable, loads
from ringfence.spec import types
from ringfence.spec.problems import Problems, escape
from ringfence.spec.rules.process import check_process
from ringfence.spec.rules.resources import check_resources
from ringfence.spec.validate import check_config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ringfence.record import Record

    Parser = Callable[[object, str, Problems], Any]

# Where the JSON name is not the field's name in camelCase.
JSON_NAMES = {
    "block_io": "blockIO",
    "class_": "class",
    "class_id": "classID",
    "clos_id": "closID",
    "container_id": "containerID",
    "disable_oom_killer": "disableOOMKiller",
    "exec_cpu_affinity": "execCPUAffinity",
    "first_gfn": "firstGFN",
    "first_mfn": "firstMFN",
    "host_id": "hostID",
    "kernel_tcp": "kernelTCP",
    "nr_mfns": "nrMFNs",
    "throttle_read_iops_device": "throttleReadIOPSDevice",
    "throttle_write_iops_device": "throttleWriteIOPSDevice",
}

RANGES = {
    "U16": (0, 2**16 - 1),
    "U32": (0, 2**32 - 1),
    "U64": (0, 2**64 - 1),
    "I32": (-(2**31), 2**31 - 1),
    "I64": (-(2**63), 2**63 - 1),
}


def json_name(field: str) -> str:
    """The name in JSON of a record's field: ``uid_mappings`` is ``uidMappings``."""
    if field in JSON_NAMES:
        return JSON_NAMES[field]
    first, *others = field.split("_")
    return first + "".join(word.capitalize() for word in others)


def _shown(value: object) -> str:
    if value is None:
        return "null"
    for kind, words in ((bool, "a boolean"), (str, "a string"), (list, "a list"), (dict, "an object")):
        if isinstance(value, kind):
            return words
    return repr(value)[:40]


def _parse_string(value: object, where: str, problems: Problems) -> str:
    if type(value) is not str:
        problems.add_unusable(where, f"must be a string, not {_shown(value)}")
        return ""
    if "\0" in value or not (value.isascii() or is_encodable(value)):
        problems.add_unusable(where, _unusable_text(value))
        return ""
    return value


def _unusable_text(value: str) -> str:
    return "must not hold a NUL byte" if "\0" in value else "must not hold a lone surrogate"


def _parse_boolean(value: object, where: str, problems: Problems) -> bool:
    if type(value) is not bool:
        problems.add_unusable(where, f"must be true or false, not {_shown(value)}")
        return False
    return value


def _number_parser(low: int, high: int) -> Parser:
    def parse(value: object, where: str, problems: Problems) -> int:
        if type(value) is not int or not low <= value <= high:
            problems.add_unusable(where, f"must be a whole number from {low} to {high}, not {_shown(value)}")
            return 0
        return value

    return parse


def _list_parser(element: Parser) -> Parser:
    def parse(value: object, where: str, problems: Problems) -> tuple[Any, ...]:
        if type(value) is not list:
            problems.add_unusable(where, f"must be a list, not {_shown(value)}")
            return ()
        return tuple([element(item, f"{where}/{index}", problems) for index, item in enumerate(value)])

    return parse


_parse_each_string = _list_parser(_parse_string)


def _parse_strings(value: object, where: str, problems: Problems) -> tuple[str, ...]:
    # One look at all texts together: a seccomp profile has 400 names.
    if type(value) is list and set(map(type, value)) <= {str}:
        joined = "".join(value)
        if "\0" not in joined and joined.isascii():
            return tuple(value)
    result: tuple[str, ...] = _parse_each_string(value, where, problems)
    return result


def _map_parser(element: Parser) -> Parser:
    def parse(value: object, where: str, problems: Problems) -> dict[str, Any]:
        if type(value) is not dict:
            problems.add_unusable(where, f"must be an object, not {_shown(value)}")
            return {}
        held = {}
        for key, item in value.items():
            place = f"{where}/{escape(key)}"
            if item is not None:
                held[_parse_string(key, place, problems)] = element(item, place, problems)
        return held

    return parse


def _record_parser(record: type[Record]) -> Parser:
    fields = {json_name(field): (field, _parser(kind)) for field, kind in record.fields().items()}
    folded = {name.lower(): name for name in fields}
    new = record.__new__

    def parse(value: object, where: str, problems: Problems) -> Record:
        made = new(record)
        held = made.__dict__
        if type(value) is not dict:
            problems.add_unusable(where, f"must be an object, not {_shown(value)}")
            value = {}
        for key, item in value.items():
            field = fields.get(key)
            if field is None:
                field = _folded_field(value, folded.get(key.lower()), fields)
            if field is not None and item is not None:
                held[field[0]] = field[1](item, f"{where}/{key}", problems)
        if not held.keys() >= record.required():
            _fill(record, held, where, problems)
        return made

    return parse


def _folded_field(
    value: dict[str, object], name: str | None, fields: dict[str, tuple[str, Parser]]
) -> tuple[str, Parser] | None:
    """The field meant by a key in another case; the exact spelling goes before (LNX-CFG-02)."""
    if name is None or value.get(name) is not None:
        return None
    return fields[name]


def _fill(record: type[Record], held: dict[str, Any], where: str, problems: Problems) -> None:
    """Give every missing required field a stand-in, so that the record is whole.

    A missing text is taken as "", for which the rules have their own words.
    """
    for field in [name for name in record.fields() if name in record.required() and name not in held]:
        held[field] = _STAND_INS[record.fields()[field]]
        if record.fields()[field] != "str":
            problems.add_unusable(f"{where}/{json_name(field)}", "must be given")


_STAND_INS: dict[str, object] = {"str": "", "bool": False, "tuple[str, ...]": (), "U32": 0, "U64": 0, "I64": 0}

_PARSERS: dict[str, Parser] = {
    "str": _parse_string,
    "bool": _parse_boolean,
    "tuple[str, ...]": _parse_strings,
    **{kind: _number_parser(low, high) for kind, (low, high) in RANGES.items()},
}


def _parser(kind: str) -> Parser:
    """The parser of an annotation such as ``U32 | None`` or ``tuple[Mount, ...]``, made when it is first asked for."""
    kind = kind.removesuffix(" | None")
    if kind not in _PARSERS:
        _PARSERS[kind] = _make_parser(kind)
    return _PARSERS[kind]


def _make_parser(kind: str) -> Parser:
    if kind.startswith("tuple["):
        return _list_parser(_parser(kind.removeprefix("tuple[").removesuffix(", ...]")))
    if kind.startswith("dict[str, "):
        return _map_parser(_parser(kind.removeprefix("dict[str, ").removesuffix("]")))
    return _record_parser(getattr(types, kind))


def parse_text(text: str, name: str = "config.json") -> object:
    """The value of a JSON text.

    Raises:
        RingfenceError: it is not JSON; the text begins with the file's name and says where.
    """
    try:
        return loads(text)
    except RingfenceError as error:
        raise error.prefixed(name) from None


def _read(text: str, kind: str, name: str) -> tuple[Any, Problems]:
    problems = Problems()
    return _parser(kind)(parse_text(text, name), "", problems), problems


def is_current(document: object) -> bool:
    """Whether a document is plainly of today; another may still be (spec/upgrade/forms.py), this one costs nothing."""
    if not isinstance(document, dict) or "version" in document:
        return False
    version = document.get("ociVersion")
    if not isinstance(version, str) or not version.startswith("1.") or version.startswith("1.0.0-rc"):
        return False
    process = document.get("process")
    return not (isinstance(process, dict) and isinstance(process.get("capabilities"), list))


def load_config(text: str, name: str = "config.json") -> types.Config:
    """The config of a bundle, checked as far as that is possible without a host (config.md, config-linux.md).

    Unknown properties are ignored, null is the same as absent, a key in another case counts if the exact one is absent.

    Raises:
        RingfenceError: the text is not JSON; or a value has the wrong type or breaks a rule: then the text has all such
            places as ``config.json#/json/pointer: what is wrong``, joined by ``; ``, and ``field`` the first pointer.
    """
    return load_document(parse_text(text, name), name)


def load_document(document: object, name: str = "config.json") -> types.Config:
    """The config of a document that has been parsed.

    Raises:
        RingfenceError: as load_config.
    """
    problems = Problems()
    config = parse_config(document, problems)
    check_config(config, problems)
    problems.raise_if_any(name)
    return config


def parse_config(document: object, problems: Problems) -> types.Config:
    """The config of a document, of which only the types have been looked at: what is wrong goes to ``problems``."""
    config: types.Config = _parser("Config")(document, "", problems)
    return config


def parse_process(document: object, problems: Problems) -> types.Process:
    """The process of a document, of which only the types have been looked at: what is wrong goes to ``problems``."""
    process: types.Process = _parser("Process")(document, "", problems)
    return process


def load_process(text: str, name: str = "process.json") -> types.Process:
    """The process of ``exec --process`` (config.md, Process).

    Raises:
        RingfenceError: as load_config.
    """
    problems = Problems()
    process = parse_process(parse_text(text, name), problems)
    check_process(process, "", problems)
    problems.raise_if_any(name)
    return process


def load_resources(text: str, name: str = "resources.json") -> types.Resources:
    """The resources of ``update --resources`` (config-linux.md, Control groups).

    Raises:
        RingfenceError: as load_config.
    """
    resources: types.Resources
    resources, problems = _read(text, "Resources", name)
    check_resources(resources, "", problems)
    problems.raise_if_any(name)
    return resources
