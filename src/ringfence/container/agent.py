"""The seccomp agent: who answers the system calls of action SCMP_ACT_NOTIFY (config-linux.md, listenerPath).

The init cannot hand the listener over itself: every call but write(2) may already wait for the agent's answer. So the
listener is fetched from the process and sent from here, and the process goes on when the agent has it.
"""

from __future__ import annotations

import posix

from ringfence.container.sockets import connected
from ringfence.errors import RingfenceError, from_os_error
from ringfence.jsontext import dumps
from ringfence.version import SPEC_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.spec.types import Seccomp

FIELD = "/linux/seccomp/listenerPath"
# asm-generic/unistd.h, Linux 5.6; the same number on every architecture.
PIDFD_GETFD = 438


class Agent:
    """A connection to the agent, made before the birth, for one process (LNX-SEC-14).

    ``status`` is the container's: ``creating`` for its first process, ``running`` for an exec.
    """

    def __init__(self, runtime: Runtime, seccomp: Seccomp, record: ContainerRecord, status: str):
        try:
            self.connection = connected(runtime, seccomp.listener_path or "", "seccomp agent")
        except RingfenceError as error:
            raise RingfenceError(
                f"failed to connect with seccomp agent: {error}", field=FIELD, errno=error.errno, hint=error.hint
            ) from None
        self.record = record
        self.status = status
        self.metadata = seccomp.listener_metadata
        self.acknowledge, self.far = posix.pipe()

    def hand_over(self, pid: int, listener: int) -> None:
        """Send the listener of a process, known there by this number, and let the process go on.

        Raises:
            RingfenceError: it could not be fetched or sent.
        """
        import _socket

        descriptor = fetch(pid, listener)
        rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptor.to_bytes(4, "little"))]
        try:
            self.connection.sendmsg([self.state(pid).encode("utf-8", "surrogateescape")], rights)
        except OSError as error:
            raise from_os_error("failed to send the listener to the seccomp agent", error, field=FIELD) from None
        finally:
            posix.close(descriptor)
        self.connection.close()
        posix.write(self.far, b"1")

    def state(self, pid: int) -> str:
        """The container process state (config-linux.md, The Container Process State)."""
        record = self.record
        container: dict[str, object] = {
            "ociVersion": SPEC_VERSION,
            "id": record.id,
            "status": self.status,
            "pid": record.pid or pid,
            "bundle": record.bundle,
        }
        if record.annotations:
            container["annotations"] = record.annotations
        told: dict[str, object] = {"ociVersion": SPEC_VERSION, "fds": ["seccompFd"], "pid": pid}
        if self.metadata:
            told["metadata"] = self.metadata
        return dumps({**told, "state": container})

    def close(self) -> None:
        """Let go of everything; a process that still waits is told so by the end of its pipe."""
        self.connection.close()
        for descriptor in (self.acknowledge, self.far):
            posix.close(descriptor)


def fetch(pid: int, number: int) -> int:
    """A copy of another process' descriptor (pidfd_getfd(2), Linux 5.6).

    Raises:
        RingfenceError: the kernel refused.
    """
    # 3 ms of imports, paid only with an agent: the call has no wrapper in the standard library.
    import ctypes

    process = posix.pidfd_open(pid)
    try:
        library = ctypes.CDLL(None, use_errno=True)
        descriptor = int(library.syscall(PIDFD_GETFD, process, number, 0))
        if descriptor < 0:
            failed = OSError(ctypes.get_errno(), posix.strerror(ctypes.get_errno()))
            raise from_os_error("cannot fetch the seccomp listener", failed, field=FIELD)
        return descriptor
    finally:
        posix.close(process)
