"""JSON text: what is read, what is refused and where, and the form in which it is written."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RingfenceError
from ringfence.jsontext import dumps, loads, quote, quote_printable

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
BLANKS = st.text(" \t\r\n", max_size=3)


@given(VALUES, BLANKS, BLANKS, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_reads_what_the_json_module_reads(
    value: object, before: str, after: str, indent: int | str | None, ascii_only: bool
) -> None:
    text = before + json.dumps(value, indent=indent, ensure_ascii=ascii_only) + after
    assert loads(text) == json.loads(text)


@given(st.text('{}[]",:0123456789.eE+-truefalsn \\u\n'))
def test_accepts_exactly_what_the_json_module_accepts(text: str) -> None:
    try:
        expected = json.loads(text, parse_constant=pytest.fail)
    except ValueError:
        with pytest.raises(RingfenceError):
            loads(text)
    else:
        if "Infinity" not in repr(expected) and "inf" not in repr(expected):
            assert loads(text) == expected


@given(VALUES, st.sampled_from(["", "  ", "\t", "    "]))
def test_reads_back_what_it_writes(value: object, indent: str) -> None:
    assert loads(dumps(value, indent)) == value


@given(VALUES)
def test_writes_what_utf_8_can_hold(value: object) -> None:
    assert json.loads(dumps(value).encode()) == value


@given(st.text(st.characters(codec="ascii", exclude_characters="<>&\x7f")) | st.integers())
def test_writes_ascii_as_the_json_module_does(value: object) -> None:
    held = [value, {"key": value}, [], {}]
    assert dumps(held) == json.dumps(held, separators=(",", ":"))
    assert dumps(held, "\t") == json.dumps(held, indent="\t")


@pytest.mark.parametrize("value", [2**64 - 1, -(2**63), 2**53 + 1, 10**40])
def test_integers_are_exact(value: int) -> None:
    """LNX-CFG-05: unsigned 64-bit values are kept exactly."""
    assert loads(f"[{value}]") == [value]


def test_the_last_of_equal_keys_counts() -> None:
    """LNX-CFG-02: of two equal keys the last one counts."""
    assert loads('{"a": 1, "b": 2, "a": 3}') == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the text is empty"),
        (" \n", "the text is empty"),
        ("\ufeff{}", "line 1, column 1: a byte order mark is not allowed"),
        ("nul", "line 1, column 1: a value is expected"),
        ('{"a": 1,\n "b": x}', "line 2, column 7: a value is expected"),
        ('{"a": 1} {}', "line 1, column 10: nothing may follow the JSON value"),
        ("[1]]", "line 1, column 4: nothing may follow the JSON value"),
        ("{'a': 1}", "line 1, column 2: expecting property name enclosed in double quotes"),
        ('["\x01"]', "line 1, column 3: invalid control character"),
        ('["a', "line 1, column 2: unterminated string starting"),
        ('["NaN",\n NaN]', "line 2, column 2: the number NaN cannot be represented"),
        ('{"a": [-Infinity]}', "line 1, column 8: the number -Infinity cannot be represented"),
        ("[1e999]", "line 1, column 2: the number 1e999 cannot be represented"),
        ('["\\"1e999", -1e999]', "line 1, column 13: the number -1e999 cannot be represented"),
        (f"[{'9' * 5000}]", "line 1, column 2: a number has too many digits"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_says_what_is_wrong_and_where(text: str, words: str) -> None:
    with pytest.raises(RingfenceError) as caught:
        loads(text)
    assert words in str(caught.value)


def test_reads_and_refuses_without_the_json_module() -> None:
    """The C scanner of CPython 3.11 fails in its own way when json.decoder has not been loaded before."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from ringfence.errors import RingfenceError\n"
        "from ringfence.jsontext import loads, dumps\n"
        "assert loads(dumps({'a': [1, None]})) == {'a': [1, None]}\n"
        "assert not {'json', 're'} & sys.modules.keys()\n"
        "try: loads('{\"a\": 1')\n"
        "except RingfenceError as error: print(error)\n"
    )
    source = next(path for path in sys.path if path.endswith("/src"))
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, source], capture_output=True, text=True, check=True
    )
    assert result.stdout == "line 1, column 8: expecting ',' delimiter\n"


def test_reads_without_the_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import reload

    import ringfence.jsontext as module

    monkeypatch.setitem(sys.modules, "_json", None)
    try:
        slow = reload(module)
        assert slow.loads(slow.dumps([1, {"a": "<ä>"}])) == [1, {"a": "<ä>"}]
        with pytest.raises(RingfenceError, match="NaN"):
            slow.loads("NaN")
    finally:
        monkeypatch.undo()
        reload(module)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("<a> & b", r'"\u003ca\u003e \u0026 b"'),
        ("\u2028\u2029", r'"\u2028\u2029"'),
        ("ä😀", '"ä😀"'),
        ('"\\/\n\t\x00\x7f', '"\\"\\\\/\\n\\t\\u0000\x7f"'),
        ("\ud800<", r'"\ud800\u003c"'),
    ],
)
def test_texts_are_escaped_as_in_go(text: str, written: str) -> None:
    assert quote(text) == written
    assert json.loads(written) == text


def test_texts_for_people_hold_nothing_a_terminal_obeys() -> None:
    assert quote_printable("<é>") == '"<é>"'
    assert quote_printable("\x1b[2J\x9b é") == r'"\u001b[2J\u009b \u00e9"'


@pytest.mark.parametrize(
    ("value", "compact", "indented"),
    [
        ([], "[]", "[]"),
        ({}, "{}", "{}"),
        ([[], {}], "[[],{}]", "[\n  [],\n  {}\n]"),
        ({"b": 1, "a": (True, None)}, '{"b":1,"a":[true,null]}', '{\n  "b": 1,\n  "a": [\n    true,\n    null\n  ]\n}'),
        (1.0, "1", "1"),
        (0.25, "0.25", "0.25"),
        (1e21, "1e+21", "1e+21"),
    ],
)
def test_written_form(value: object, compact: str, indented: str) -> None:
    assert dumps(value) == compact
    assert dumps(value, "  ") == indented


@pytest.mark.parametrize(("value", "error"), [({1}, TypeError), (b"x", TypeError), (float("nan"), ValueError)])
def test_what_has_no_form_in_json_is_not_written(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        dumps([value])
