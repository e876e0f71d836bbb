"""JSON text to values and back, without the json module.

``json`` imports ``re`` and costs 7 ms at every start; the C scanner below it costs 0.3 ms. What is read is hostile, so
the reader is strict (RFC 8259: no NaN, nothing behind the value, no byte order mark) and ends in a RingfenceError that
says where. What is written has the shape of Go's encoding/json, because the readers are engines written in Go.
"""

from __future__ import annotations

from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLANK = " \t\n\r"


class _RefusedNumberError(Exception):
    """A number that JSON or a double cannot hold; its text is the argument."""


def _refuse_constant(token: str) -> object:
    raise _RefusedNumberError(token)


def _finite(token: str) -> float:
    value = float(token)
    if value in (float("inf"), float("-inf")):
        raise _RefusedNumberError(token)
    return value


class _Options:
    """What the scanner is told: the same attributes as a json.JSONDecoder has."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = _finite
    parse_int = int
    parse_constant = _refuse_constant


def _make_scanner() -> Callable[[str, int], tuple[object, int]]:
    try:
        from _json import make_scanner

        return make_scanner(_Options)  # type: ignore[arg-type]
    except (ImportError, AttributeError):  # an interpreter without the accelerator, or one that wants more options
        from json import JSONDecoder

        scanner: Callable[[str, int], tuple[object, int]]
        scanner = JSONDecoder(parse_float=_finite, parse_constant=_refuse_constant).scan_once  # type: ignore[attr-defined]
        return scanner


try:
    from _json import encode_basestring, encode_basestring_ascii
except ImportError:
    from json.encoder import encode_basestring, encode_basestring_ascii

_scan = _make_scanner()


def loads(text: str) -> object:
    """The value of one JSON text. Integers are exact, of equal keys the last one counts.

    Raises:
        RingfenceError: the text is empty, not JSON (RFC 8259), nested too deeply, or holds more than one value.
    """
    start = len(text) - len(text.lstrip(BLANK))
    if start == len(text):
        raise RingfenceError("the text is empty, a JSON value is needed")
    value, end = _scan_checked(text, start)
    rest = text[end:].lstrip(BLANK)
    if rest:
        raise _error(text, len(text) - len(rest), "nothing may follow the JSON value")
    return value


def _scan_checked(text: str, start: int) -> tuple[object, int]:
    try:
        return _scan(text, start)
    except StopIteration as stop:
        raise _error(text, stop.value, _unexpected(text)) from None
    except _RefusedNumberError as refused:
        token = str(refused)
        raise _error(text, _find_number(text, token), f"the number {token[:40]} cannot be represented") from None
    except RecursionError:
        raise RingfenceError("the JSON text is nested too deeply") from None
    except SystemError:  # CPython 3.11 and 3.12 look for JSONDecodeError among the loaded modules only
        import json.decoder  # noqa: F401 - loading it is the purpose; the text is refused either way

        return _scan_checked(text, start)
    except ValueError as error:
        raise _syntax_error(text, error) from None


def _unexpected(text: str) -> str:
    if text.startswith("\ufeff"):
        return "a byte order mark is not allowed"
    return "a value is expected"


def _syntax_error(text: str, error: ValueError) -> RingfenceError:
    position = getattr(error, "pos", None)
    if position is None:
        return _error(text, _find_long_number(text), "a number has too many digits")
    words = str(getattr(error, "msg", "not JSON")).removesuffix(" at")
    return _error(text, position, words[:1].lower() + words[1:])


def _find_number(text: str, token: str) -> int:
    from re import escape  # only for the message of a text that is refused

    return _find_outside_strings(text, escape(token))


def _find_long_number(text: str) -> int:
    import sys

    return _find_outside_strings(text, rf"-?[0-9]{{{sys.get_int_max_str_digits()},}}")


def _find_outside_strings(text: str, pattern: str) -> int:
    from re import finditer  # only for the message of a text that is refused

    for match in finditer(rf'"(?:[^"\\]|\\.)*"|({pattern})', text):
        if match[1]:
            return match.start()
    return 0


def _error(text: str, position: int, words: str) -> RingfenceError:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return RingfenceError(f"line {line}, column {column}: {words}")


def quote(text: str) -> str:
    r"""A text as a JSON string, escaped as Go does it: also ``<``, ``>``, ``&``, U+2028 and U+2029.

    A text with a lone surrogate, which UTF-8 cannot hold, is written in ASCII: ``\udcXX``.
    """
    quoted = encode_basestring(text)
    if not text.isascii():
        quoted = quoted.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
        if not is_encodable(text):
            quoted = encode_basestring_ascii(text)
    return quoted.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def quote_printable(text: str) -> str:
    """A text as a JSON string for people: what a terminal cannot show, or would obey, is escaped."""
    return encode_basestring(text) if text.isprintable() else encode_basestring_ascii(text)


def is_encodable(text: str) -> bool:
    """Whether UTF-8 can hold the text: it has no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def dumps(value: object, indent: str = "") -> str:
    """A value as JSON text: one line without blanks, or with ``indent`` one line per member, without a last newline.

    Keys keep their order. A float without a fraction is written as an integer, as Go does it.

    Raises:
        TypeError: for a value that is not None, a bool, a number, a text, a list, a tuple or a dict with texts as keys.
        ValueError: for NaN and the infinities.
    """
    return "".join(_pieces(value, indent, "\n" if indent else ""))


def _pieces(value: object, indent: str, newline: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _members(value, indent, newline)
    elif isinstance(value, (list, tuple)):
        yield from _elements(value, indent, newline)
    else:
        yield _scalar(value)


def _members(value: dict[str, object], indent: str, newline: str) -> Iterator[str]:
    inner, colon, before = newline + indent, ": " if indent else ":", "{"
    for key, item in value.items():
        yield f"{before}{inner}{quote(key)}{colon}"
        yield from _pieces(item, indent, inner)
        before = ","
    yield f"{newline}}}" if value else "{}"


def _elements(value: list[object] | tuple[object, ...], indent: str, newline: str) -> Iterator[str]:
    inner, before = newline + indent, "["
    for item in value:
        yield f"{before}{inner}"
        yield from _pieces(item, indent, inner)
        before = ","
    yield f"{newline}]" if value else "[]"


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return quote(value)
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return _float(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _float(value: float) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(f"{value} has no form in JSON")
    if value.is_integer() and abs(value) < 1e21:  # the limit from which Go writes an exponent
        return str(int(value))
    return repr(value)
