"""A folder of the host that no container may reach, and how tests see whether one did."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

SECRET = "the host's secret"


class Outside:
    """A folder with a file ``secret`` and whatever a test adds before ``remember()``."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.secret = os.path.join(path, "secret")
        os.mkdir(path)
        os.chmod(path, 0o755)
        self.add("secret", SECRET)

    def add(self, name: str, text: str = "") -> str:
        """One more file, and its path."""
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self.remember()
        return path

    def remember(self) -> None:
        """From now on nothing may change."""
        self.before = self.look()

    def look(self) -> dict[str, tuple[object, ...]]:
        """Owner, mode, kind and content of everything in it."""
        paths = [self.path]
        for folder, folders, files in os.walk(self.path):
            paths += [os.path.join(folder, name) for name in (*folders, *files)]
        return {path: _look_at(path) for path in paths}

    def assert_untouched(self) -> None:
        """Nothing was made, removed, written, chowned or mounted over."""
        assert self.look() == self.before


def _look_at(path: str) -> tuple[object, ...]:
    found = os.lstat(path)
    content = ""
    if stat.S_ISREG(found.st_mode):
        with open(path, encoding="utf-8") as file:
            content = file.read()
    return found.st_mode, found.st_uid, found.st_gid, found.st_dev, found.st_ino, content


SETTINGS = [
    f"/proc/sys/{name}"
    for name in (
        "kernel/core_pattern",
        "kernel/modprobe",
        "kernel/sysrq",
        "net/ipv4/ip_forward",
        "vm/overcommit_memory",
    )
    if os.path.exists(f"/proc/sys/{name}")
]


@contextmanager
def unchanged_settings() -> Iterator[None]:
    """Fails if a setting of the kernel that attacks like to change is another one afterwards, and puts it right."""
    before = {path: _read(path) for path in SETTINGS}
    yield
    changed = {path: _read(path) for path in SETTINGS if _read(path) != before[path]}
    for path in changed:
        with open(path, "w", encoding="utf-8") as file:
            file.write(before[path])
    assert not changed


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
