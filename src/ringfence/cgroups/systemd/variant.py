"""Values of unit properties from annotations: GVariant's text format, as far as properties need it (LNX-SYSD-12).

https://docs.gtk.org/glib/gvariant-text-format.html: booleans, numbers, strings, arrays and tuples, with an optional
type before a number (``uint64 5``) or a whole value (``@as []``).
"""

from __future__ import annotations

import ast
import re

from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Typed = tuple[str, Any]

NUMBER_TYPES = {
    "byte": "y", "int16": "n", "uint16": "q", "int32": "i", "uint32": "u", "int64": "x", "uint64": "t", "double": "d",
}  # fmt: skip
RANGES = {
    "y": (0, 2**8), "n": (-(2**15), 2**15), "q": (0, 2**16), "i": (-(2**31), 2**31), "u": (0, 2**32),
    "x": (-(2**63), 2**63), "t": (0, 2**64),
}  # fmt: skip
TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<number>[-+]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?))"""
    r"""|(?P<word>[a-z][a-z0-9]*)|(?P<type>@[a-z()\[\]]+)|(?P<mark>[\[\](),]))""",
)
DEPTH_MAX = 16
SIGNATURE = re.compile(r"a*(?:[bynqiuxtds])")


class Reader:
    """The tokens of one text."""

    def __init__(self, text: str) -> None:
        self.tokens = tokens(text)

    def take(self) -> tuple[str, str]:
        """The next token's kind and text."""
        if not self.tokens:
            raise ValueError("it ends too early")
        return self.tokens.pop(0)

    def next_is(self, mark: str) -> bool:
        """Whether the next token is this mark; then it is taken."""
        if self.tokens and self.tokens[0] == ("mark", mark):
            self.tokens.pop(0)
            return True
        return False


def tokens(text: str) -> list[tuple[str, str]]:
    """Every token of a text.

    Raises:
        ValueError: something in it is none.
    """
    found, place = [], 0
    end = len(text.rstrip())
    while place < end:
        match = TOKEN.match(text, place)
        if not match or match.end() == place:
            raise ValueError(f"unexpected {text[place : place + 10]!r}")
        kind = match.lastgroup or ""
        found.append((kind, match.group(kind)))
        place = match.end()
    return found


def parse_variant(text: str) -> Typed:
    """The D-Bus signature and the value of a text.

    Raises:
        ValueError: it is not in the format, or a number does not fit its type.
    """
    reader = Reader(text)
    found = value(reader, 0)
    if reader.tokens:
        raise ValueError(f"unexpected {reader.tokens[0][1]!r} at its end")
    return found


def value(reader: Reader, depth: int) -> Typed:
    """One value."""
    if depth > DEPTH_MAX:
        raise ValueError("it is nested too deeply")
    kind, text = reader.take()
    if kind == "string":
        return "s", unquoted(text)
    if kind == "number":
        return number(text, "d" if "." in text else "i")
    if kind == "word":
        return word(reader, text)
    if kind == "type":
        return typed_empty(reader, text[1:])
    if text == "[":
        return array(reader, depth)
    if text == "(":
        return group(reader, depth)
    raise ValueError(f"unexpected {text!r}")


def unquoted(text: str) -> str:
    """A string without its quotes; the escapes are those of Python's."""
    held = ast.literal_eval(text)
    if not isinstance(held, str) or "\0" in held:
        raise ValueError("a string must not hold a NUL")
    return held


def number(text: str, signature: str) -> Typed:
    """A number of a type."""
    if signature == "d":
        return signature, float(text)
    if "." in text:
        raise ValueError(f"{text} is not a whole number")
    count = int(text, 16 if "x" in text.lower() else 10)
    low, high = RANGES[signature]
    if not low <= count < high:
        raise ValueError(f"{text} does not fit its type")
    return signature, count


def word(reader: Reader, text: str) -> Typed:
    """A boolean, or a number behind the name of its type."""
    if text in ("true", "false"):
        return "b", text == "true"
    if text not in NUMBER_TYPES:
        raise ValueError(f"unexpected {text!r}")
    kind, digits = reader.take()
    if kind != "number":
        raise ValueError(f"{text} needs a number")
    return number(digits, NUMBER_TYPES[text])


def typed_empty(reader: Reader, signature: str) -> Typed:
    """A value behind its signature: an array, or a number."""
    if not SIGNATURE.fullmatch(signature):
        raise ValueError(f"@{signature} is not supported")
    if signature in RANGES:
        kind, digits = reader.take()
        if kind != "number":
            raise ValueError(f"@{signature} needs a number")
        return number(digits, signature)
    found = value(reader, 1)
    if found[0] not in (signature, "a") or (found[0] == "a" and signature[0] != "a"):
        raise ValueError(f"the value is not of type {signature}")
    return signature, found[1]


def array(reader: Reader, depth: int) -> Typed:
    """An array; its first element tells the type of all. The signature of an empty one is ``a`` alone."""
    found: list[Typed] = []
    while not reader.next_is("]"):
        if found and not reader.next_is(","):
            raise ValueError("a comma is missing in an array")
        found.append(value(reader, depth + 1))
    kinds = {signature for signature, _held in found}
    if len(kinds) > 1:
        raise ValueError("the elements of an array differ in type")
    return f"a{kinds.pop() if kinds else ''}", [held for _signature, held in found]


def group(reader: Reader, depth: int) -> Typed:
    """A tuple."""
    found: list[Typed] = []
    while not reader.next_is(")"):
        if found and not reader.next_is(","):
            raise ValueError("a comma is missing in a tuple")
        if found and reader.next_is(")"):
            break
        found.append(value(reader, depth + 1))
    return f"({''.join(signature for signature, _held in found)})", tuple(held for _signature, held in found)


def annotated(name: str, text: str, pointer: str) -> tuple[str, str, Any]:
    """Name, signature and value of the property that an annotation sets.

    A name ending in ``Sec`` with a number is the property in microseconds (``TimeoutStopSec`` is ``TimeoutStopUSec``).

    Raises:
        RingfenceError: the name cannot be a property's, or the text is no value.
    """
    if not (name.isascii() and name.isalpha() and name[0].isupper()):
        raise RingfenceError(f'annotation "{name}": not a systemd property name', field=pointer)
    try:
        signature, held = parse_variant(text)
    except (ValueError, SyntaxError) as error:
        reason = f'annotation "{name}": the value {text!r} cannot be read: {error}'
        hint = "the values are GVariant's text: 'text', uint64 5, true, ['a', 'b']"
        raise RingfenceError(reason, field=pointer, hint=hint) from None
    if name.endswith("Sec") and not name.endswith("USec"):
        return in_microseconds(name, signature, held, pointer)
    if "a" in signature and signature.endswith("a"):
        raise RingfenceError(f'annotation "{name}": an empty array needs a type', field=pointer, hint="such as @as []")
    return name, signature, held


def in_microseconds(name: str, signature: str, held: Any, pointer: str) -> tuple[str, str, Any]:
    """A time in seconds as systemd's D-Bus properties have it."""
    if signature not in (*RANGES, "d") or held < 0:
        raise RingfenceError(f'annotation "{name}": seconds must be a number that is not negative', field=pointer)
    return f"{name.removesuffix('Sec')}USec", "t", int(held * 1_000_000)
