"""The pages below docs and the README say what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ringfence.cli.help import SUBVERB_LINES, VERB_LINES
from ringfence.cli.options import GLOBAL_OPTIONS, GROUPS, HIDDEN_OPTIONS, SUBVERBS, VERBS, Option
from ringfence.settings import KEYS
from tests.packaging import REPOSITORY

MAN = REPOSITORY / "docs" / "man"
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
OPTION_HEAD = re.compile(r"^(?:\*\*-(\w)\*\*, )?\*\*--([\w-]+)\*\*", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def described(page: Path) -> list[tuple[str, str]]:
    """Long and short name of each option the page describes, in its order."""
    return [(long, short) for short, long in OPTION_HEAD.findall(page.read_text())]


def names(options: tuple[Option, ...], verb: str) -> list[tuple[str, str]]:
    return [(name, short) for name, short, _ in options if (verb, name) not in HIDDEN_OPTIONS]


@pytest.mark.parametrize("verb", VERBS)
def test_the_page_of_a_verb_describes_its_options_and_no_others(verb: str) -> None:
    expected = names(VERBS[verb].options, verb)
    if verb in GROUPS:
        inner = [names(SUBVERBS[name].options, name)[:-1] for name in SUBVERB_LINES if name.startswith(f"{verb} ")]
        expected = [*(option for options in inner for option in options), *expected]
    assert described(MAN / f"ringfence-{verb}.1.md") == expected


def test_the_main_page_describes_the_global_options() -> None:
    assert described(MAN / "ringfence.1.md") == names(GLOBAL_OPTIONS, "")


@pytest.mark.parametrize("verb", VERBS)
def test_a_page_says_in_its_first_line_what_the_help_says(verb: str) -> None:
    assert f"ringfence-{verb} - {VERB_LINES[verb]}\n" in (MAN / f"ringfence-{verb}.1.md").read_text()


def test_there_is_no_page_of_a_verb_that_does_not_exist() -> None:
    others = {"ringfence.1.md", "ringfence.toml.5.md"}
    assert {path.name for path in MAN.iterdir()} == others | {f"ringfence-{verb}.1.md" for verb in VERBS}


def test_the_page_of_the_settings_describes_each_key_and_no_other() -> None:
    lines = (MAN / "ringfence.toml.5.md").read_text().splitlines()
    assert [line.split("**")[1] for line in lines if line.startswith("**") and " = " in line] == list(KEYS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text()) if "//" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []
