"""A container's cgroups while it lives, and their end.

Every answer is given as far as it can be when cgroups have vanished (LNX-STATE-09).
"""

from __future__ import annotations

import errno
import posix
import time

from ringfence.cgroups.files import all_pids, read_or_empty, subtree, write
from ringfence.cgroups.freezer import Freezer
from ringfence.cgroups.paths import UNIFIED, find
from ringfence.cgroups.signals import SIGKILL, signal_all
from ringfence.errors import from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cgroups.paths import CgroupDir

PATIENCE = 10.0
FIRST_PAUSE = 0.0005
LONGEST_PAUSE = 0.05


class Cgroup:
    """The cgroups of one container, one in each hierarchy; none at all for a rootless one without."""

    def __init__(self, dirs: tuple[CgroupDir, ...]):
        self.dirs = dirs
        self.freezer = Freezer(dirs)

    def processes(self) -> list[int]:
        """Host pids of every process in the container, sub-cgroups included, in rising order; empty when gone."""
        path = self.main()
        return all_pids(path) if path else []

    def main(self) -> str:
        """The directory that tells which processes belong to the container."""
        return self.freezer.path or find(self.dirs, "") or (self.dirs[0].path if self.dirs else "")

    def freeze(self) -> None:
        """Stop every process and return when they have stopped.

        Raises:
            RingfenceError: there is no freezer, or something cannot be frozen.
        """
        self.freezer.freeze()

    def thaw(self) -> None:
        """Let every process go on.

        Raises:
            RingfenceError: there is no freezer, or the kernel refuses.
        """
        self.freezer.thaw()

    def is_frozen(self) -> bool:
        """Whether the container is frozen; a cgroup that has vanished is not."""
        return self.freezer.is_frozen()

    def kill_all(self, signal: int = SIGKILL) -> None:
        """Signal every process of the container once; SIGKILL ends a frozen one too (LNX-KILL-08, LNX-KILL-09).

        Raises:
            RingfenceError: the kernel refuses the signal.
        """
        if signal == SIGKILL and self.kill_unified():
            self.freezer.thaw_tree()
            signal_all(self.processes, SIGKILL)
        elif self.dirs:
            self.signal_frozen(signal)

    def kill_unified(self) -> bool:
        """Kill by cgroup.kill (Linux 5.14), which no fork escapes; whether the kernel did."""
        path = find(self.dirs, "")
        if not path:
            return False
        try:
            write(f"{path}/cgroup.kill", "1")
        except OSError:
            return False
        return True

    def signal_frozen(self, signal: int) -> None:
        """Signal all while they cannot fork, and leave them frozen or not as they were."""
        frozen = self.is_frozen()
        held = frozen or self.freezer.try_freeze()
        try:
            signal_all(self.processes, signal)
        finally:
            if held and signal == SIGKILL:
                self.freezer.thaw_tree()
            elif held and not frozen:
                self.freezer.thaw()

    def end_all(self, seconds: float = PATIENCE) -> bool:
        """Kill every process and wait until none is left; whether that came to pass in time."""
        deadline = time.monotonic() + seconds
        pause = FIRST_PAUSE
        while self.processes():
            if time.monotonic() > deadline:
                return False
            self.kill_all()
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        return True

    def remove(self, *, kill: bool = False) -> None:
        """Remove every directory with what the container made below it; ``kill``: processes in there are ended first.

        Only for cgroups that the container's own create has made, or has found unused and taken: whoever else lives in
        there would be killed, or the directory taken from under him.

        Raises:
            RingfenceError: a cgroup stays busy for ten seconds.
        """
        for directory in self.dirs:
            remove_tree(directory.path, kill)

    def oom_killed(self) -> bool:
        """Whether the kernel has killed a process here for want of memory."""
        return bool(self.dirs) and counter(read_or_empty(self.oom_file()), "oom_kill") > 0

    def oom_file(self) -> str:
        """The file in which the kernel counts OOM kills."""
        path = find(self.dirs, "memory")
        return f"{path}/memory.oom_control" if path else f"{find(self.dirs, '')}/memory.events"

    def stats(self) -> dict[str, object]:
        """What is used, as the ``data`` of an event of type stats (LNX-EVT-06 to 13)."""
        if any(directory.controllers != UNIFIED for directory in self.dirs):
            from ringfence.cgroups.stats_v1 import stats_v1  # only for events

            return stats_v1(self.dirs)
        from ringfence.cgroups.stats_v2 import stats_v2  # only for events

        return stats_v2(find(self.dirs, ""))


def counter(text: str, name: str) -> int:
    """The number behind a name in a file of ``name number`` lines, 0 without it."""
    for entry in text.splitlines():
        if entry.startswith(f"{name} "):
            return int(entry[len(name) :])
    return 0


def remove_tree(path: str, kill: bool) -> None:
    """Remove one cgroup and all below it, with patience: a dying process keeps its cgroup busy for a moment.

    Raises:
        RingfenceError: it stays busy, or the kernel refuses.
    """
    deadline = time.monotonic() + PATIENCE
    pause = FIRST_PAUSE
    while error := try_remove(path):
        if error.errno != errno.EBUSY or time.monotonic() > deadline:
            raise from_os_error(f"cannot remove cgroup {path}", error)
        below = subtree(path)[:-1]
        if kill:
            signal_all(lambda: all_pids(path), SIGKILL)
        if not below or [place for place in below if try_remove(place)]:
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def try_remove(path: str) -> OSError | None:
    """rmdir(2); one that is gone is as good as removed."""
    try:
        posix.rmdir(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return error
    return None
