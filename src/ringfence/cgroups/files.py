"""Reading and writing cgroup files with as few system calls as there can be."""

from __future__ import annotations

import posix

# A file that lists entries comes a page at a time (seq_file), so a short read is the end only when far from a page.
READ_SIZE = 1 << 16
SHORT = 2048


def read(path: str) -> str:
    """The content of a cgroup file.

    Raises:
        OSError: as the kernel gave it.
    """
    descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        raw = chunk = posix.read(descriptor, READ_SIZE)
        while len(chunk) > SHORT:
            chunk = posix.read(descriptor, READ_SIZE)
            raw += chunk
    finally:
        posix.close(descriptor)
    return raw.decode("utf-8", "surrogateescape")


def write(path: str, value: str) -> None:
    """Put a value into a cgroup file in one piece, as the kernel wants it.

    Raises:
        OSError: as the kernel gave it.
    """
    descriptor = posix.open(path, posix.O_WRONLY | posix.O_CLOEXEC)
    try:
        posix.write(descriptor, value.encode("utf-8", "surrogateescape"))
    finally:
        posix.close(descriptor)


def read_or_empty(path: str) -> str:
    """The content of a file, "" when it or its cgroup has vanished or cannot be read in this type of cgroup."""
    try:
        return read(path)
    except OSError:
        return ""


def children(path: str) -> list[str]:
    """The cgroups directly below one; none when it has vanished."""
    try:
        with posix.scandir(path) as entries:
            return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def subtree(path: str) -> list[str]:
    """A cgroup and all below it, the deepest first."""
    found: list[str] = []
    waiting = [path]
    while waiting:
        current = waiting.pop()
        found.append(current)
        waiting.extend(children(current))
    found.reverse()
    return found


def pids(path: str) -> list[int]:
    """The processes directly in a cgroup. A threaded cgroup shows none: its domain does (cgroups(7)).

    A process that our pid namespace does not see reads as 0, which kill(2) would take for our own process group.
    """
    return [int(word) for word in read_or_empty(f"{path}/cgroup.procs").split() if word != "0"]


def all_pids(path: str) -> list[int]:
    """The processes of a cgroup and all below it, each once, in rising order."""
    return sorted({pid for place in subtree(path) for pid in pids(place)})
