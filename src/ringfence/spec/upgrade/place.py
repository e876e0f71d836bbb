"""An object of an old configuration while it is taken apart: typed reading, with the path of the old field in errors.

Keys are matched regardless of case, null counts as absent, and what nobody has asked for is left over at the end, to be
copied to the same place (OLD-DETECT-07, OLD-UPGRADE-02).
"""

from __future__ import annotations

from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

I64 = (-(2**63), 2**64 - 1)


def wrong(where: str, text: str) -> RingfenceError:
    """The error for an old field."""
    pointer = "/" + where.replace("[", ".").replace("]", "").replace(".", "/") if where else ""
    return RingfenceError(f"{where}: {text}" if where else text, field=pointer)


def kind_of(value: object) -> str:
    """A JSON type in words."""
    for kind, words in ((bool, "a boolean"), (str, "a string"), (list, "a list"), (dict, "an object")):
        if isinstance(value, kind):
            return words
    return "a number"


class Place:
    """One object and its path, with a common list of warnings."""

    def __init__(self, value: object, where: str, warnings: list[tuple[str, str]]) -> None:
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise wrong(where, f"must be an object, not {kind_of(value)}")
        self.held: dict[str, Any] = {key: item for key, item in value.items() if item is not None}
        self.where = where
        self.warnings = warnings

    def at(self, name: str) -> str:
        """The path of a member."""
        return f"{self.where}.{name}" if self.where else name

    def warn(self, name: str, text: str) -> None:
        """Note something doubtful about a member."""
        self.warnings.append((self.at(name), text))

    def key(self, name: str) -> str | None:
        """The member's key as it is spelled here; the exact spelling goes before."""
        if name in self.held:
            return name
        return next((key for key in self.held if key.lower() == name.lower()), None)

    def has(self, name: str) -> bool:
        """Whether there is such a member, and it has not been taken."""
        return self.key(name) is not None

    def take(self, name: str) -> Any:
        """The member, which is gone afterwards; None without it."""
        key = self.key(name)
        return None if key is None else self.held.pop(key)

    def typed(self, name: str, kind: type, words: str) -> Any:
        """The member, which must be of a type."""
        value = self.take(name)
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise wrong(self.at(name), f"must be {words}, not {kind_of(value)}")
        return value

    def text(self, name: str, otherwise: str = "") -> str:
        """A text."""
        value = self.typed(name, str, "a string")
        return otherwise if value is None else str(value)

    def boolean(self, name: str) -> bool:
        """A boolean, false without it."""
        return bool(self.typed(name, bool, "true or false"))

    def number(self, name: str, least: int = I64[0], most: int = I64[1]) -> int | None:
        """A whole number from ``least`` to ``most``, None without it."""
        value = self.typed(name, int, "a whole number")
        if value is not None and not least <= value <= most:
            raise wrong(self.at(name), f"must be a whole number from {least} to {most}, not {value}")
        return None if value is None else int(value)

    def object(self, name: str) -> Place:
        """An object, an empty one without it."""
        return Place(self.take(name), self.at(name), self.warnings)

    def items(self, name: str) -> list[Any]:
        """A list, an empty one without it."""
        return list(self.typed(name, list, "a list") or [])

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        values = self.items(name)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                raise wrong(f"{self.at(name)}[{index}]", f"must be a string, not {kind_of(value)}")
        return values

    def objects(self, name: str) -> Iterator[Place]:
        """A list of objects."""
        for index, value in enumerate(self.items(name)):
            yield Place(value, f"{self.at(name)}[{index}]", self.warnings)

    def either(self, new: str, *old: str) -> str:
        """Which of several spellings of a member counts: the new one, with a warning that names what is ignored."""
        found = [name for name in (new, *old) if self.has(name) and self.held[self.key(name) or ""] not in ([], {}, "")]
        for ignored in found[1:]:
            self.take(ignored)
            self.warn(ignored, f"ignored, since {found[0]} is given too")
        return found[0] if found else new

    def left(self) -> dict[str, Any]:
        """What nobody has asked for."""
        return self.held


def put(target: dict[str, Any], name: str, value: Any) -> None:
    """Set a member of the new document unless there is nothing to set."""
    if value is not None and value != {} and value != []:
        target[name] = value


def pruned(value: Any) -> Any:
    """A value without the nulls in it."""
    if isinstance(value, dict):
        return {key: pruned(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [pruned(item) for item in value]
    return value
