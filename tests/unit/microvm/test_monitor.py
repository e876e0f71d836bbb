"""Speaking with QEMU's monitor, played by the other end of a socket pair."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from ringfence.drivers.microvm.monitor import LONGEST, Monitor
from ringfence.errors import RingfenceError

GREETING = b'{"QMP": {"version": {}, "capabilities": []}}\r\n'
EVENT = b'{"event": "STOP", "timestamp": {"seconds": 1}}\r\n'
Answer = Callable[[dict[str, object]], bytes]


@pytest.fixture
def pair() -> Iterator[tuple[Monitor, socket.socket]]:
    """A monitor that waits for 300 ms, and who plays QEMU."""
    ours, theirs = socket.socketpair()
    with Monitor(ours.detach(), 300) as monitor:
        yield monitor, theirs
    theirs.close()


def play(peer: socket.socket, answer: Answer) -> threading.Thread:
    """Answer one command."""

    def act() -> None:
        with peer.makefile("rb") as lines, suppress(BrokenPipeError):  # who has heard enough has hung up
            peer.sendall(answer(json.loads(lines.readline())))

    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    return thread


def reply(asked: dict[str, object], **members: object) -> bytes:
    return json.dumps({**members, "id": asked["id"]}).encode() + b"\r\n"


def test_events_and_greetings_are_passed_over(pair: tuple[Monitor, socket.socket]) -> None:
    """MVM-QEMU-11: those before a reply, and what an earlier caller has left."""
    monitor, peer = pair
    stale = b'{"return": "stale", "id": "another"}\r\n'
    peer.sendall(GREETING + stale)
    play(peer, lambda asked: EVENT + reply(asked, **{"return": {"running": False}}) + EVENT)
    assert monitor.ask("query-status") == {"running": False}
    play(peer, lambda asked: reply(asked, **{"return": {}}))
    assert monitor.ask("cont") == {}


def test_a_reply_may_come_in_pieces(pair: tuple[Monitor, socket.socket]) -> None:
    """MVM-QEMU-11: what is between them are events."""
    monitor, peer = pair

    def drip(asked: dict[str, object]) -> bytes:
        for byte in EVENT + reply(asked, **{"return": 7}):
            peer.sendall(bytes((byte,)))
        return b""

    play(peer, drip)
    assert monitor.ask("x") == 7


def test_a_refusal_is_told(pair: tuple[Monitor, socket.socket]) -> None:
    """MVM-QEMU-11."""
    monitor, peer = pair
    play(peer, lambda asked: reply(asked, error={"class": "GenericError", "desc": "no such device"}))
    with pytest.raises(RingfenceError, match="QEMU refuses device_del: no such device"):
        monitor.ask("device_del", id="x")


def test_capabilities_may_have_been_settled_before(pair: tuple[Monitor, socket.socket]) -> None:
    """MVM-QEMU-11: by another verb."""
    monitor, peer = pair
    play(peer, lambda asked: reply(asked, error={"class": "CommandNotFound", "desc": "already complete"}))
    monitor.greet()


def test_silence_is_an_error(pair: tuple[Monitor, socket.socket]) -> None:
    """MVM-QEMU-11: never a hang."""
    with pytest.raises(RingfenceError, match="QEMU does not answer stop"):
        pair[0].ask("stop")


@pytest.mark.parametrize("said", [b"[]\n", b"nonsense\n", b"\xff\n", b"7\n"])
def test_what_is_no_protocol(pair: tuple[Monitor, socket.socket], said: bytes) -> None:
    """MVM-QEMU-11."""
    pair[1].sendall(said)
    with pytest.raises(RingfenceError, match="does not speak its protocol"):
        pair[0].ask("stop")


def test_an_endless_line_is_refused(pair: tuple[Monitor, socket.socket]) -> None:
    """MVM-QEMU-11: over 1 MiB."""
    monitor, peer = pair
    play(peer, lambda asked: b'"' + b"x" * (LONGEST + (1 << 17)))
    with pytest.raises(RingfenceError, match="more in one line"):
        monitor.ask("stop")


def test_the_end_of_qemu(pair: tuple[Monitor, socket.socket]) -> None:
    """MVM-QEMU-11."""
    monitor, peer = pair
    peer.shutdown(socket.SHUT_WR)
    with pytest.raises(RingfenceError, match="QEMU has ended"):
        monitor.ask("stop")
