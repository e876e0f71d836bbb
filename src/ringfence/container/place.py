"""The state folder of a container: made first, removed last."""

from __future__ import annotations

import os
import stat

from ringfence.container.record import container_directory
from ringfence.errors import RingfenceError, from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.runtime import Runtime

DIRECTORY_MODE = 0o711
ROOT_MODE = 0o700


def make_root(runtime: Runtime) -> None:
    """Make the folder all containers of a root live in; sticky below $XDG_RUNTIME_DIR (LNX-CLI-16)."""
    if os.path.isdir(runtime.root):
        return
    os.makedirs(runtime.root, ROOT_MODE, exist_ok=True)
    user_folder = runtime.environment.get("XDG_RUNTIME_DIR")
    if user_folder and runtime.root.startswith(user_folder.rstrip("/") + "/"):
        os.chmod(runtime.root, ROOT_MODE | stat.S_ISVTX)


def make_directory(runtime: Runtime, container_id: str) -> str:
    """Make the state folder of a new container.

    Raises:
        RingfenceError: the id is taken (LNX-LIFE-03), or the root cannot be written to.
    """
    directory = container_directory(runtime, container_id)
    try:
        make_root(runtime)
        os.mkdir(directory, DIRECTORY_MODE)
        os.chmod(directory, DIRECTORY_MODE)
    except FileExistsError:
        raise RingfenceError(
            "container with given ID already exists", hint=f"choose another id, or: delete {container_id}"
        ) from None
    except OSError as error:
        raise from_os_error(f"cannot make the state folder {directory}", error) from None
    return directory


def remove_directory(directory: str) -> None:
    """Remove a state folder and what lies in it: files, and the folder of the notify socket."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return
    for name in names:
        path = f"{directory}/{name}"
        if os.path.isdir(path) and not os.path.islink(path):
            remove_directory(path)
        else:
            os.unlink(path)
    os.rmdir(directory)
