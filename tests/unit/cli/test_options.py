"""The reader of command lines: Go's flag package in small."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.cli.options import GLOBAL_OPTIONS, HIDDEN_OPTIONS, VERBS, Arguments, UsageError, integer, parse


def read(verb: str, *words: str) -> Arguments:
    return parse(words, VERBS[verb].options, VERBS[verb].anywhere)


@pytest.mark.parametrize(
    "words",
    [
        ["--bundle", "/b", "x"],
        ["--bundle=/b", "x"],
        ["-bundle", "/b", "x"],
        ["-bundle=/b", "x"],
        ["-b", "/b", "x"],
        ["-b=/b", "x"],
        ["--b", "/b", "x"],
    ],
)
def test_a_value_follows_or_is_joined_after_one_dash_or_two(words: list[str]) -> None:
    """LNX-CLI-02."""
    found = read("create", *words)
    assert (found.text("bundle"), found.words) == ("/b", ["x"])


@pytest.mark.parametrize("word", ["1", "t", "T", "true", "TRUE", "True"])
def test_switch_joined_with_true(word: str) -> None:
    """LNX-CLI-02."""
    assert read("delete", f"--force={word}", "x").switch("force")


@pytest.mark.parametrize("word", ["0", "f", "F", "false", "FALSE", "False"])
def test_switch_joined_with_false(word: str) -> None:
    """LNX-CLI-02."""
    found = read("delete", f"--force={word}", "x")
    assert found.given("force")
    assert not found.switch("force")


def test_a_switch_takes_no_word_behind_it() -> None:
    assert read("delete", "-f", "false").words == ["false"]


def test_the_last_value_wins_under_either_name() -> None:
    """LNX-CLI-03."""
    found = read("create", "--bundle", "/a", "-b", "/b", "--no-pivot", "--no-pivot=false", "x")
    assert found.text("bundle") == "/b"
    assert not found.switch("no-pivot")


def test_lists_add_up_and_commas_do_not_split_them() -> None:
    """LNX-CLI-03."""
    found = read("exec", "-e", "A=1,2", "--env", "B=", "-e=C", "-g", "7", "-g", "8", "x", "sh")
    assert found.texts("env") == ("A=1,2", "B=", "C")
    assert found.numbers("additional-gids") == (7, 8)


@pytest.mark.parametrize("verb", ["exec", "ps", "kill"])
def test_options_end_at_the_first_word_of(verb: str) -> None:
    """LNX-CLI-04."""
    assert read(verb, "x", "-e", "--help", "--", "-9").words == ["x", "-e", "--help", "--", "-9"]


def test_options_may_follow_the_id_elsewhere() -> None:
    """LNX-CLI-04."""
    assert read("delete", "x", "-f").switch("force")
    found = read("update", "x", "--memory", "1G", "--cpu-quota", "-1")
    assert (found.words, found.text("memory"), found.text("cpu-quota")) == (["x"], "1G", "-1")


def test_two_dashes_end_the_options() -> None:
    found = read("delete", "-f", "--", "-x", "--")
    assert (found.words, found.switch("force")) == (["-x", "--"], True)


def test_one_dash_is_a_word_and_can_be_a_value() -> None:
    found = read("update", "-r", "-", "-")
    assert (found.text("resources"), found.words) == ("-", ["-"])


def test_global_options_end_at_the_command() -> None:
    """LNX-CLI-01."""
    found = parse(["--root", "/r", "state", "--root", "x"], GLOBAL_OPTIONS, anywhere=False)
    assert (found.text("root"), found.words) == ("/r", ["state", "--root", "x"])


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["-bogus"], "flag provided but not defined: -bogus"),
        (["--bogus=1"], "flag provided but not defined: -bogus"),
        (["--bundle"], "flag needs an argument: -bundle"),
        (["x", "-b"], "flag needs an argument: -b"),
        (["---bundle"], "bad flag syntax: ---bundle"),
        (["-="], "bad flag syntax: -="),
        (["--=x"], "bad flag syntax: --=x"),
        (["--no-pivot=maybe"], 'invalid boolean value "maybe" for -no-pivot: parse error'),
        (["--no-pivot="], 'invalid boolean value "" for -no-pivot: parse error'),
        (["--preserve-fds", "x"], 'invalid value "x" for flag -preserve-fds: parse error'),
        (
            ["--preserve-fds", "99999999999999999999"],
            'invalid value "99999999999999999999" for flag -preserve-fds: value out of range',
        ),
    ],
)
def test_what_cannot_be_read_is_named(words: list[str], text: str) -> None:
    """LNX-CLI-08."""
    with pytest.raises(UsageError) as caught:
        read("create", *words)
    assert str(caught.value) == text


def test_interval_is_a_duration() -> None:
    """LNX-EVT-01."""
    assert read("events", "--interval", "1m30s", "x").seconds("interval", 5) == 90
    assert read("events", "x").seconds("interval", 5) == 5
    with pytest.raises(UsageError, match='invalid value "5" for flag -interval: parse error'):
        read("events", "--interval", "5", "x")


OPTION_LIKE = st.one_of(
    st.sampled_from([f"{dash}{name}" for dash in ("-", "--") for name in ("bundle", "b", "e", "env", "t", "g", "h")]),
    st.sampled_from(["-", "--", "---", "-=", "--=", "-e=", "--tty=x", "-g=1", "-g=0x", "--preserve-fds=1"]),
    st.text(max_size=8),
)


@given(st.sampled_from(sorted(VERBS)), st.lists(OPTION_LIKE, max_size=8))
def test_any_words_are_read_or_refused_as_wrong_usage(verb: str, words: list[str]) -> None:
    try:
        found = read(verb, *words)
    except UsageError as error:
        assert str(error)
    else:
        for name in found.values:
            assert isinstance(found.switch(name), bool)
        assert sum(map(len, found.values.values())) + len(found.words) <= len(words)


@given(st.lists(st.text(), max_size=6))
def test_words_behind_two_dashes_are_taken_as_they_are(words: list[str]) -> None:
    assert read("delete", "--", *words).words == words


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from(["d", "#x", "#o", "#b"]))
def test_numbers_are_read_in_every_base(number: int, form: str) -> None:
    assert integer(format(number, form)) == number


@given(st.text())
def test_a_text_is_a_number_or_raises_an_arithmetic_or_value_error(text: str) -> None:
    try:
        number = integer(text)
    except (OverflowError, ValueError):
        return
    assert -(2**63) <= number < 2**63


def test_a_leading_zero_means_octal() -> None:
    assert integer("010") == 8


@pytest.mark.parametrize("text", ["08", "-", "+-1", " 1", "1 ", "1_", "\u0661"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(UsageError, match="parse error"):
        read("create", "--preserve-fds", text, "x")


def test_option_names_are_unique_within_a_command() -> None:
    for verb, options in [("", GLOBAL_OPTIONS), *((name, verb.options) for name, verb in VERBS.items())]:
        names = [name for long, short, _ in options for name in (long, short) if name]
        assert len(names) == len(set(names)), verb


def test_hidden_options_are_options() -> None:
    for verb, name in HIDDEN_OPTIONS:
        assert name in [long for long, _, _ in VERBS[verb].options]
