"""The resctrl file system of this machine: what is there, making groups, writing their lines, removing them."""

from __future__ import annotations

import posix

from ringfence.errors import RingfenceError, from_os_error
from ringfence.host.probe import parse_mounts_of, read, read_or
from ringfence.resctrl.group import Facts, MakeResctrlGroup, WriteSchemata

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.plan.step import HostStep
    from ringfence.resctrl.place import Group

MOUNTS = "/proc/self/mountinfo"


def facts_of(name: str) -> Facts:
    """What resctrl has under a group's name ("" for the root group)."""
    mounts = parse_mounts_of(read(MOUNTS), "resctrl")
    if not mounts:
        return Facts()
    mount = mounts[0].path
    try:
        return Facts(mount, read(f"{mount}/{name}/schemata" if name else f"{mount}/schemata").decode())
    except FileNotFoundError:
        return Facts(mount)


def perform(step: HostStep) -> bool:
    """Do a step of this package; False when it is of another.

    Raises:
        RingfenceError: the kernel refuses, with the reason it gives in info/last_cmd_status.
    """
    if isinstance(step, MakeResctrlGroup):
        try:
            posix.mkdir(step.path, 0o755)
        except OSError as error:
            raise refused(f"cannot make {step.path}", error, step.path, step.pointer) from None
        return True
    if isinstance(step, WriteSchemata):
        write_lines(step.path, (step.line,), step.pointer)
        return True
    return False


def write_lines(path: str, lines: tuple[str, ...], field: str = "") -> None:
    """Write lines to a group's ``schemata``, each by itself as the kernel wants it.

    Raises:
        RingfenceError: the kernel refuses one.
    """
    try:
        descriptor = posix.open(path, posix.O_WRONLY | posix.O_CLOEXEC | posix.O_NOFOLLOW)
        try:
            for line in lines:
                posix.write(descriptor, f"{line}\n".encode())
        finally:
            posix.close(descriptor)
    except OSError as error:
        raise refused(f"cannot write {'; '.join(lines)!r} to {path}", error, path, field) from None


def refused(attempted: str, error: OSError, path: str, field: str) -> RingfenceError:
    """The error, with the words of the kernel where it has some."""
    mounts = [mount.path for mount in parse_mounts_of(read(MOUNTS), "resctrl") if path.startswith(mount.path)]
    reason = read_or(f"{mounts[0]}/info/last_cmd_status", b"").decode().strip() if mounts else ""
    hint = f"the kernel says: {reason}" if reason and reason != "ok" else ""
    return from_os_error(f"Intel RDT: {attempted}", error, field=field, hint=hint)


def remove(group: Group) -> None:
    """Remove what the container had for itself; its monitoring group first, one that is gone is fine (LNX-DEL-09).

    Raises:
        RingfenceError: the kernel refuses.
    """
    for path in (group.monitoring, group.path if group.made else ""):
        try:
            if path:
                posix.rmdir(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise from_os_error(f"Intel RDT: cannot remove {path}", error) from None
