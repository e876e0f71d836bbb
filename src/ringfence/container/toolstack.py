"""Running the toolstack's commands: each to its end, with a bound on its time and on what it says (XEN-CREATE-08)."""

from __future__ import annotations

import posix
import select
import time

from ringfence.drivers.xen.failure import failure, is_gone
from ringfence.drivers.xen.listing import own, parse_list
from ringfence.errors import RingfenceError, from_os_error
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ringfence.drivers.xen.listing import Domain
    from ringfence.drivers.xen.wanted import Tools

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
MOST_SAID = 1 << 18
CONTROL = ("/proc/xen/privcmd", "/dev/xen/privcmd")
SIGKILL = 9


class Answer(Record):
    """How a command has ended, and what it has printed."""

    code: int
    output: str
    said: str

    @property
    def is_gone(self) -> bool:
        """Whether there is no such domain."""
        return is_gone(self.code, self.said + self.output)


def check_available(tools: Tools) -> None:
    """Whether this is a dom0 with a toolstack (XEN-CREATE-09).

    Raises:
        RingfenceError: it is not, and why.
    """
    reason = unavailable(tools)
    if reason:
        raise RingfenceError(
            f'the driver "xen" is not available: {reason}',
            hint="a Xen domain is made from a dom0: boot Xen, install its xl",
        )


def unavailable(tools: Tools) -> str:
    """Why there can be no domain here, "" if there can."""
    if not any(posix.access(path, posix.R_OK | posix.W_OK) for path in CONTROL):
        return f"there is no {CONTROL[-1]}, so this is no dom0 of Xen"
    return next(
        (
            f"{path} is not there or cannot be executed"
            for path in (tools.xl, tools.xenstore_read)
            if not posix.access(path, posix.X_OK)
        ),
        "",
    )


def taken(end: int, held: bytearray) -> bool:
    """Read what a pipe has, a bounded part of it; False at its end."""
    try:
        data = posix.read(end, 65536)
    except BlockingIOError:
        return True
    held += data[: MOST_SAID - len(held)]
    return bool(data)


def collected(pid: int, ends: dict[int, bytearray], deadline: float) -> bool:
    """Read pipes until a child has ended, whoever else may hold them; False when that takes too long."""
    process = posix.pidfd_open(pid)
    poll = select.poll()
    for descriptor in (process, *ends):
        poll.register(descriptor, select.POLLIN)
    try:
        while left := max(deadline - time.monotonic(), 0):
            ready = [descriptor for descriptor, _ in poll.poll(left * 1000)]
            for end in ready:
                if end != process and not taken(end, ends[end]):
                    poll.unregister(end)
            if process in ready:
                for end, held in ends.items():
                    while (before := len(held)) < MOST_SAID and taken(end, held) and len(held) > before:
                        continue
                return True
        return False
    finally:
        posix.close(process)


def end_group(pid: int) -> None:
    """Kill a child with its group, and reap it."""
    for kill in (posix.killpg, posix.kill):
        try:
            kill(pid, SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
    posix.waitpid(pid, 0)


def waited(words: tuple[str, ...], start: Callable[[int, int, int], int], timeout: int) -> Answer:
    """Start a child with its three descriptors, and wait for it.

    Raises:
        RingfenceError: it does not end in time; it has been killed.
    """
    null = posix.open("/dev/null", posix.O_RDONLY | posix.O_CLOEXEC)
    out, out_far = posix.pipe()
    said, said_far = posix.pipe()
    deadline = time.monotonic() + timeout
    for end in (out, said):
        posix.set_blocking(end, False)
    ends = {out: bytearray(), said: bytearray()}
    try:
        try:
            pid = start(null, out_far, said_far)
        finally:
            for far in (null, out_far, said_far):
                posix.close(far)
        if not collected(pid, ends, deadline):
            end_group(pid)
            text = f"{' '.join(words)} has not come to its end within {timeout} seconds"
            raise RingfenceError(
                text, hint="xen.timeout of ringfence.toml bounds it; do xenstored and xenconsoled run?"
            )
    finally:
        posix.close(out)
        posix.close(said)
    _, status = posix.waitpid(pid, 0)
    code = posix.WEXITSTATUS(status) if posix.WIFEXITED(status) else 128 + posix.WTERMSIG(status)
    texts = (bytes(held).decode("utf-8", "replace") for held in ends.values())
    return Answer(code, *texts)


def run(words: tuple[str, ...], timeout: int) -> Answer:
    """Run a command in its own process group, with a fixed environment and nothing on its standard input.

    Raises:
        RingfenceError: it cannot be started, or does not end in time.
    """

    def start(null: int, out: int, said: int) -> int:
        actions = [(posix.POSIX_SPAWN_DUP2, end, number) for number, end in enumerate((null, out, said))]
        try:
            return posix.posix_spawn(words[0], words, ENVIRONMENT, file_actions=actions, setpgroup=0)
        except OSError as error:
            raise from_os_error(f"cannot execute {words[0]}", error) from None

    return waited(words, start, timeout)


def command(tools: Tools, *words: str) -> Answer:
    """Run a command of xl's."""
    return run((tools.xl, *words), tools.timeout)


def succeeded(tools: Tools, *words: str) -> Answer:
    """Run a command of xl's that must not fail.

    Raises:
        RingfenceError: it has failed, in words of ours.
    """
    answer = command(tools, *words)
    if answer.code:
        raise failure(words[0], answer.code, answer.said + answer.output, {})
    return answer


def all_domains(tools: Tools) -> list[Domain]:
    """Every domain of this host.

    Raises:
        RingfenceError: xl cannot tell (XEN-STATE-03).
    """
    return parse_list(succeeded(tools, "list", "-v").output)


def domain(tools: Tools, name: str, uuid: str) -> Domain | None:
    """The domain with a UUID, asked for by its number or name; None when it is gone, or that is another's by now.

    Raises:
        RingfenceError: xl cannot tell.
    """
    answer = command(tools, "list", "-v", name)
    if answer.is_gone:
        return None
    if answer.code:
        raise failure("list", answer.code, answer.said + answer.output, {})
    return own(parse_list(answer.output), uuid)
