"""Looking for the container's program in a root that dom0 sees: a mistake is told at create (XEN-CREATE-06).

Only what is certain is refused: where a mount of config.json may bring the program, the guest has the word at start.
"""

from __future__ import annotations

import posix
from _stat import S_ISDIR, S_ISREG
from errno import EACCES, EISDIR, ENOENT, ENOTDIR

from ringfence import paths
from ringfence.errors import RingfenceError
from ringfence.inroot import open_in_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.xen.steps import FindProgram

FIELD = "/process/args/0"
WITHOUT_PROGRAMS = ("/dev", "/proc", "/sys", "/etc", "/run/secrets", "/tmp", "/var/tmp")
"""Places of mounts that hide no program that could be meant."""
START = "unable to start container process"


def may_hide(destinations: tuple[str, ...]) -> bool:
    """Whether a mount may lie where programs are."""
    return any(
        not any(f"{paths.normpath(place)}/".startswith(f"{known}/") for known in WITHOUT_PROGRAMS)
        for place in destinations
    )


def found(root: int, path: str) -> int:
    """0 if a path of the root leads to a program, else an errno."""
    try:
        descriptor = open_in_root(root, path, posix.O_PATH)
    except OSError as error:
        return error.errno or ENOENT
    try:
        mode = posix.fstat(descriptor).st_mode
    finally:
        posix.close(descriptor)
    if S_ISDIR(mode):
        return EISDIR
    return 0 if S_ISREG(mode) and mode & 0o111 else EACCES


def find_program(step: FindProgram) -> None:
    """See that the program is there.

    Raises:
        RingfenceError: it is not, or cannot be executed, in the words that engines look for.
    """
    if may_hide(step.mounts):
        return
    root = posix.open(step.rootfs, posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC)
    try:
        if "/" in step.name:
            refuse(step.name, found(root, paths.join(step.cwd, step.name)))
        elif all(found(root, f"{folder}/{step.name}") for folder in step.search.split(":") if folder.startswith("/")):
            text = f'{START}: exec: "{step.name}": executable file not found in $PATH'
            raise RingfenceError(text, field=FIELD)
    finally:
        posix.close(root)


def refuse(name: str, number: int) -> None:
    """The words for a path that is no program; nothing for 0.

    Raises:
        RingfenceError: it is none.
    """
    if not number:
        return
    missing = f"stat {name}: " if number in (ENOENT, ENOTDIR) else ""
    words = f'{START}: exec: "{name}": {missing}{posix.strerror(number).lower()}'
    raise RingfenceError(words, field=FIELD, errno=number)
