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

MOST_LINKS = 32
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Place:
    """A destination: ``path`` without links, ``made`` the paths that were missing and have been made, outermost first."""

    def __init__(self, path: str, made: list[str], is_folder: bool):
        self.path = path
        self.made = made
        self.is_folder = is_folder


def resolve(
    root: str, destination: str, *, make: bool, as_file: bool = False, record: list[str] | None = None
) -> Place:
    """Where a destination is below a root; what is missing is made as folders of mode 0755, or a file at the end.

    ``record`` is given every path before it is made.

    Raises:
        RingfenceError: it does not exist (and not ``make``), leads through something else than folders, or has too many
            links.
    """
    made: list[str] = [] if record is None else record
    trail: list[tuple[str, int]] = [("", os.open(root, FOLDER))]
    left = [part for part in destination.split("/") if part not in ("", ".")]
    links = 0
    is_folder = True
    try:
        while left:
            name = left.pop(0)
            if name == "..":
                if len(trail) > 1:
                    os.close(trail.pop()[1])
                continue
            last = not left
            kind = kind_of(name, trail[-1][1])
            if kind is not None and stat.S_ISLNK(kind):
                links += 1
                if links > MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                text = os.readlink(name, dir_fd=trail[-1][1])
                if text.startswith("/"):
                    shorten(trail)
                left = [part for part in text.split("/") if part not in ("", ".")] + left
                continue
            if kind is None:
                if not make:
                    raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
                path = below(root, trail, name)
                made.append(path)
                make_node(name, trail[-1][1], as_file=as_file and last)
                kind = stat.S_IFREG if as_file and last else stat.S_IFDIR
            if last and not stat.S_ISDIR(kind):
                is_folder = False
                return Place(below(root, trail, name), made, is_folder)
            trail.append((name, os.open(name, FOLDER, dir_fd=trail[-1][1])))
        return Place(below(root, trail, ""), made, is_folder)
    except OSError as error:
        words = (error.strerror or "").lower()
        raise RingfenceError(f"{destination} below {root}: {words}", errno=error.errno or 0) from None
    finally:
        for _, descriptor in trail:
            os.close(descriptor)


def shorten(trail: list[tuple[str, int]]) -> None:
    """Back to the root."""
    while len(trail) > 1:
        os.close(trail.pop()[1])


def kind_of(name: str, folder: int) -> int | None:
    """What there is under a name, links not followed; None for nothing."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None


def make_node(name: str, folder: int, *, as_file: bool) -> None:
    """Make a folder, or an empty file, that belongs to root."""
    if as_file:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(name, flags, 0o644, dir_fd=folder)
        os.fchmod(descriptor, 0o644)
        os.close(descriptor)
        return
    os.mkdir(name, 0o755, dir_fd=folder)
    os.chmod(name, 0o755, dir_fd=folder)


def below(root: str, trail: list[tuple[str, int]], name: str) -> str:
    """A path of components."""
    parts = [part for part, _ in trail[1:]] + ([name] if name else [])
    return "/".join([root.rstrip("/"), *parts]) or "/"
