"""Configurations of other forms than today's: converted before anything else sees them.

The conversion is pure (spec/upgrade/); here is what it has to look up: runtime.json beside the file, nodes of the host,
and files of the rootfs, which are found without leaving it.
"""

from __future__ import annotations

import posix
from _stat import S_IMODE, S_ISBLK, S_ISCHR

from ringfence import paths
from ringfence.errors import RingfenceError, from_os_error
from ringfence.jsontext import dumps, loads
from ringfence.spec.upgrade import CURRENT, SPLIT, Node, Surroundings, Upgraded, recognise, upgrade

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RUNTIME = "runtime.json"
LARGEST_FILE = 1 << 20
UNIFIED = "/sys/fs/cgroup/cgroup.controllers"


def upgraded(document: Any, folder: str, *, strict: bool = True) -> Upgraded:
    """The 1.x document of one that lies in a folder, "" for one that is no file.

    Raises:
        RingfenceError: it cannot be understood.
    """
    form = recognise(document)
    if form == SPLIT and not folder:
        raise RingfenceError("this configuration is one of two files: runtime.json is needed beside it")
    runtime = read_runtime(folder) if folder and form != CURRENT else None
    return upgrade(document, surroundings(document, folder, strict), runtime)


def read_runtime(folder: str) -> Any:
    """runtime.json of a folder, parsed; None without it.

    Raises:
        RingfenceError: it is no JSON, or cannot be read.
    """
    from ringfence.container.bundle import read_text

    try:
        return loads(read_text(f"{folder}/{RUNTIME}"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise from_os_error(f"cannot read {folder}/{RUNTIME}", error) from None
    except RingfenceError as error:
        raise error.prefixed(RUNTIME) from None


def surroundings(document: Any, folder: str, strict: bool) -> Surroundings:
    """This machine and the rootfs of the document."""
    root = document.get("root") if isinstance(document, dict) else None
    path = root.get("path") if isinstance(root, dict) else None
    rootfs = paths.join(folder or posix.getcwd(), path) if isinstance(path, str) and path else ""
    return Surroundings(
        posix.uname().machine,
        host_device,
        lambda name: container_file(rootfs, name),
        unified=posix.access(UNIFIED, posix.F_OK),
        strict=strict,
    )


def host_device(name: str) -> Node:
    """The host's node of a name below /dev, links not followed (OLD-DEV-01).

    Raises:
        RingfenceError: it is missing, or no device node.
    """
    path = f"/dev/{name}"
    try:
        found = posix.lstat(path)
    except OSError as error:
        raise from_os_error(f"linux.devices: {path}", error, field="/linux/devices") from None
    if not (S_ISCHR(found.st_mode) or S_ISBLK(found.st_mode)):
        raise RingfenceError(f"linux.devices: {path}: not a device node", field="/linux/devices")
    kind = "c" if S_ISCHR(found.st_mode) else "b"
    major, minor = posix.major(found.st_rdev), posix.minor(found.st_rdev)
    return Node(kind, major, minor, S_IMODE(found.st_mode), found.st_uid, found.st_gid)


def container_file(rootfs: str, name: str) -> str:
    """A text file of the rootfs, "" where there is none; no link leads out (openat2(2), RESOLVE_IN_ROOT)."""
    from ringfence.inroot import open_in_root

    if not rootfs:
        return ""
    try:
        root = posix.open(rootfs, posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC)
    except OSError:
        return ""
    try:
        descriptor = open_in_root(root, name)
    except OSError:
        return ""
    finally:
        posix.close(root)
    try:
        return posix.read(descriptor, LARGEST_FILE).decode("utf-8", "surrogateescape")
    finally:
        posix.close(descriptor)


def runnable(document: Any, bundle: str, folder: str) -> tuple[str, tuple[str, ...], bool]:
    """The text of the 1.x document, the warnings about it, and whether it was of an old form.

    The root of an old one may be a link, and has words of its own when it is missing (OLD-ROOT-01, OLD-CLI-06).

    Raises:
        RingfenceError: it cannot be understood.
    """
    result = upgraded(document, folder)
    made = result.document
    old = result.form != CURRENT
    if old and isinstance(made.get("root"), dict) and isinstance(made["root"].get("path"), str):
        made = {**made, "root": {**made["root"], "path": real_root(paths.join(bundle, made["root"]["path"]))}}
    warnings = tuple(f"{where}: {text}" for where, text in result.warnings)
    return dumps(made), warnings, old


def real_root(path: str) -> str:
    """Where the root really is.

    Raises:
        RingfenceError: nowhere.
    """
    from ringfence.container.bundle import real_path

    try:
        return real_path(path)
    except OSError:
        raise RingfenceError(f'Rootfs ("{paths.normpath(path)}") does not exist', field="/root/path") from None
