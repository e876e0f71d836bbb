"""Freezing and thawing a container's cgroup, v1 and v2 (LNX-PPR-08)."""

from __future__ import annotations

import errno
import posix
import select
import time

from ringfence.cgroups.files import read, read_or_empty, subtree, write
from ringfence.cgroups.paths import find
from ringfence.errors import RingfenceError, from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cgroups.paths import CgroupDir

ATTEMPTS = 1000
ATTEMPTS_BEFORE_THAW = 50
PAUSE = 0.0005
V2_SECONDS = 10.0
UNABLE = "unable to freeze"


class Freezer:
    """The freezer of one container: v1's where it is mounted, else v2's."""

    def __init__(self, dirs: tuple[CgroupDir, ...]):
        self.legacy = find(dirs, "freezer")
        self.path = self.legacy or find(dirs, "")

    def is_frozen(self) -> bool:
        """Whether it is frozen or about to be; False when there is no such cgroup."""
        if self.legacy:
            return read_or_empty(f"{self.legacy}/freezer.state").strip() in ("FROZEN", "FREEZING")
        return bool(self.path) and read_or_empty(f"{self.path}/cgroup.freeze").strip() == "1"

    def freeze(self) -> None:
        """Freeze, and wait until every process has stopped; on failure all is thawed again.

        Raises:
            RingfenceError: ``unable to freeze``.
        """
        try:
            if self.legacy:
                freeze_v1(f"{self.legacy}/freezer.state")
            else:
                freeze_v2(self.required())
        except OSError as error:
            self.try_thaw()
            raise from_os_error(UNABLE, error) from None

    def thaw(self) -> None:
        """Let every process go on.

        Raises:
            RingfenceError: ``unable to thaw``.
        """
        try:
            if self.legacy:
                write(f"{self.legacy}/freezer.state", "THAWED")
            else:
                write(f"{self.required()}/cgroup.freeze", "0")
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENODEV):
                raise from_os_error("unable to thaw", error) from None

    def thaw_tree(self) -> None:
        """Thaw the cgroup and all that the container itself froze below it, as far as it exists."""
        name, word = ("freezer.state", "THAWED") if self.legacy else ("cgroup.freeze", "0")
        for place in subtree(self.path) if self.path else ():
            try:
                write(f"{place}/{name}", word)
            except OSError:
                continue

    def try_freeze(self) -> bool:
        """Freeze if that is possible; whether it was."""
        try:
            self.freeze()
        except RingfenceError:
            return False
        return True

    def try_thaw(self) -> None:
        """Thaw, when another error is about to be told."""
        try:
            self.thaw()
        except RingfenceError:
            return

    def required(self) -> str:
        """The directory of v2's freezer."""
        if not self.path:
            raise RingfenceError(f"{UNABLE}: the container has no cgroup with a freezer")
        return self.path


def freeze_v1(file: str) -> None:
    """Write FROZEN until it is so: a process that forks or execs at the wrong moment can keep it at FREEZING.

    Thawing now and then lets such a process come to a point where it can be stopped.

    Raises:
        OSError: as the kernel gave it; EBUSY when it stays at FREEZING.
    """
    for attempt in range(1, ATTEMPTS + 1):
        write(file, "FROZEN")
        if read(file).strip() == "FROZEN":
            return
        if attempt % ATTEMPTS_BEFORE_THAW == 0:
            write(file, "THAWED")
        time.sleep(PAUSE)
    raise OSError(errno.EBUSY, posix.strerror(errno.EBUSY))


def freeze_v2(path: str) -> None:
    """Write 1 and wait for ``frozen 1`` in cgroup.events, which poll(2) tells of by POLLPRI.

    Raises:
        OSError: as the kernel gave it; EBUSY when that does not come.
    """
    write(f"{path}/cgroup.freeze", "1")
    descriptor = posix.open(f"{path}/cgroup.events", posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        deadline = time.monotonic() + V2_SECONDS
        waiter = select.poll()
        waiter.register(descriptor, select.POLLPRI)
        while b"frozen 1" not in posix.pread(descriptor, 4096, 0):
            left = deadline - time.monotonic()
            if left <= 0:
                raise OSError(errno.EBUSY, posix.strerror(errno.EBUSY))
            waiter.poll(left * 1000)
    finally:
        posix.close(descriptor)
