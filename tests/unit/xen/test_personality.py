"""The command line of RunX."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.cli.personality import personality
from ringfence.cli.runx import arranged
from ringfence.errors import RingfenceError

LOG = ["--log", "/l", "--log-format", "json"]


def test_what_the_name_means() -> None:
    """XEN-COMPAT-01."""
    for name in ("runX", "runx"):
        held = personality(name)
        assert (held.wall, held.root, held.runx) == ("xen", "/run/runX", True)
    assert not personality("ringfence").runx


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--root", "/r", *LOG, "create", "--bundle", "/b", "--pid-file", "/p", "--no-pivot", "web"],
            ["--root", "/r", *LOG, "create", "--bundle", "/b", "--pid-file", "/p", "--no-pivot", "web"],
        ),
        (["--bundle=/b", "--root=/r", "create", "web"], ["--root=/r", "create", "--bundle=/b", "web"]),
        (["--root", "/r", "kill", "--all", "web", "KILL"], ["--root", "/r", "kill", "--all", "web", "KILL"]),
        (["delete", "--force", "web"], ["delete", "--force", "web"]),
        (
            ["--debug", "create", "--console-socket", "/c", "web"],
            ["--debug", "create", "--console-socket", "/c", "web"],
        ),
        (["start", "--root", "/r", "web"], ["--root", "/r", "start", "web"]),
        (["kill", "web", "--", "9"], ["kill", "web", "--", "9"]),
        (["--version"], ["--version"]),
        ([], []),
    ],
)
def test_words_in_containerds_orders(words: list[str], told: list[str]) -> None:
    """XEN-COMPAT-01, XEN-COMPAT-02, XEN-COMPAT-07: what RunX misread too."""
    assert arranged(words) == told


def test_an_unknown_command_is_an_error() -> None:
    """XEN-COMPAT-02: RunX did nothing, and called it success."""
    with pytest.raises(RingfenceError) as caught:
        arranged(["--root", "/r", "frobnicate", "web"])
    assert caught.value.status == 3


PARTS = (
    "every signal; a taken id; an unknown id; VNC; logged in; started anew; left a domain alive; local time; a guess"
)


@pytest.mark.parametrize("words", [*PARTS.split("; "), "bind mounts stayed"])
def test_what_runx_did_is_told_and_not_done(words: str) -> None:
    """XEN-COMPAT-06: the tests of lives show that it is not."""
    page = Path(__file__).parents[3] / "docs/xen.md"
    assert words in " ".join(page.read_text(encoding="utf-8").split())
