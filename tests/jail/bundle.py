"""Bundles for jails: a root file system of hard links to a template, and a config.json that a test edits as a dict."""

from __future__ import annotations

import json
import os
import shutil
import stat
from typing import Any

FOLDERS = ("bin", "dev", "etc", "lib", "libexec", "mnt", "proc", "tmp", "var")
PASSWD = "root:*:0:0::/root:/bin/sh\nalice:*:1001:1001::/home/alice:/bin/sh\n"


class Bundle:
    """A bundle; ``write`` puts the configuration on disk."""

    def __init__(self, path: str, template: str = "") -> None:
        self.path = path
        self.rootfs = f"{path}/rootfs"
        os.makedirs(self.rootfs, mode=0o755)
        os.chmod(path, 0o755)
        if template:
            link_tree(template, self.rootfs)
        self.config: dict[str, Any] = {
            "ociVersion": "1.3.0",
            "process": {
                "args": ["/bin/sleep", "1000"],
                "cwd": "/",
                "env": ["PATH=/bin"],
                "user": {"uid": 0, "gid": 0},
            },
            "root": {"path": "rootfs"},
            "mounts": [{"destination": "/dev", "type": "devfs", "source": "devfs"}],
            "freebsd": {},
        }

    @property
    def process(self) -> dict[str, Any]:
        """``config["process"]``."""
        held: dict[str, Any] = self.config["process"]
        return held

    @property
    def jail(self) -> dict[str, Any]:
        """``config["freebsd"]["jail"]``, made if it is not there."""
        held: dict[str, Any] = self.config["freebsd"].setdefault("jail", {})
        return held

    @property
    def mounts(self) -> list[dict[str, Any]]:
        """``config["mounts"]``."""
        held: list[dict[str, Any]] = self.config["mounts"]
        return held

    @property
    def resources(self) -> dict[str, Any]:
        """``config["linux"]["resources"]``, made if it is not there."""
        held: dict[str, Any] = self.config.setdefault("linux", {}).setdefault("resources", {})
        return held

    def mount(self, destination: str, kind: str, source: str = "", *options: str) -> None:
        """Add a mount."""
        entry: dict[str, Any] = {"destination": destination, "type": kind, "source": source or kind}
        self.mounts.append({**entry, "options": list(options)} if options else entry)

    def hook(self, kind: str, script: str, **more: Any) -> None:
        """Add a hook that a shell of the host runs (startContainer: of the jail)."""
        entry = {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/bin:/usr/bin"], **more}
        self.config.setdefault("hooks", {}).setdefault(kind, []).append(entry)

    def file(self, name: str, text: str = "", mode: int = 0o644) -> str:
        """Write a file in the root file system; its path on the host."""
        path = f"{self.rootfs}/{name.lstrip('/')}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def write(self) -> None:
        """Write config.json."""
        with open(f"{self.path}/config.json", "w") as file:
            json.dump(self.config, file)


def link_tree(source: str, target: str) -> None:
    """The same tree with hard links for its files."""
    for folder, folders, files in os.walk(source):
        here = target + folder[len(source) :]
        for name in folders:
            if os.path.islink(f"{folder}/{name}"):
                os.symlink(os.readlink(f"{folder}/{name}"), f"{here}/{name}")
            else:
                os.mkdir(f"{here}/{name}", 0o755)
                os.chmod(f"{here}/{name}", stat.S_IMODE(os.stat(f"{folder}/{name}").st_mode))
        for name in files:
            os.link(f"{folder}/{name}", f"{here}/{name}", follow_symlinks=False)


def begin_template(path: str) -> None:
    """The folders of a root file system, and its users."""
    for name in FOLDERS:
        os.makedirs(f"{path}/{name}", mode=0o755)
    os.chmod(f"{path}/tmp", 0o1777)
    with open(f"{path}/etc/passwd", "w") as file:
        file.write(PASSWD)


def copy_program(source: str, target: str) -> None:
    """A program or library with its mode; links stay links."""
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
    elif os.path.isfile(source):
        shutil.copyfile(source, target)
        os.chmod(target, stat.S_IMODE(os.stat(source).st_mode))
