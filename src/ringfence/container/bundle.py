"""The bundle: config.json and the rootfs it names."""

from __future__ import annotations

import posix

from ringfence import paths
from ringfence.errors import RingfenceError, from_os_error
from ringfence.spec.load import load_config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.types import Config

CONFIG = "config.json"


def read_text(path: str) -> str:
    """A whole file as text; a file that grows or a pipe is read to its end.

    Raises:
        OSError: it cannot be read.
    """
    descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        parts = []
        while part := posix.read(descriptor, 1 << 20):
            parts.append(part)
    finally:
        posix.close(descriptor)
    return b"".join(parts).decode("utf-8", "surrogateescape")


def read_config(bundle: str) -> tuple[str, Config]:
    """The bundle's configuration as text and as records, checked.

    Raises:
        RingfenceError: it is missing, broken or wrong (LNX-LIFE-03).
    """
    try:
        text = read_text(f"{bundle}/{CONFIG}")
    except (FileNotFoundError, NotADirectoryError):
        raise RingfenceError(
            "JSON specification file config.json not found",
            hint=f"is {bundle} a bundle? make a configuration with: ringfence spec",
        ) from None
    except OSError as error:
        raise from_os_error(f"cannot read {bundle}/{CONFIG}", error) from None
    return text, load_config(text)


def real_path(path: str) -> str:
    """Where a path leads, links followed by the kernel.

    Raises:
        OSError: nowhere.
    """
    descriptor = posix.open(path, posix.O_PATH | posix.O_CLOEXEC)
    try:
        return posix.readlink(f"/proc/self/fd/{descriptor}")
    finally:
        posix.close(descriptor)


def locate_rootfs(bundle: str, config: Config) -> str:
    """The absolute path of the rootfs, which no link may stand in for (LNX-ROOT-01, LNX-ROOT-02).

    Raises:
        RingfenceError: it is missing, or not what its path says.
    """
    assert config.root is not None
    rootfs = paths.normpath(paths.join(bundle, config.root.path))
    field = "/root/path"
    try:
        real = real_path(rootfs)
    except OSError as error:
        raise from_os_error(f"invalid rootfs: stat {rootfs}", error, field=field) from None
    if paths.islink(rootfs) or paths.normpath(rootfs) != rootfs:
        raise RingfenceError(f"invalid rootfs: not an absolute path, or a symlink: {rootfs}", field=field)
    if not paths.isdir(real):
        raise RingfenceError(f"invalid rootfs: not a directory: {rootfs}", field=field)
    return real
