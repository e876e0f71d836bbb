"""State roots on disks that have no room, or that cannot be written to."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator

import pytest

from tests.support import Runtime

MS_RDONLY = 1
MS_REMOUNT = 32


class Disk:
    """A small tmpfs at ``path``."""

    def __init__(self, path: str, options: str) -> None:
        self.path = path
        self.libc = ctypes.CDLL(None, use_errno=True)
        os.mkdir(path, 0o700)
        self.mount(0, options)

    def mount(self, flags: int, options: str = "") -> None:
        """Mount it, or remount it with other flags."""
        given = self.libc.mount(b"tmpfs", self.path.encode(), b"tmpfs", flags, options.encode())
        assert given == 0, os.strerror(ctypes.get_errno())

    def read_only(self, wanted: bool) -> None:
        """Refuse writes, or no longer."""
        self.mount(MS_REMOUNT | (MS_RDONLY if wanted else 0))

    def fill(self) -> None:
        """Leave no byte free."""
        with open(os.path.join(self.path, ".filler"), "wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                return

    def empty(self) -> None:
        """Make room again."""
        os.unlink(os.path.join(self.path, ".filler"))

    def remove(self) -> None:
        """Unmount it."""
        assert self.libc.umount2(self.path.encode(), 2) == 0


@pytest.fixture
def disk(runtime: Runtime) -> Iterator[Disk]:
    """The runtime's state root as a file system of 64 KiB."""
    held = Disk(runtime.root, "size=64k,mode=700")
    yield held
    held.read_only(False)
    for name in runtime.ids():
        runtime.run("delete", "--force", name)
    held.remove()
