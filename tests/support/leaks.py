"""Finding, and removing, what a runtime left behind on the host after a test."""

from __future__ import annotations

import ctypes
import os
import shutil
import time

from tests.support import cgroup
from tests.support.process import COMMANDS, alive, descendants, kill_quietly, read_text, reap

MNT_DETACH = 2
UMOUNT_NOFOLLOW = 8


def mounts_below(path: str) -> list[str]:
    """Mount points in this mount namespace at or below ``path``, the deepest first."""
    points = [line.split(" ")[4] for line in read_text("/proc/self/mountinfo").splitlines()]
    return sorted((point for point in points if f"{point}/".startswith(f"{path}/")), key=len, reverse=True)


class LeakCheck:
    """What belongs to one test: processes born after ``__init__``, mounts below a folder, cgroups with a token."""

    def __init__(self, folder: str, token: str) -> None:
        self.folder = folder
        self.token = token
        self.before = descendants(os.getpid())

    def processes(self) -> list[int]:
        """Live processes below the test process that were not there at the beginning."""
        return sorted(pid for pid, _ in descendants(os.getpid()) - self.before if alive(pid))

    def snapshot(self) -> tuple[list[int], list[str], list[str]]:
        """Processes, cgroups and mounts that are there."""
        return self.processes(), cgroup.folders_named(self.token), mounts_below(self.folder)

    def found(self) -> list[str]:
        """One line for everything that is there."""
        processes, cgroups, mounts = self.snapshot()
        return [
            *(f"process {pid}: {_command(pid)}" for pid in processes),
            *(f"cgroup {folder}" for folder in cgroups),
            *(f"mount {point}" for point in mounts),
        ]

    def settled(self, deadline: float = 2.0) -> list[str]:
        """``found()``, after a moment for processes that have been killed to end."""
        end = time.monotonic() + deadline
        while (left := self.found()) and time.monotonic() < end:
            self.reap()
            time.sleep(0.02)
        return left

    def reap(self) -> int:
        """Wait for every ended process of the test but the commands it has started itself; returns their number."""
        found = [pid for pid, _ in descendants(os.getpid()) - self.before if pid not in COMMANDS]
        return sum(reap(pid) is not None for pid in found)

    def remove_processes(self) -> None:
        """Kill every process of the test and wait a moment for their ends."""
        for folder in cgroup.folders_named(self.token):
            cgroup.thaw(folder)
            for pid in cgroup.members(folder):
                kill_quietly(pid)
        for pid in self.processes():
            kill_quietly(pid)
        end = time.monotonic() + 2.0
        while self.processes() and time.monotonic() < end:
            self.reap()
            time.sleep(0.01)

    def remove(self) -> None:
        """Kill, unmount and remove everything of the test."""
        self.remove_processes()
        for folder in cgroup.folders_named(self.token):
            cgroup.remove(folder)
        for point in mounts_below(self.folder):
            ctypes.CDLL(None).umount2(os.fsencode(point), MNT_DETACH | UMOUNT_NOFOLLOW)
        shutil.rmtree(self.folder, ignore_errors=True)


def _command(pid: int) -> str:
    return read_text(f"/proc/{pid}/cmdline").replace("\0", " ").strip() or read_text(f"/proc/{pid}/comm").strip()
