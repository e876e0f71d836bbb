"""Help texts, and that they speak of what there is."""

from __future__ import annotations

import pytest

from ringfence.cli.help import DESCRIPTIONS, OPTION_LINES, SUBVERB_LINES, USAGES, VERB_LINES, general_help, verb_help
from ringfence.cli.options import GLOBAL_OPTIONS, GROUPS, HELP, HIDDEN_OPTIONS, SUBVERBS, SWITCH, VERBS

OF_GROUPS = {name: verb for name, verb in SUBVERBS.items() if name.partition(" ")[0] in GROUPS}

SHOWN = {
    verb: [option for option in options if option != HELP and (verb, option[0]) not in HIDDEN_OPTIONS]
    for verb, options in [
        ("", GLOBAL_OPTIONS),
        *((name, verb.options) for name, verb in {**VERBS, **OF_GROUPS}.items()),
    ]
}


def test_general_help_begins_with_the_name() -> None:
    """LNX-CLI-10."""
    lines = general_help("runc").splitlines()
    assert lines[:2] == ["NAME:", "   runc - Open Container Initiative runtime"]


@pytest.mark.parametrize("verb", sorted({**VERBS, **OF_GROUPS}))
def test_the_help_of_each_command(verb: str) -> None:
    """LNX-CLI-11."""
    text = verb_help("prog", verb)
    first, second, *_ = text.splitlines()
    assert first == "NAME:"
    assert f"prog {verb}" in second
    assert all(f"--{long}" in text for long, _, _ in SHOWN[verb])
    assert text.endswith("\n")
    assert all(line == line.rstrip() for line in text.splitlines())


def test_general_help_names_every_command_and_option() -> None:
    text = general_help("prog")
    assert all(f"\n   {verb} " in text for verb in VERBS)
    assert all(f"--{long}" in text for long, _, _ in GLOBAL_OPTIONS)
    assert "default is /run/ringfence" in text


def test_hidden_options_are_not_shown() -> None:
    for verb, name in HIDDEN_OPTIONS:
        assert f"--{name} " not in verb_help("prog", verb)


@pytest.mark.parametrize("verb", sorted(SHOWN))
def test_words_about_options_fit_the_table(verb: str) -> None:
    described = OPTION_LINES.get(verb, {})
    assert set(described) == {long for long, _, _ in SHOWN[verb]}
    for long, _, kind in SHOWN[verb]:
        assert (described[long][0] == "") == (kind == SWITCH), long


def test_words_about_commands_fit_the_table() -> None:
    assert set(VERB_LINES) == set(VERBS)
    assert set(SUBVERB_LINES) == set(OF_GROUPS)
    assert set(USAGES) == {*VERBS, *OF_GROUPS}
    assert set(DESCRIPTIONS) <= {*VERBS, *OF_GROUPS}
