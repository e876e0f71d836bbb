"""Before a restore: the rootfs as a mount of its own, as CRIU needs it, and every mount point in it.

CRIU opens its folders through /proc of the runtime and mounts there, so both have to be in one mount namespace. What is
mounted is gone when the restore is over, and else removed with the state folder (container/place.py).
"""

from __future__ import annotations

import ctypes
import os
import stat

from ringfence.inroot import open_in_root

MS_BIND, MS_REC = 0x1000, 0x4000
MNT_DETACH = 2
MODE = 0o755


class Places:
    """What a restore needs to find.

    ``root`` is where the rootfs is bound, a folder of the state; ``mounts`` are targets inside, each with its type and,
    for a bind mount, its source.
    """

    def __init__(self, rootfs: str, root: str, mounts: list[tuple[str, str, str]]) -> None:
        self.rootfs = rootfs
        self.root = root
        self.mounts = mounts
        self.real: dict[str, str] = {}
        self.libc = ctypes.CDLL(None, use_errno=True)

    def prepare(self) -> None:
        """Make everything.

        Raises:
            OSError: the kernel refuses something.
        """
        os.mkdir(self.root, MODE)
        self.mount(self.rootfs, self.root, MS_BIND | MS_REC)
        root = os.open(self.root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        bound: list[int] = []
        try:
            for target, kind, source in self.mounts:
                self.make_place(root, target, kind, source, bound)
        finally:
            for place in reversed(bound):
                self.libc.umount2(f"/proc/self/fd/{place}".encode(), MNT_DETACH)
                os.close(place)
            os.close(root)

    def seen(self, target: str) -> str:
        """Where the target of a bind mount really was, links followed inside; that is how the images name it."""
        return self.real.get(target, target)

    def make_place(self, root: int, target: str, kind: str, source: str, bound: list[int]) -> None:
        """One mount point; what lies below a tmpfs comes back with its content, below a bind mount it is made."""
        if kind == "cgroup" or any(
            target.startswith(f"{other}/")
            for other, other_kind, _ in self.mounts
            if other_kind in ("tmpfs", "sysfs", "proc")
        ):
            return
        is_file = bool(source) and not stat.S_ISDIR(os.stat(source).st_mode)
        make_below(root, target, is_file)
        if source:
            place = open_in_root(root, target, os.O_PATH)
            self.mount(source, f"/proc/self/fd/{place}", MS_BIND | MS_REC)
            os.close(place)
            bound.append(open_in_root(root, target, os.O_PATH))
            self.real[target] = os.readlink(f"/proc/self/fd/{bound[-1]}").removeprefix(self.root) or "/"

    def mount(self, source: str, target: str, flags: int) -> None:
        """Mount something that is there already (mount(2))."""
        self.check(self.libc.mount(source.encode() or None, target.encode(), None, flags, None), target)

    def check(self, result: int, what: str) -> None:
        """Raise the error of a call that failed."""
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), what)


def make_below(root: int, target: str, is_file: bool) -> None:
    """Make a folder or file with its parents where it is missing; no link leads out of the root."""
    done = ""
    words = target.strip("/").split("/")
    for index, word in enumerate(words):
        parent = open_in_root(root, done or "/", os.O_PATH | os.O_DIRECTORY)
        try:
            make_one(parent, word, is_file and index == len(words) - 1)
        finally:
            os.close(parent)
        done = f"{done}/{word}"


def make_one(parent: int, name: str, is_file: bool) -> None:
    """One component, unless there is something of that name."""
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        if is_file:
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE, dir_fd=parent))
        else:
            os.mkdir(name, MODE, dir_fd=parent)
