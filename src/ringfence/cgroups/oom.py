"""Being told of OOM kills: v1 by an eventfd on memory.oom_control, v2 by POLLPRI on memory.events."""

from __future__ import annotations

import posix
import select

from ringfence.cgroups.files import write
from ringfence.cgroups.manager import counter
from ringfence.cgroups.paths import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cgroups.paths import CgroupDir


class OomWatch:
    """A watch over one container; without a memory cgroup it sees nothing."""

    def __init__(self, dirs: tuple[CgroupDir, ...]):
        self.poller = select.poll()
        self.descriptors: list[int] = []
        self.eventfd = self.file = -1
        self.seen = 0
        legacy, unified = find(dirs, "memory"), find(dirs, "")
        try:
            if legacy:
                self.watch_v1(legacy)
            elif unified:
                self.watch_v2(unified)
        except OSError:
            self.close()  # the cgroup has vanished, or its owner may not watch it
        self.seen = self.count()

    def watch_v1(self, path: str) -> None:
        """Register an eventfd in cgroup.event_control (cgroup-v1/memory.rst, OOM control)."""
        self.file = self.opened(f"{path}/memory.oom_control")
        self.eventfd = posix.eventfd(0, posix.EFD_CLOEXEC | posix.EFD_NONBLOCK)
        self.descriptors.append(self.eventfd)
        write(f"{path}/cgroup.event_control", f"{self.eventfd} {self.file}")
        self.poller.register(self.eventfd, select.POLLIN)

    def watch_v2(self, path: str) -> None:
        """Poll the file that the kernel marks as changed with every event."""
        self.file = self.opened(f"{path}/memory.events")
        self.poller.register(self.file, select.POLLPRI)

    def opened(self, path: str) -> int:
        """An open file that ``close`` closes."""
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
        self.descriptors.append(descriptor)
        return descriptor

    def count(self) -> int:
        """How many kills there have been; what was counted last once the cgroup is gone."""
        if self.file < 0:
            return self.seen
        try:
            return counter(posix.pread(self.file, 4096, 0).decode(), "oom_kill")
        except OSError:
            self.close()  # else poll(2) would report the vanished file for ever
            return self.seen

    def wait(self, seconds: float) -> int:
        """Wait for something to happen, and return the number of new kills."""
        if self.poller.poll(seconds * 1000) and self.eventfd >= 0:
            self.drain()
        count = self.count()
        new, self.seen = count - self.seen, count
        return max(new, 0)

    def drain(self) -> None:
        """Take the events off the eventfd; the kills themselves are counted in the file."""
        try:
            posix.eventfd_read(self.eventfd)
        except BlockingIOError:
            return

    def close(self) -> None:
        """Close every descriptor; the kernel forgets the watch with them."""
        for descriptor in self.descriptors:
            posix.close(descriptor)
        self.descriptors.clear()
        self.poller = select.poll()
        self.eventfd = self.file = -1
