"""A root with a bit of everything, and what a tree looks like to compare it with another."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import Any

from tests.support.rootfs import make_rootfs

TIME = 1_700_000_000
CAPABILITY = bytes.fromhex("0100000202040000000000000000000000000000")
"""security.capability for cap_net_bind_service+ep and others, in the kernel's form (version 2)."""


def make_root(path: str) -> None:
    """A busybox root with owners, modes, links, devices and attributes of all kinds, as root."""
    os.mkdir(path)
    make_rootfs(path)
    for name in ("srv/data/deep", "srv/gone/inner", "srv/opaque/old"):
        os.makedirs(os.path.join(path, name))
    files = {
        "srv/data/plain": 0o644, "srv/data/secret": 0o600, "srv/data/su": 0o4755, "srv/data/sg": 0o2755,
        "srv/gone/inner/file": 0o644, "srv/opaque/old/file": 0o644, "srv/opaque/file": 0o640, "srv/file": 0o604,
        f"srv/{'long' * 50}": 0o644, "srv/\u00fcnicode \u20ac": 0o644, "srv/empty": 0o444,
    }  # fmt: skip
    for number, (name, mode) in enumerate(files.items()):
        with open(os.path.join(path, name), "w", encoding="utf-8") as file:
            file.write("" if name.endswith("empty") else f"content of {name}\n" * (number + 1))
        os.chown(os.path.join(path, name), 1000 + number, 2000 + number)
        os.chmod(os.path.join(path, name), mode)
    os.chmod(f"{path}/srv/data/deep", 0o3770)
    os.chown(f"{path}/srv/data/deep", 70000, 70001)
    os.symlink("../data/plain", f"{path}/srv/data/link")
    os.symlink("/nowhere/at/all", f"{path}/srv/dangling")
    os.lchown(f"{path}/srv/dangling", 5, 6)
    os.link(f"{path}/srv/file", f"{path}/srv/file-again")
    os.mkfifo(f"{path}/srv/fifo")
    os.mknod(f"{path}/srv/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    os.setxattr(f"{path}/srv/data/plain", "security.capability", CAPABILITY)
    set_times(path)


def set_times(path: str) -> None:
    """Give everything the same whole second, links themselves too."""
    for place, folders, files in os.walk(path, topdown=False):
        for name in (*folders, *files):
            os.utime(os.path.join(place, name), (TIME, TIME), follow_symlinks=False)
    os.utime(path, (TIME, TIME))


def described(root: str, times: bool = True) -> dict[str, tuple[Any, ...]]:
    """For every path its type, mode, owner, time, attributes, content, and the first of its names."""
    first: dict[tuple[int, int], str] = {}
    found = {}
    for place, folders, files in os.walk(root):
        folders.sort()
        for name in sorted((*folders, *files)):
            path = os.path.join(place, name)
            relative = os.path.relpath(path, root)
            status = os.lstat(path)
            same = first.setdefault((status.st_dev, status.st_ino), relative)
            time = int(status.st_mtime) if times and not stat.S_ISDIR(status.st_mode) else 0
            owner = (status.st_uid, status.st_gid)
            held = (stat.filemode(status.st_mode), owner, time, attributes(path), content(path, status), same)
            found[relative] = held
    return found


def attributes(path: str) -> dict[str, bytes]:
    """The extended attributes that an image carries."""
    if os.path.islink(path):
        return {}
    names = [name for name in os.listxattr(path) if name.startswith(("user.", "security.capability"))]
    return {
        name: os.getxattr(path, name) for name in names if name.split(".")[1] not in ("overlay", "rootlesscontainers")
    }


def content(path: str, status: os.stat_result) -> object:
    """What a path holds or leads to."""
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(path)
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return status.st_rdev if stat.S_ISCHR(status.st_mode) else 0
