"""Messages of rtnetlink, made and read (rtnetlink(7), linux/netlink.h). Pure."""

from __future__ import annotations

from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

ERROR, DONE = 2, 3
NEW_LINK, DELETE_LINK, GET_LINK = 16, 17, 18
NEW_ADDRESS, DELETE_ADDRESS, GET_ADDRESS = 20, 21, 22
NEW_ROUTE, GET_ROUTE = 24, 26
NEW_QDISC, DELETE_QDISC, GET_QDISC = 36, 37, 38
NEW_FILTER = 44

REQUEST, ACKNOWLEDGE, DUMP = 0x1, 0x4, 0x300
REPLACE, EXCLUSIVE, CREATE = 0x100, 0x200, 0x400

HEAD = 16


def value_of(data: bytes) -> int:
    """A number of the kernel's; every machine there is a ringfence for is little-endian."""
    return int.from_bytes(data, "little")


def padded(data: bytes) -> bytes:
    """Filled up to a multiple of four bytes."""
    return data + bytes(-len(data) % 4)


def attribute(kind: int, value: bytes) -> bytes:
    """A struct rtattr with its value."""
    return padded((4 + len(value)).to_bytes(2, "little") + kind.to_bytes(2, "little") + value)


def text(value: str) -> bytes:
    """A name as the kernel wants it."""
    return value.encode("utf-8", "surrogateescape") + b"\0"


def number(value: int) -> bytes:
    """A u32; of a negative one the two's complement."""
    return (value & 0xFFFFFFFF).to_bytes(4, "little")


def message(kind: int, flags: int, body: bytes) -> bytes:
    """A whole message; the body is the fixed structure of its kind and the attributes."""
    head = (
        (HEAD + len(body)).to_bytes(4, "little") + kind.to_bytes(2, "little") + (flags | REQUEST).to_bytes(2, "little")
    )
    return head + bytes(8) + body


def messages_in(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each message.

    Raises:
        RingfenceError: the bytes are no messages.
    """
    while data:
        size = value_of(data[:4])
        if not HEAD <= size <= len(data):
            raise RingfenceError("the kernel's answer about the network is cut short")
        yield value_of(data[4:6]), data[HEAD:size]
        data = data[size + -size % 4 :]


def attributes_of(data: bytes) -> dict[int, bytes]:
    """Attributes by their kinds, without the flags NLA_F_NESTED and NLA_F_NET_BYTEORDER.

    Raises:
        RingfenceError: the bytes are no attributes.
    """
    found = {}
    while len(data) >= 4:
        size = value_of(data[:2])
        if not 4 <= size <= len(data):
            raise RingfenceError("the kernel's answer about the network is cut short")
        found[value_of(data[2:4]) & 0x3FFF] = data[4:size]
        data = data[size + -size % 4 :]
    return found
