"""Frames, ramdisks, and what a guest says: all of it is read as if it were hostile."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.container.machine import process_of
from ringfence.drivers.guest.client import Frame, encode, parse
from ringfence.drivers.guest.ramdisk import base, with_plan
from ringfence.errors import RingfenceError
from ringfence.plan.frames import LARGEST, TYPES

frames = st.builds(
    Frame,
    st.sampled_from(TYPES),
    st.binary(max_size=300),
    st.integers(0, 255),
    st.integers(0, 65535),
)


@given(st.lists(frames), st.binary(max_size=7))
def test_frames_come_back_as_they_were_sent(sent: list[Frame], rest: bytes) -> None:
    """MVM-CTL-01, MVM-CTL-07: joined or split, with part of the next behind them."""
    assert parse(b"".join(map(encode, sent)) + rest) == (sent, rest)


@given(st.binary(max_size=400))
def test_any_bytes_are_frames_or_refused(data: bytes) -> None:
    """MVM-CTL-07."""
    try:
        found, rest = parse(data)
    except RingfenceError:
        return
    assert b"".join(map(encode, found)) + rest == data


def test_a_length_that_cannot_be() -> None:
    """MVM-CTL-07: is refused before memory is taken for it."""
    with pytest.raises(RingfenceError):
        parse((LARGEST + 1).to_bytes(4, "little") + bytes(4))


def test_a_ramdisk_is_what_cpio_reads(tmp_path: Path) -> None:
    """MVM-RAMDISK-01, MVM-RAMDISK-02: the same bytes every time, aligned, the plan in an archive of its own."""
    made = with_plan(b"#!init", b"the plan", b"d" * 16, terminal=True)
    assert made == with_plan(b"#!init", b"the plan", b"d" * 16, terminal=True)
    second = made[len(base(b"#!init")) :]
    assert len(base(b"#!init")) % 4 == 0
    for archive, names in ((made, ["init"]), (second, ["plan", "digest", "terminal"])):
        told = subprocess.run(["busybox", "cpio", "-t"], input=archive, capture_output=True, check=True, cwd=tmp_path)
        assert told.stdout.decode().split() == names


PROCESS = (
    b"33 (a) b) S 1 33 33 0 -1 4194560 100 0 0 0 150 75 0 0 20 0 1 0 100 1000 10 18446744073709551615\n\0"
    b"Name:\ta\nUid:\t7\t7\t7\t7\n\0/bin/a\0--flag\0\x1b[31m\0"
)


def test_a_process_of_the_guest() -> None:
    """MVM-PS-01: its numbers, and a command line that cannot move the cursor."""
    found = process_of(PROCESS)
    assert found is not None
    assert (found.pid, found.parent, found.uid, found.seconds) == (33, 1, 7, 2)
    assert found.command == "/bin/a --flag ?[31m"


@given(st.binary(max_size=200) | st.integers(0, len(PROCESS)).map(lambda size: PROCESS[:size]))
def test_what_no_process_can_be(data: bytes) -> None:
    """MVM-PS-01, MVM-CTL-07: is passed over."""
    found = process_of(data)
    assert found is None or (found.pid >= 0 and found.command.isprintable())
