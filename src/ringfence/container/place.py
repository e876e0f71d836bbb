"""The state folder of a container: made first, removed last."""

from __future__ import annotations

import posix

from ringfence import paths
from ringfence.container.record import container_directory
from ringfence.errors import RingfenceError, from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.runtime import Runtime

DIRECTORY_MODE = 0o711
ROOT_MODE = 0o700
STICKY_ROOT_MODE = 0o1700
CRIU_ROOT = "criu-root"
JAIL_ROOT = "root"
"""Where a jail's read-only root is shown; what is in it is the container's own."""
MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8


def make_root(runtime: Runtime) -> None:
    """Make the folder all containers of a root live in; sticky below $XDG_RUNTIME_DIR (LNX-CLI-16)."""
    if paths.isdir(runtime.root):
        return
    paths.makedirs(runtime.root, ROOT_MODE)
    user_folder = runtime.environment.get("XDG_RUNTIME_DIR")
    if user_folder and runtime.root.startswith(user_folder.rstrip("/") + "/"):
        posix.chmod(runtime.root, STICKY_ROOT_MODE)


def make_directory(runtime: Runtime, container_id: str) -> str:
    """Make the state folder of a new container.

    Raises:
        RingfenceError: the id is taken (LNX-LIFE-03), or the root cannot be written to.
    """
    directory = container_directory(runtime, container_id)
    try:
        make_root(runtime)
    except OSError as error:
        raise from_os_error(f"cannot make the state root {runtime.root}", error) from None
    try:
        posix.mkdir(directory, DIRECTORY_MODE)
        posix.chmod(directory, DIRECTORY_MODE)
    except FileExistsError:
        raise RingfenceError(
            "container with given ID already exists", hint=f"choose another id, or: delete {container_id}"
        ) from None
    except OSError as error:
        raise from_os_error(f"cannot make the state folder {directory}", error) from None
    return directory


def remove_directory(directory: str) -> None:
    """Remove a state folder and what lies in it: files, and the folder of the notify socket."""
    if removed_empty(directory):
        return
    try:
        names = posix.listdir(directory)
    except FileNotFoundError:
        return
    for name in names:
        path = f"{directory}/{name}"
        if name == CRIU_ROOT:
            remove_mount(path)
        elif name == JAIL_ROOT:
            posix.rmdir(path)
        elif paths.isdir(path) and not paths.islink(path):
            remove_directory(path)
        else:
            posix.unlink(path)
    posix.rmdir(directory)


def removed_empty(directory: str) -> bool:
    """Remove a folder if it is empty; that takes no descriptor, of which there may be none left."""
    try:
        posix.rmdir(directory)
    except OSError:
        return False
    return True


def remove_mount(path: str) -> None:
    """Unmount what a restore has mounted on its folder, and remove that; never what is in it, which is the rootfs."""
    import ctypes  # 3 ms, paid only after a restore

    while ctypes.CDLL(None).umount2(path.encode("utf-8", "surrogateescape"), MNT_DETACH | UMOUNT_NOFOLLOW) == 0:
        continue
    posix.rmdir(path)
