"""CRIU's messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.criu import wire
from ringfence.errors import RingfenceError


@given(st.integers(0, 2**64 - 1))
def test_numbers_come_back(value: int) -> None:
    assert wire.read_varint(wire.varint(value), 0) == (value, len(wire.varint(value)))


@given(st.dictionaries(st.integers(1, 500), st.integers(0, 2**64 - 1) | st.binary(max_size=300)))
def test_messages_come_back(fields: dict[int, int | bytes]) -> None:
    raw = b"".join(wire.field(number, value) for number, value in fields.items())
    assert wire.decode(raw) == fields


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    try:
        wire.decode_answer(raw)
    except RingfenceError:
        pass


def test_a_request_to_the_byte() -> None:
    """LNX-CR-02: the request of a dump, as protobuf's encoding has it."""
    asked = {"images_dir_fd": 5, "pid": 300, "leave_running": True, "parent_img": None, "ext_mnt": [("/a", "/b")]}
    body = b"\x08\x05" + b"\x10\xac\x02" + b"\x18\x01" + b"\xba\x01\x08" + b"\x0a\x02/a\x12\x02/b"
    assert wire.encode_request(wire.DUMP, asked) == b"\x08\x01" + b"\x12" + bytes([len(body)]) + body


def test_nested_options() -> None:
    """LNX-CR-12: page servers and inherited descriptors are messages of their own."""
    assert wire.encode_option("ps", ("::1", 80)) == b"\x5a\x07\x0a\x03::1\x10\x50"
    assert wire.encode_option("inherit_fd", [("pipe:[1]", 2)]) == b"\xda\x01\x0c\x0a\x08pipe:[1]\x10\x02"


def test_answers() -> None:
    """LNX-CR-08: notifications and results."""
    notify = (
        wire.field(1, wire.NOTIFY) + wire.field(2, 1) + wire.field(5, wire.field(1, "post-restore") + wire.field(2, 9))
    )
    found = wire.decode_answer(notify)
    assert (found.type, found.success, found.script, found.pid) == (wire.NOTIFY, True, "post-restore", 9)
    failed = wire.decode_answer(wire.field(1, wire.DUMP) + wire.field(2, 0) + wire.field(7, -2) + wire.field(9, "why"))
    assert (failed.success, failed.errno, failed.text) == (False, -2, "why")


@pytest.mark.parametrize("raw", [b"\x80", b"\x0a\x05ab", b"\x0d1234", b"\xff" * 11])
def test_broken_answers(raw: bytes) -> None:
    with pytest.raises(RingfenceError, match="CRIU's answer cannot be read"):
        wire.decode_answer(raw)
