"""Which lines of the host's ps are a container's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.cli import ps
from ringfence.cli.ps import listing, of_container
from ringfence.errors import RingfenceError

TEXT = """\
UID        PID  PPID  C STIME TTY          TIME CMD
root        10     1  0 11:30 ?        00:00:00 sleep 11
root        11    10  0 11:30 ?        00:00:00 sleep 10
"""


def test_the_header_and_the_lines_of_the_processes() -> None:
    """LNX-PPR-01."""
    header, first, _ = TEXT.splitlines(keepends=True)
    assert of_container(TEXT, [10, 12]) == header + first


def test_a_stopped_container_has_only_a_header() -> None:
    """LNX-PPR-04."""
    assert of_container(TEXT, []) == TEXT.splitlines(keepends=True)[0]


@pytest.mark.parametrize("text", ["", "COMMAND\nsleep\n"])
def test_a_listing_without_pids(text: str) -> None:
    """LNX-PPR-02."""
    with pytest.raises(RingfenceError, match="couldn't find PID field in ps output"):
        of_container(text, [10])


@given(st.text(), st.lists(st.integers(1, 99)))
def test_any_listing_is_filtered_or_refused(text: str, pids: list[int]) -> None:
    try:
        shown = of_container(text, pids)
    except RingfenceError:
        assert "PID" not in (text.splitlines() or [""])[0].split()
    else:
        assert set(shown.splitlines()) <= set(text.splitlines())


def test_the_hosts_ps_is_run() -> None:
    """LNX-PPR-02."""
    assert listing(["-o", "pid,comm"]).split()[:2] == ["PID", "COMMAND"]


def test_a_ps_that_fails() -> None:
    with pytest.raises(RingfenceError, match="exit status 1: "):
        listing(["--bogus"])


def test_a_host_without_ps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ps, "PROGRAMS", ("/nowhere/ps",))
    with pytest.raises(RingfenceError, match="ps: executable file not found"):
        listing([])
