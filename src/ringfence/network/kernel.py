"""Speaking with the kernel over a socket of rtnetlink."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.network.found import ADDRESS_SIZE, LINK_SIZE, ROUTE_SIZE, TRAFFIC_SIZE
from ringfence.network.messages import (
    ACKNOWLEDGE,
    DONE,
    DUMP,
    ERROR,
    GET_ADDRESS,
    GET_LINK,
    GET_QDISC,
    GET_ROUTE,
    message,
    messages_in,
    value_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

PART = 65536
DUMPS = ((GET_LINK, LINK_SIZE), (GET_ADDRESS, ADDRESS_SIZE), (GET_ROUTE, ROUTE_SIZE), (GET_QDISC, TRAFFIC_SIZE))


def failure(body: bytes) -> int:
    """The errno in an answer; 0 when all is well."""
    return -int.from_bytes(body[:4], "little", signed=True)


def ask(socket: _socket.socket, request: bytes, attempted: str) -> None:
    """Have something done. Fields of ``request`` are those of messages.message.

    Raises:
        RingfenceError: the kernel refuses; ``attempted`` are the words of the error.
    """
    flags = value_of(request[6:8]) | ACKNOWLEDGE
    try:
        socket.send(request[:6] + flags.to_bytes(2, "little") + request[8:])
        answers = list(messages_in(socket.recv(PART)))
    except OSError as error:
        raise RingfenceError(attempted, errno=error.errno or 0) from None
    for kind, body in answers:
        if kind == ERROR and failure(body):
            raise RingfenceError(attempted, errno=failure(body))


def dump_all(socket: _socket.socket) -> list[tuple[int, bytes]]:
    """Every device, address, route and queue of the socket's network namespace: kind and body of each message.

    Raises:
        RingfenceError: the kernel does not tell.
    """
    return [message for kind, size in DUMPS for message in dump(socket, kind, size)]


def dump(socket: _socket.socket, kind: int, size: int) -> list[tuple[int, bytes]]:
    """All there is of one kind, of every family; ``size`` is that of the kind's fixed structure.

    Raises:
        RingfenceError: the kernel does not tell.
    """
    found: list[tuple[int, bytes]] = []
    try:
        socket.send(message(kind, DUMP, bytes(size)))
        while True:
            for told, body in messages_in(socket.recv(PART)):
                if told == DONE:
                    return found
                if told == ERROR:
                    raise RingfenceError("cannot read the container's network", errno=failure(body))
                found.append((told, body))
    except OSError as error:
        raise RingfenceError("cannot read the container's network", errno=error.errno or 0) from None
