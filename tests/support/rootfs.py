"""A busybox root file system, cheap enough to be made for every test."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess

BUSYBOX = "/bin/busybox"
FOLDERS = ("bin", "dev", "etc", "home", "lib", "mnt", "proc", "root", "run", "sys", "usr", "var")
PASSWD = (
    "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nalice:x:1000:1000::/home/alice:/bin/sh\n"
)
GROUP = "root:x:0:\ndaemon:x:1:\nalice:x:1000:\nextra:x:1001:alice\n"


@functools.cache
def applets() -> tuple[str, ...]:
    """The names busybox answers to."""
    listed = subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True)
    return tuple(name for name in listed.stdout.split() if name != "busybox")


def make_rootfs(path: str) -> None:
    """Fill the new folder ``path`` with busybox (a copy of its own), its applets, /etc/passwd and empty folders."""
    for name in FOLDERS:
        os.makedirs(os.path.join(path, name), mode=0o755)
    os.mkdir(os.path.join(path, "tmp"))
    os.chmod(os.path.join(path, "tmp"), 0o1777)
    shutil.copyfile(BUSYBOX, os.path.join(path, "bin/busybox"))
    os.chmod(os.path.join(path, "bin/busybox"), 0o755)
    # 400 symlinks take 140 ms on ext4, which makes an inode for each; links to one file take 5 ms.
    for name in applets():
        os.link(os.path.join(path, "bin/busybox"), os.path.join(path, "bin", name))
    _write(os.path.join(path, "etc/passwd"), PASSWD)
    _write(os.path.join(path, "etc/group"), GROUP)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
