"""Mounts on the host for tests that bind them into a container."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.leaks import mounts_below


def mount(*words: str) -> None:
    """mount(8).

    Raises:
        subprocess.CalledProcessError: when it fails.
    """
    subprocess.run(["mount", *words], check=True)


@contextmanager
def mounted(path: str, options: str = "rw", sub_options: str = "rw", propagation: str = "private") -> Iterator[str]:
    """A tmpfs at the new folder ``path`` with another one on its folder ``sub``; both hold a file ``mark``.

    Every mount at or below ``path`` is gone afterwards.
    """
    os.makedirs(path)
    try:
        mount("-t", "tmpfs", "-o", "mode=755", "tree", path)
        mount(f"--make-{propagation}", path)
        _fill(path)
        os.mkdir(os.path.join(path, "sub"))
        mount("-t", "tmpfs", "-o", "mode=755", "sub", os.path.join(path, "sub"))
        _fill(os.path.join(path, "sub"))
        mount("-o", f"remount,bind,{sub_options}", os.path.join(path, "sub"))
        mount("-o", f"remount,bind,{options}", path)
        yield path
    finally:
        for point in mounts_below(path):
            subprocess.run(["umount", point], check=True)


def _fill(path: str) -> None:
    with open(os.path.join(path, "mark"), "w", encoding="utf-8") as file:
        file.write(os.path.basename(path))
