"""Making the container's cgroups. The hot path of create: one mkdir(2) for each hierarchy, and what cpuset needs."""

from __future__ import annotations

import errno
import posix

from ringfence import paths
from ringfence.cgroups.files import all_pids, read, read_or_empty, write
from ringfence.errors import RingfenceError, from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cgroups.paths import CgroupDir
    from ringfence.cgroups.steps import EnableControllers, EnableNamed, LeaveCgroup, MakeCgroup, OwnCgroup

FAILED = "unable to apply cgroup configuration"
REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
MODE = 0o755
SUPERVISOR = "supervisor"
CPUSET_FILES = ("cpuset.cpus", "cpuset.mems")
DELEGATE = "/sys/kernel/cgroup/delegate"
DELEGATE_DEFAULT = "cgroup.procs cgroup.subtree_control cgroup.threads"


def make_cgroup(step: MakeCgroup) -> None:
    """Make every directory, or none.

    Raises:
        RingfenceError: a directory cannot be made, or an existing one is in use; then what this call made is gone
            again, and what was there before is untouched.
    """
    made: list[str] = []
    try:
        for directory in step.dirs:
            make_one(directory, step, made)
    except (OSError, RingfenceError):
        undo(made)
        raise


def undo(made: list[str]) -> None:
    """Remove what was just made; what cannot be removed does not hide the first error."""
    for path in reversed(made):
        try:
            posix.rmdir(path)
        except OSError:
            continue


def make_one(directory: CgroupDir, step: MakeCgroup, made: list[str]) -> None:
    """Make one directory and note it in ``made``; an existing one is taken when nobody uses it."""
    try:
        if make_directory(directory.path, made) and not step.shared:
            check_unused(directory.path)
        if step.cpuset_mount and "cpuset" in directory.controllers:
            fill_cpuset(step.cpuset_mount, directory.path)
    except OSError as error:
        if not (step.tolerant and error.errno in REFUSED):
            raise from_os_error(f"{FAILED}: {directory.path}", error, field=step.pointer) from None


def make_directory(path: str, made: list[str]) -> bool:
    """Make a directory, with its parents if they are missing; whether it was there before."""
    try:
        posix.mkdir(path, MODE)
    except FileExistsError:
        return True
    except FileNotFoundError:
        paths.makedirs(paths.dirname(path), MODE)
        posix.mkdir(path, MODE)
    made.append(path)
    return False


def check_all_unused(dirs: tuple[CgroupDir, ...]) -> None:
    """Refuse a container whose cgroups someone uses, before anything is recorded that a later delete would remove.

    Raises:
        RingfenceError: one of them holds processes or is frozen (LNX-LIFE-24, LNX-LIFE-25).
    """
    for directory in dirs:
        if posix.access(directory.path, posix.F_OK):
            check_unused(directory.path)


def check_unused(path: str) -> None:
    """Refuse a cgroup that someone uses (LNX-LIFE-24, LNX-LIFE-25); one that does not exist is nobody's.

    Raises:
        RingfenceError: it holds processes or is frozen.
    """
    count = len(all_pids(path))
    if count:
        raise RingfenceError(
            f"container's cgroup is not empty: {count} process(es) found",
            field="/linux/cgroupsPath",
            hint=f"another container or service lives in {path}",
        )
    frozen = read_or_empty(f"{path}/freezer.state") or read_or_empty(f"{path}/cgroup.freeze")
    if frozen.strip() in ("FROZEN", "FREEZING", "1"):
        raise RingfenceError(
            "container's cgroup unexpectedly frozen", field="/linux/cgroupsPath", hint=f"thaw or remove {path}"
        )


def fill_cpuset(mount: str, path: str) -> None:
    """Give a cpuset, and empty ones above it, the CPUs and memory nodes of their parents (LNX-CG1-06).

    Raises:
        OSError: as the kernel gave it.
    """
    for name in CPUSET_FILES:
        inherit(mount, paths.dirname(path), path, name)


def inherit(mount: str, parent: str, path: str, name: str) -> None:
    """Fill one file of one cpuset if it is empty, its parent's first."""
    if read(f"{path}/{name}").strip():
        return
    value = read(f"{parent}/{name}").strip()
    if not value and parent != mount:
        inherit(mount, paths.dirname(parent), parent, name)
        value = read(f"{parent}/{name}").strip()
    write(f"{path}/{name}", value)


def enable_controllers(step: EnableControllers) -> None:
    """Switch on the root's controllers at every level above the cgroup, as far as this user may.

    Nothing is written when the parent has them all: it cannot have what those above it do not give.

    Raises:
        RingfenceError: the root's controllers cannot be read.
    """
    try:
        wanted = read(f"{step.mount}/cgroup.controllers").split()
    except OSError as error:
        raise from_os_error(f"{FAILED}: {step.mount}/cgroup.controllers", error, field=step.pointer) from None
    parent = paths.dirname(step.path)
    if missing(parent, wanted):
        for level in levels(step.mount, parent):
            enable(level, missing(level, wanted))


def leave_cgroup(step: LeaveCgroup) -> None:
    """Move this process out of the way of controllers.

    Raises:
        RingfenceError: the leaf cannot be made or entered.
    """
    leaf = f"{step.path}/{SUPERVISOR}"
    try:
        if not paths.isdir(leaf):
            posix.mkdir(leaf, MODE)
        write(f"{leaf}/cgroup.procs", "0")
    except OSError as error:
        raise from_os_error(f"{FAILED}: {leaf}", error, field=step.pointer) from None


def enable_named(step: EnableNamed) -> None:
    """Switch on what is needed.

    Raises:
        RingfenceError: the kernel refuses.
    """
    file = f"{step.path}/cgroup.subtree_control"
    try:
        write(file, " ".join(f"+{name}" for name in step.names))
    except OSError as error:
        hint = "Delegate=yes of the unit must include the controllers, and no other process may be in its cgroup"
        raise from_os_error(f"{FAILED}: {file}", error, field=step.pointer, hint=hint) from None


def levels(mount: str, path: str) -> list[str]:
    """The mount root and every directory below it down to the path."""
    found = [mount]
    for name in path.removeprefix(mount).strip("/").split("/"):
        if name:
            found.append(f"{found[-1]}/{name}")
    return found


def missing(path: str, wanted: list[str]) -> list[str]:
    """The controllers that are not switched on yet below a cgroup."""
    enabled = read_or_empty(f"{path}/cgroup.subtree_control").split()
    return [name for name in wanted if name not in enabled]


def enable(path: str, names: list[str]) -> None:
    """Switch on controllers below a cgroup, together or else one by one; what is refused stays off."""
    file = f"{path}/cgroup.subtree_control"
    for attempt in (names, *([name] for name in names)):
        try:
            write(file, " ".join(f"+{name}" for name in attempt))
        except OSError:
            continue
        if attempt is names:
            return


def own_cgroup(step: OwnCgroup) -> None:
    """Hand the directory and the files that may be delegated to a uid; the group stays root's.

    Raises:
        RingfenceError: the kernel refuses.
    """
    names = (read_or_empty(DELEGATE) or DELEGATE_DEFAULT).split()
    try:
        posix.chown(step.path, step.uid, -1)
        for name in names:
            try:
                posix.chown(f"{step.path}/{name}", step.uid, -1)
            except FileNotFoundError:
                continue
    except OSError as error:
        raise from_os_error(f"cannot give {step.path} to uid {step.uid}", error) from None
