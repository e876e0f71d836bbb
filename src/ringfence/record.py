"""Plain typed records, cheap to import and to build.

A record's annotations are its one table: the spec loader reads them to know what config.json may hold, and the
plan's wire format reads them to know how a step is encoded. ``dataclasses`` would add 13 ms to the start of every
engine verb, ``typing`` 4 ms; this module adds 0.1 ms.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, dataclass_transform
else:

    def dataclass_transform(**_options):
        """Type checkers read the real one; at run time it does nothing."""
        return lambda cls: cls


@dataclass_transform()
class Record:
    """A value with named fields, compared and shown by them; a default is written as a class attribute.

    Raises:
        TypeError: when a field without a default is not given, or an unknown one is.
    """

    _fields: ClassVar[dict[str, str]]
    _required: ClassVar[frozenset[str]]

    @classmethod
    def fields(cls) -> dict[str, str]:
        """Every field's annotation by its name, in the order of declaration.

        Made when it is first asked for: most of the hundred records and steps are not used in any one command.
        """
        made: dict[str, str] | None = cls.__dict__.get("_fields")
        if made is None:
            made = {}
            for base in cls.__mro__[-2::-1]:
                made.update((name, kind) for name, kind in base.__annotations__.items() if kind[:8] != "ClassVar")
            cls._fields = made
        return made

    @classmethod
    def required(cls) -> frozenset[str]:
        """The names of the fields without a default."""
        made: frozenset[str] | None = cls.__dict__.get("_required")
        if made is None:
            made = frozenset(name for name in cls.fields() if not hasattr(cls, name))
            cls._required = made
        return made

    def __init__(self, *values: Any, **named: Any) -> None:
        held, fields, required = self.__dict__, self.fields(), self.required()
        held.update(zip(fields, values))
        held.update(named)
        if not required <= held.keys() <= fields.keys():
            wrong = sorted((required - held.keys()) | (held.keys() - fields.keys()))
            raise TypeError(f"{type(self).__name__}: missing or unknown: {', '.join(wrong)}")

    def items(self) -> list[tuple[str, Any]]:
        """Every field with its value, in the order of declaration."""
        return [(name, getattr(self, name)) for name in self.fields()]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Record) and self.items() == other.items()

    def __hash__(self) -> int:
        return hash((type(self), repr(self)))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.items())
        return f"{type(self).__name__}({shown})"
