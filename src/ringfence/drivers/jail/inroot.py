"""Finding and making a path below a root without ever leaving it (JAIL-MNT-02).

Components are opened one by one relative to descriptors, none of them through a link; a link is read and its text taken
as further components, ``/`` and ``..`` meaning the root at most. mount(8) follows links of the host, so the path that
comes out holds none.
"""

from __future__ import annotations

import errno
import os
import stat

from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MOST_LINKS = 32
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
MISSING = 0


def resolve(
    root: str, destination: str, note: Callable[[str], None] | None = None, *, as_file: bool = False
) -> tuple[str, bool]:
    """Where a destination is below a root, and whether that is a folder.

    With ``note`` what is missing is made, as folders of mode 0755 or as a file at the end; ``note`` is told each path
    before that.

    Raises:
        RingfenceError: it does not exist, leads through something that is no folder, or has too many links.
    """
    try:
        walk = Walk(root, note, as_file)
        try:
            return walk.go(destination)
        finally:
            walk.back_to(0)
    except OSError as error:
        words = (error.strerror or "").lower()
        raise RingfenceError(f"{destination} below {root}: {words}", errno=error.errno or 0) from None


def parts_of(path: str) -> list[str]:
    """The components of a path."""
    return [part for part in path.split("/") if part not in ("", ".")]


class Walk:
    """A way below a root: a descriptor for each folder of it, the root's first."""

    def __init__(self, root: str, note: Callable[[str], None] | None, as_file: bool):
        self.root = root.rstrip("/")
        self.note = note
        self.as_file = as_file
        self.names: list[str] = []
        self.folders = [os.open(root, FOLDER)]
        self.links = 0

    def go(self, destination: str) -> tuple[str, bool]:
        """Walk to the end of it.

        Raises:
            OSError: as the kernel gave it.
        """
        left = parts_of(destination)
        while left:
            name = left.pop(0)
            if name == "..":
                self.back_to(max(len(self.names), 1))
                continue
            kind = self.kind_of(name) or self.made(name, last=not left)
            if stat.S_ISLNK(kind):
                left = self.followed(name) + left
            elif not left and not stat.S_ISDIR(kind):
                return self.path(name), False
            else:
                self.folders.append(os.open(name, FOLDER, dir_fd=self.folders[-1]))
                self.names.append(name)
        return self.path(), True

    def back_to(self, count: int) -> None:
        """Let go of all but so many folders."""
        while len(self.folders) > count:
            os.close(self.folders.pop())
        del self.names[max(count - 1, 0) :]

    def path(self, name: str = "") -> str:
        """The path of the last folder, or of a name in it."""
        return "/".join([self.root, *self.names, *([name] if name else [])]) or "/"

    def kind_of(self, name: str) -> int:
        """The mode of what there is under a name, links not followed; MISSING for nothing."""
        try:
            return os.stat(name, dir_fd=self.folders[-1], follow_symlinks=False).st_mode
        except FileNotFoundError:
            return MISSING

    def followed(self, name: str) -> list[str]:
        """The components that a link stands for."""
        self.links += 1
        if self.links > MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        text = os.readlink(name, dir_fd=self.folders[-1])
        if text.startswith("/"):
            self.back_to(1)
        return parts_of(text)

    def made(self, name: str, *, last: bool) -> int:
        """Make what is missing; returns its mode."""
        if self.note is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self.note(self.path(name))
        folder = self.folders[-1]
        if not (last and self.as_file):
            os.mkdir(name, 0o755, dir_fd=folder)
            os.chmod(name, 0o755, dir_fd=folder)
            return stat.S_IFDIR
        descriptor = os.open(
            name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=folder
        )
        os.fchmod(descriptor, 0o644)
        os.close(descriptor)
        return stat.S_IFREG
