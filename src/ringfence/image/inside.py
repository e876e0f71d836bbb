"""Finding folders inside a root by descriptors: no path ever leads out of it, whatever others do there meanwhile.

Each component is opened below the descriptor of the one before, without following links. What turns out to be a link is
read and walked in its stead: an absolute one from the root, ``..`` up to the root and no further. openat2(2) would do
that in one call on Linux; this works on FreeBSD too, and the folders last used stay open.
"""

from __future__ import annotations

import errno
import os
from collections import deque

from ringfence.errors import RingfenceError, from_os_error
from ringfence.image.entry import shown
from ringfence.image.limits import Limits, exceeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NO_FOLDER = (errno.ELOOP, errno.ENOTDIR, errno.EMLINK)
"""What open(2) answers for a link or a file; EMLINK is FreeBSD's word."""
MOST_LINKS = 40
MOST_STEPS = 1024
"""Components on the way, those of links included: the text of one link alone can have two thousand."""
MOST_OPEN = 128
MOST_KNOWN = 4096
"""Paths, of which links can make any number out of a few folders."""

Key = tuple[int, int]
"""Device and inode of a folder."""


class Folder:
    """An open folder. ``real`` is its path in the root without links; ``made`` says that the present layer has it."""

    __slots__ = ("descriptor", "key", "made", "own", "real")

    def __init__(self, descriptor: int, real: tuple[bytes, ...]) -> None:
        self.descriptor = descriptor
        self.real = real
        status = os.fstat(descriptor)
        self.key: Key = (status.st_dev, status.st_ino)
        self.own: dict[bytes, bool] = {}
        self.made = False


class Root:
    """A root with the folders in it that are open.

    Args:
        descriptor: the root; it stays the caller's.
        make: makes a folder that is missing, given its parent's descriptor and its name.
        opened: told of each folder that is opened.
        depth: how deep a folder may lie.
    """

    def __init__(
        self,
        descriptor: int,
        make: Callable[[int, bytes], None] = lambda parent, name: os.mkdir(name, 0o755, dir_fd=parent),
        opened: Callable[[Folder], None] = lambda _: None,
        depth: int = 256,
    ) -> None:
        self.make = make
        self.opened = opened
        self.depth = depth
        self.top = Folder(descriptor, ())
        self.held: dict[tuple[bytes, ...], Folder] = {}
        self.known: dict[bytes, Folder] = {}
        self.opened(self.top)

    def find(self, parts: Sequence[bytes], make: bool = False) -> Folder:
        """The folder of that path. With ``make`` what is missing is made, and all on the way belongs to the layer.

        Raises:
            FileNotFoundError: it is missing.
            RingfenceError: something on the way is no folder, or there are too many links.
        """
        path = b"/".join(parts)
        found = self.known.get(path)
        if found is None or (make and not found.made):
            found = self._walk(parts, make)
            self.known[path] = found
        return found

    def _walk(self, parts: Sequence[bytes], make: bool) -> Folder:
        here, left, links, steps = self.top, deque(parts), 0, 0
        here.made = here.made or make
        while left:
            part = left.popleft()
            steps += 1
            if part in (b"", b"."):
                continue
            step = self._above(here, make) if part == b".." else self._step(here, part, make)
            if isinstance(step, Folder):
                here = step
                continue
            links += 1
            if links > MOST_LINKS or steps > MOST_STEPS:
                raise RingfenceError(f"{shown(b'/'.join(parts))}: too many links on the way")
            left.extendleft(reversed(step.split(b"/")))
            here = self.top if step.startswith(b"/") else here
        return here

    def _above(self, here: Folder, make: bool) -> Folder:
        """The folder that holds another, the root of the root."""
        found = self.held.get(here.real[:-1]) if len(here.real) > 1 else self.top
        return found or self._walk(here.real[:-1], make)

    def _step(self, here: Folder, part: bytes, make: bool) -> Folder | bytes:
        """The folder of that name, or what a link of that name leads to."""
        real = (*here.real, part)
        found = self.held.get(real)
        if found is None:
            opened = self._open(here, part, real, make)
            if isinstance(opened, bytes):
                return opened
            found = self.held[real] = Folder(opened, real)
            self.opened(found)
        if make and not found.made:
            found.made = True
            here.own.setdefault(part, False)
        return found

    def _open(self, here: Folder, part: bytes, real: tuple[bytes, ...], make: bool) -> int | bytes:
        for missing in (False, True):
            try:
                return os.open(part, OPEN, dir_fd=here.descriptor)
            except FileNotFoundError:
                if not make or missing:
                    raise
            except OSError as error:
                if error.errno in NO_FOLDER:
                    return self._link(here, part, real)
                raise from_os_error(f"open {shown(b'/'.join(real))}", error) from None
            self.check_depth(real)
            self.make(here.descriptor, part)
        raise FileNotFoundError(shown(b"/".join(real)))

    def _link(self, here: Folder, part: bytes, real: tuple[bytes, ...]) -> bytes:
        try:
            return os.readlink(part, dir_fd=here.descriptor)
        except OSError:
            raise RingfenceError(f"{shown(b'/'.join(real))} is not a folder") from None

    def check_depth(self, real: tuple[bytes, ...]) -> None:
        """See that a folder would not lie too deep.

        Raises:
            LimitError: it would.
        """
        if len(real) > self.depth:
            raise exceeded("depth", self.depth, f"{shown(b'/'.join(real))[:100]}…")

    def child(self, parent: Folder, name: bytes) -> Folder:
        """A folder that is there, no link.

        Raises:
            RingfenceError: it is none.
        """
        step = self._step(parent, name, make=True)
        if isinstance(step, bytes):
            raise RingfenceError(f"{shown(name)} is not a folder")
        return step

    def relax(self) -> None:
        """Close folders when many are open or many paths are known; none may be in use."""
        if len(self.held) > MOST_OPEN or len(self.known) > MOST_KNOWN:
            self.forget()

    def forget(self, *kept: Folder) -> None:
        """Close all folders but these, for links and folders have changed."""
        for folder in self.held.values():
            if folder not in kept:
                os.close(folder.descriptor)
        self.held = {folder.real: folder for folder in kept if folder is not self.top}
        self.known = {}


def parts_of(path: bytes) -> list[bytes]:
    """The components of a path from an archive; a leading slash counts for nothing.

    Raises:
        RingfenceError: one is ``..``.
    """
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    if b".." in parts:
        raise RingfenceError(f"{shown(path)}: a path with '..' would lead out of the root")
    return parts


def limited_parts(name: bytes, limits: Limits) -> list[bytes]:
    """The components of a path from an archive, within the limits.

    Raises:
        RingfenceError: one is ``..``.
        LimitError: the path, a component or the way down is too long.
    """
    if len(name) > limits.name:
        raise exceeded("name", limits.name, f"{shown(name[:100])}…")
    parts = parts_of(name)
    if len(parts) > limits.depth:
        raise exceeded("depth", limits.depth, f"{shown(name[:100])}…")
    if parts and len(max(parts, key=len)) > limits.component:
        raise exceeded("component", limits.component, f"{shown(name[:100])}…")
    return parts


def open_file(root: int, path: str) -> int:
    """A regular file inside a root for reading.

    Raises:
        FileNotFoundError: it is missing.
        RingfenceError: it is no regular file, or cannot be opened.
    """
    held = Root(root)
    try:
        return _open_last(held, os.fsencode(path).split(b"/"), MOST_LINKS)
    finally:
        held.forget()


def _open_last(root: Root, parts: list[bytes], links: int) -> int:
    folder, name = root.find(parts[:-1]), parts[-1]
    if not links:
        raise RingfenceError(f"{shown(name)}: too many links on the way")
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder.descriptor)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno not in NO_FOLDER:
            raise from_os_error(f"open {shown(name)}", error) from None
        target = os.readlink(name, dir_fd=folder.descriptor)
        base = [] if target.startswith(b"/") else list(folder.real)
        return _open_last(root, [*base, *target.split(b"/")], links - 1)
    import stat

    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RingfenceError(f"{shown(b'/'.join(parts))} is not a regular file")
    return descriptor
