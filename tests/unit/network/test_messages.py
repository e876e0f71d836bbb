"""Messages of rtnetlink come back as they were made; nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RingfenceError
from ringfence.network.messages import attribute, attributes_of, message, messages_in

kinds = st.integers(0, 0x3FFF)
values = st.binary(max_size=100)
padded = st.binary(max_size=100).map(lambda data: data + bytes(-len(data) % 4))


@given(st.lists(st.tuples(st.integers(0, 65535), padded)))
def test_messages_come_back(sent: list[tuple[int, bytes]]) -> None:
    assert list(messages_in(b"".join(message(kind, 0, body) for kind, body in sent))) == sent


@given(st.dictionaries(kinds, values))
def test_attributes_come_back(held: dict[int, bytes]) -> None:
    assert attributes_of(b"".join(attribute(kind, value) for kind, value in held.items())) == held


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (lambda: list(messages_in(data)), lambda: attributes_of(data)):
        try:
            read()
        except RingfenceError as error:
            assert "cut short" in str(error)


@pytest.mark.parametrize("size", [0, 15, 17])
def test_a_size_that_cannot_be(size: int) -> None:
    with pytest.raises(RingfenceError, match="cut short"):
        list(messages_in(size.to_bytes(4, "little") + bytes(12)))
