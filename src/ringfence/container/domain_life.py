"""start, kill, pause and resume of a container behind a Xen domain."""

from __future__ import annotations

import posix
import time

from ringfence.container.domain_end import destroy
from ringfence.container.domain_state import HELD, domain_status, own_domain, report_of, tools_in
from ringfence.container.record import FIFO, save_record
from ringfence.container.status import CREATED, PAUSED, STOPPED
from ringfence.container.toolstack import command, run, succeeded
from ringfence.drivers.guest.client import Client
from ringfence.drivers.xen.failure import failure, is_gone
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.drivers.guest.client import Frame

SILENCE = 5.0
"""Seconds without a word of a guest's until one looks whether somebody else has paused its domain too."""
ANSWER_LIMIT = 10.0
"""Seconds for a guest's init to say that it has passed on a signal."""
MOST_PAUSES = 64
"""How often somebody may have paused a domain (Xen counts) until resuming it is given up."""
SIGKILL, SIGTERM = 9, 15
HARMLESS = (17, 18, 19, 20, 21, 22, 23, 28)
"""Signals that do not end a process: CHLD, CONT, those that stop, URG and WINCH (signal(7))."""
EVERYTHING = 2
SHUTDOWN_LIMIT = 10
FALLBACKS = ("lo", "tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "sit0", "ip6tnl0", "ip6gre0", "ip6_vti0")
"""Devices that a kernel with these modules makes in every network namespace."""
STEPS = "guest.json"
LOST, KILLED = 255, 137


def unpause(record: ContainerRecord) -> None:
    """Let a domain that was seen to stand still run, however often it has been paused (XEN-START-01, XEN-PAUSE-02).

    Raises:
        RingfenceError: xl fails, the domain is gone, or it stays paused.
    """
    tools = tools_in(record)
    for _ in range(MOST_PAUSES):
        answer = command(tools, "unpause", record.domain["number"])
        found = own_domain(record)
        if found is None or not found.is_paused:
            return  # it may have come to its end already
        if answer.code:
            raise failure("unpause", answer.code, answer.said + answer.output, {})
    raise RingfenceError(f"the domain is still paused after {MOST_PAUSES} times of xl unpause")


def start_domain(runtime: Runtime, record: ContainerRecord) -> None:
    """Let the container's program run; returns when the guest says that it has been executed (XEN-START-03).

    Raises:
        RingfenceError: it could not be; the domain has been destroyed.
    """
    try:
        refuse_devices(record)
        with Client(record.directory) as client:
            client.send("START")
            succeeded(tools_in(record), "unpause", record.domain["number"])
            if not client.hears(SILENCE):
                unpause(record)
            answer = client.receive()
            while answer.type == "NOTE":
                runtime.log.warning(plain(answer.data))
                answer = client.receive()
            check(record, answer)
    except RingfenceError:
        destroy(record)
        raise
    posix.unlink(f"{record.directory}/{FIFO}")


def refuse_devices(record: ContainerRecord) -> None:
    """See that no engine has given the container a network: it would not reach into the domain (XEN-NET-08).

    Raises:
        RingfenceError: it has.
    """
    if record.domain.get("address") or not record.pid:
        return
    from ringfence.container.bundle import read_text

    try:
        if posix.readlink(f"/proc/{record.pid}/ns/net") == posix.readlink("/proc/self/ns/net"):
            return  # it is dom0's
        lines = read_text(f"/proc/{record.pid}/net/dev").splitlines()[2:]
    except OSError:
        return  # the watcher is gone, which its caller will notice
    names = [name for line in lines if (name := line.partition(":")[0].strip()) not in FALLBACKS]
    if names:
        text = f"the container's network namespace has {', '.join(names)}, which cannot be carried into a Xen domain"
        hint = "connect it with NETCONF, and let the engine make no network"
        raise RingfenceError(text, field="/linux/namespaces", hint=hint)


def check(record: ContainerRecord, answer: Frame) -> None:
    """Whether the program runs.

    Raises:
        RingfenceError: it does not, with the guest's reason, or the last lines of its console.
    """
    if answer.type == "STARTED":
        return
    step, number = (int.from_bytes(answer.data[at : at + 4], "little", signed=True) for at in (0, 4))
    words = plain(answer.data[8:])
    if step <= 0:
        reason = f": {posix.strerror(number).lower()}" if number else ""
        raise RingfenceError(f"unable to start container process: {words}{reason}", errno=number)
    from ringfence.container.bundle import read_text
    from ringfence.container.guest_steps import explained

    raise explained(read_text(f"{record.directory}/{STEPS}"), step, number, words)


def plain(data: bytes) -> str:
    """What a guest has said, in one line without control characters."""
    text = " ".join(data.decode("utf-8", "replace").split())
    return "".join(letter if letter.isprintable() else "?" for letter in text).rstrip(": ")


def kill_domain(runtime: Runtime, record: ContainerRecord, signal: int, *, everything: bool) -> None:
    """Send a signal to the container's process, or end the domain (XEN-KILL-01 to 05).

    Raises:
        RingfenceError: ``container not running``, or the signal cannot get there.
    """
    now = domain_status(record)
    if now == STOPPED:
        if everything:
            return
        raise RingfenceError("container not running")
    if signal == 0 or (now == CREATED and signal in HARMLESS):
        return
    if signal == SIGKILL or now == CREATED:
        end_now(record)
        return
    pass_signal(runtime, record, signal, now, everything=everything)


def end_now(record: ContainerRecord) -> None:
    """End the domain at once.

    Raises:
        RingfenceError: xl fails.
    """
    destroy(record)
    record.domain["ended"] = "killed"
    save_record(record)


def pass_signal(runtime: Runtime, record: ContainerRecord, signal: int, now: str, *, everything: bool) -> None:
    """By the watcher to the guest's init; without a watcher xl can ask for one thing only.

    Raises:
        RingfenceError: it cannot be passed on, or the guest does not say that it was.
    """
    try:
        with Client(record.directory) as client:
            number = signal.to_bytes(4, "little")
            client.send("SIGNAL", number, stream=EVERYTHING if everything else 1)
            heard = now == PAUSED or is_passed(client)
    except RingfenceError:
        if signal != SIGTERM or now == PAUSED:
            text = (
                f"cannot send signal {signal}: the container's watcher is gone, and nothing else gets into the domain"
            )
            raise RingfenceError(text, hint="SIGTERM and SIGKILL work") from None
        runtime.log.warning("the container's watcher is gone: its guest is asked to shut down")
        return shut_down(record)
    if not heard:
        raise RingfenceError("the guest does not react", hint="end it with the signal KILL")
    return None


def is_passed(client: Client) -> bool:
    """Whether the guest's init has come past a frame that was sent: it does one after the other, and answers this one.

    An end of the line is the container's, which the signal may have brought about (XEN-KILL-02).
    """
    try:
        client.send("MEASURE")
    except RingfenceError:
        return True
    return client.hears(ANSWER_LIMIT)


def shut_down(record: ContainerRecord) -> None:
    """Ask the guest's kernel, whose callout is the init; it is not waited for (XEN-KILL-03, XEN-ERR-11).

    Raises:
        RingfenceError: it does not react.
    """
    tools = tools_in(record)
    try:
        answer = run((tools.xl, "shutdown", record.domain["number"]), min(tools.timeout, SHUTDOWN_LIMIT))
    except RingfenceError:
        raise RingfenceError("the guest does not react", hint="end it with the signal KILL") from None
    if is_gone(answer.code, answer.said):
        raise RingfenceError("container not running")
    if answer.code:
        raise failure("shutdown", answer.code, answer.said + answer.output, {})


def pause_domain(record: ContainerRecord, now: str) -> None:
    """Let the domain stand still: once, since Xen counts (XEN-PAUSE-01). Before its start only the record changes.

    Raises:
        RingfenceError: xl fails.
    """
    if now == CREATED:
        flags = posix.O_WRONLY | posix.O_CREAT | posix.O_CLOEXEC
        posix.close(posix.open(f"{record.directory}/{HELD}", flags, 0o600))
        return
    succeeded(tools_in(record), "pause", record.domain["number"])
    found = own_domain(record)
    if found is None or not found.is_paused:
        raise RingfenceError("the domain does not stand still after xl pause")


def resume_domain(record: ContainerRecord) -> None:
    """Let it go on, and tell it what time it is (XEN-PAUSE-02, XEN-PAUSE-03).

    Raises:
        RingfenceError: xl fails, or it stays paused.
    """
    if posix.access(f"{record.directory}/{HELD}", posix.F_OK):
        posix.unlink(f"{record.directory}/{HELD}")
        return
    unpause(record)
    try:
        with Client(record.directory) as client:
            client.send("TIME", time.time_ns().to_bytes(8, "little"))
    except RingfenceError:
        return  # a guest without a watcher keeps its own time


def tell_ending(runtime: Runtime, record: ContainerRecord, status: int) -> None:
    """Say why a domain has ended without having said how its container did (XEN-RUN-03, XEN-RUN-05)."""
    if status not in (LOST, KILLED):
        return
    found = own_domain(record)
    if found is None and status == KILLED:
        runtime.log.warning("the domain has been destroyed from outside")
    elif found is not None and status == LOST and report_of(record, found) is None:
        words = last_words(record)
        said = f"; its console's last words: {words}" if words else ""
        runtime.log.warning(f"the domain has ended without a report: {found.ending or found.state}{said}")


def last_words(record: ContainerRecord) -> str:
    """What a guest's kernel said last, "" for nothing."""
    from ringfence.container.bundle import read_text

    try:
        return plain(read_text(f"{record.directory}/said").encode("utf-8", "surrogateescape"))
    except OSError:
        return ""
