"""The id maps of a user namespace that is joined by its path, held against those of the configuration."""

from __future__ import annotations

import posix

from ringfence.drivers.linux.context import CLONE_NEWUSER, Namespaces
from ringfence.errors import RingfenceError, from_os_error
from ringfence.host.probe import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.types import Linux

Map = list[tuple[int, ...]]


def check_joined_maps(linux: Linux) -> None:
    """Refuse mappings that are not those of the namespace (LNX-UNS-01).

    Raises:
        RingfenceError: they differ, or the namespace cannot be entered.
    """
    path = next((path for _, flag, path in Namespaces(linux).joined if flag == CLONE_NEWUSER), "")
    if not path:
        return
    held = dict(zip(("uid", "gid"), maps_of(path)))
    for kind, mappings in (("uid", linux.uid_mappings), ("gid", linux.gid_mappings)):
        given = sorted((one.container_id, one.host_id, one.size) for one in mappings)
        if given and given != held[kind]:
            raise RingfenceError(
                f"config.json#/linux/{kind}Mappings: the {kind} mappings differ from those of {path}",
                field=f"/linux/{kind}Mappings",
                hint="leave the mappings out to take those of the namespace",
            )


def maps_of(path: str) -> tuple[Map, Map]:
    """Both maps of the namespace at ``path``, as seen from here.

    A process that has entered it shows them, for a namespace bound to a file need not have another one.
    """
    ready, entered = posix.pipe()
    hold, release = posix.pipe()
    child = posix.fork()
    if child == 0:
        enter(path, entered, hold, release)
    posix.close(entered)
    posix.close(hold)
    try:
        problem = posix.read(ready, 64)
        if problem != b"0":
            error = OSError(int(problem or b"5"), posix.strerror(int(problem or b"5")))
            raise from_os_error(f"cannot enter the user namespace {path}", error, field="/linux/namespaces")
        return parse_map(read(f"/proc/{child}/uid_map")), parse_map(read(f"/proc/{child}/gid_map"))
    finally:
        posix.close(ready)
        posix.close(release)
        posix.waitpid(child, 0)


def enter(path: str, entered: int, hold: int, release: int) -> None:
    """Enter the namespace, say so, and stay until the other side lets go. Never returns."""
    import ctypes  # 3 ms, paid only by containers that repeat the mappings of a namespace they join

    posix.close(release)
    number = 0
    try:
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
        library = ctypes.CDLL(None, use_errno=True)
        number = ctypes.get_errno() if library.setns(descriptor, CLONE_NEWUSER) else 0
    except OSError as error:
        number = error.errno or 5
    posix.write(entered, b"%d" % number)
    posix.read(hold, 1)
    posix._exit(0)  # noqa: SLF001 - _exit(2) is public


def parse_map(text: bytes) -> Map:
    """The lines of a uid_map or gid_map (user_namespaces(7)), in order."""
    return sorted(tuple(int(word) for word in line.split()) for line in text.splitlines())
