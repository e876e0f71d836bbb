"""A supervisor whose machine is a program that says what no guest of ours would."""

from __future__ import annotations

import os
import posix
import socket
import sys
import threading

import pytest

from ringfence.drivers.guest.client import Frame, encode
from ringfence.drivers.linux.context import CLONE_NEWNET
from ringfence.drivers.linux.perform import perform
from ringfence.errors import RingfenceError
from ringfence.plan import birth, guest, inside
from ringfence.plan.frames import LARGEST, PROTOCOL
from ringfence.plan.plan import Plan

DIGEST = b"0123456789abcdef"
HELLO = encode(Frame("HELLO", PROTOCOL.to_bytes(4, "little") + DIGEST))
READY = encode(Frame("READY", bytes(4)))
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a supervisor is born as a container is, which needs root")


def ended(code: int) -> bytes:
    """The frame that ends a container."""
    return encode(Frame("EXITED", code.to_bytes(4, "little")))


def plan_of(program: str, patience: int, greeting: int) -> Plan:
    """A supervisor and, as its machine, a Python program with the control port as descriptor 3."""
    words = (sys.executable, "-c", program)
    machine = Plan((), (), (inside.FindExecutable("", words[0], ""), inside.Exec("", words, (), 127)))
    supervise = guest.Supervise(
        "", (machine.encode(),), b"", 0, 2, 3, 0, 0, 4, DIGEST, False, patience, greeting, "none", "", "", ""
    )
    return Plan(
        (), (birth.Clone("", CLONE_NEWNET, False),), (supervise,), ("plan", "status", "listener", "oom", "ramdisk")
    )


def supervised(program: str, patience: int = 60_000, output: int = -1, greeting: int = 0) -> int:
    """The exit status of the supervisor; ``output`` is its standard output, none if negative.

    Raises:
        RingfenceError: the container never became ready.
    """
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("")
    listener.listen()
    null = os.open("/dev/null", os.O_RDWR)
    try:
        given = {"listener": listener.fileno(), "oom": null, "ramdisk": null}
        outcome = perform(
            plan_of(program, patience, greeting), given, (null, null if output < 0 else output, null), lambda _: None
        )
        return posix.waitstatus_to_exitcode(posix.waitpid(outcome.pid, 0)[1])
    finally:
        listener.close()
        os.close(null)


def saying(*said: bytes, then: str = "os.read(3, 1 << 20); time.sleep(100)") -> str:
    """A program that writes bytes to the control port."""
    return f"import os, time\nfor data in {said!r}:\n    os.write(3, data)\n{then}\n"


def test_a_guest_that_keeps_to_the_protocol() -> None:
    """MVM-CTL-03: the measure for the others."""
    assert supervised(saying(HELLO, READY, ended(42))) == 42


def test_a_guest_that_drips() -> None:
    """MVM-CTL-07: split frames are the same frames."""
    assert supervised(saying(*(bytes([byte]) for byte in HELLO + READY + ended(7)))) == 7


@pytest.mark.parametrize(
    "said",
    [
        [READY],
        [HELLO, HELLO],
        [HELLO, ended(0)],
        [encode(Frame("HELLO", PROTOCOL.to_bytes(4, "little") + b"x" * 16))],
        [encode(Frame("HELLO", (PROTOCOL + 1).to_bytes(4, "little") + DIGEST))],
        [(2**32 - 1).to_bytes(4, "little") + bytes(4)],
        [bytes(6) + b"\xff\0"],
        [encode(Frame("DATA", b"x", 1))],
    ],
    ids=lambda said: said[-1][:12].hex(),
)
def test_a_guest_that_is_not_ours(said: list[bytes]) -> None:
    """MVM-CTL-03, MVM-CTL-07: the container is refused and the machine killed."""
    with pytest.raises(RingfenceError):
        supervised(saying(*said), patience=3000)


@pytest.mark.parametrize(
    "said",
    [
        [READY],
        [HELLO],
        [encode(Frame("EXITED", (256).to_bytes(4, "little")))],
        [encode(Frame("EXITED", b""))],
        [encode(Frame("DATA", b"x", 0))],
        [encode(Frame("DATA", b"x", 3))],
        [encode(Frame("CREDIT", (1 << 31).to_bytes(4, "little")))],
        [encode(Frame("READY", process=65535))],
        [encode(Frame("SIGNAL", bytes(4), process=1))],
        [encode(Frame("ASK", b"question"))],
        [encode(Frame("ANSWER", b"answer"))],
        [b"\1"],
    ],
    ids=lambda said: said[-1][:12].hex(),
)
def test_a_guest_that_turns(said: list[bytes]) -> None:
    """MVM-CTL-03, MVM-CTL-04, MVM-SUPERVISOR-06: nothing but an end by the rules is one: the status is 255."""
    assert supervised(saying(HELLO, READY, *said, then="")) == 255


def test_a_guest_that_floods() -> None:
    """MVM-CTL-06: more than its window of a stream, which nobody has taken off it, is not ours either."""
    head = encode(Frame("DATA", bytes(LARGEST), 1))[:8]
    flood = f"for _ in range(9): os.write(3, {head!r} + bytes({LARGEST}))\ntime.sleep(1000)"
    reader, writer = os.pipe()
    try:
        # What has been taken in is still owed to the reader, so the supervisor waits for him to go.
        process = threading.Timer(5, os.close, [reader])
        process.start()
        assert supervised(saying(HELLO, READY, then=flood), output=writer) == 255
        process.join()
    finally:
        os.close(writer)


def test_a_guest_that_hangs_after_the_end() -> None:
    """MVM-CTL-07: the machine is killed, not waited for."""
    assert supervised(saying(HELLO, READY, ended(0), then="time.sleep(1000)")) == 0


def test_a_guest_that_never_answers() -> None:
    """MVM-ERR-02: the error says so."""
    with pytest.raises(RingfenceError, match="the guest does not answer"):
        supervised("import time; time.sleep(1000)", patience=500)


def test_what_the_machine_says_of_its_failure() -> None:
    """MVM-ERR-04, MVM-QEMU-16: its standard error is part of the error."""
    with pytest.raises(RingfenceError, match="cannot set up guest memory"):
        supervised("import sys; sys.exit('qemu: cannot set up guest memory')")


def test_a_guest_that_greets_late() -> None:
    """MVM-QEMU-06: the first frame has a limit of its own, behind which the other begins anew."""
    late = f"import os, time; time.sleep(1); os.write(3, {HELLO!r}); time.sleep(1); os.write(3, {READY + ended(3)!r})"
    assert supervised(late, patience=60_000, greeting=30_000) == 3
    with pytest.raises(RingfenceError, match="the guest does not answer"):
        supervised("import time; time.sleep(1000)", greeting=500)
    with pytest.raises(RingfenceError, match="the guest does not answer"):
        supervised(saying(HELLO, then="time.sleep(1000)"), patience=500, greeting=30_000)
