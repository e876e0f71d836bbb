"""A bundle: a folder with a root file system and a config.json that a test edits as a plain dict."""

from __future__ import annotations

import json
import os
from typing import Any

from tests.support import config as configs
from tests.support.rootfs import make_rootfs


class Bundle:
    """A bundle on disk. ``config`` is written by ``write()``, which ``Runtime`` calls before it uses the bundle."""

    def __init__(self, path: str, *, rootfs: bool = True) -> None:
        """Make the folder ``path`` with ``rootfs`` in it (empty when ``rootfs`` is false)."""
        self.path = path
        self.rootfs = os.path.join(path, "rootfs")
        self.config: dict[str, Any] = configs.default_config()
        os.makedirs(self.rootfs, mode=0o755)
        os.chmod(path, 0o755)
        if rootfs:
            make_rootfs(self.rootfs)

    @property
    def process(self) -> dict[str, Any]:
        """``config["process"]``."""
        held: dict[str, Any] = self.config["process"]
        return held

    @property
    def linux(self) -> dict[str, Any]:
        """``config["linux"]``."""
        held: dict[str, Any] = self.config["linux"]
        return held

    @property
    def resources(self) -> dict[str, Any]:
        """``config["linux"]["resources"]``."""
        held: dict[str, Any] = self.linux["resources"]
        return held

    @property
    def mounts(self) -> list[dict[str, Any]]:
        """``config["mounts"]``."""
        held: list[dict[str, Any]] = self.config["mounts"]
        return held

    @property
    def namespaces(self) -> list[dict[str, str]]:
        """``config["linux"]["namespaces"]``."""
        held: list[dict[str, str]] = self.linux["namespaces"]
        return held

    @property
    def env(self) -> list[str]:
        """``config["process"]["env"]``."""
        held: list[str] = self.process["env"]
        return held

    def args(self, *words: str) -> None:
        """Let the container run ``words``."""
        self.process["args"] = list(words)

    def sh(self, script: str) -> None:
        """Let the container run ``script`` in a shell."""
        self.args("sh", "-c", script)

    def sleep(self) -> None:
        """Let the container be one process that does nothing until it is killed."""
        self.args("sleep", "1000")

    def mount(self, destination: str, kind: str, source: str, *options: str) -> None:
        """Add one entry to ``mounts``."""
        self.mounts.append(configs.mount(destination, kind, source, *options))

    def bind(self, source: str, destination: str, *options: str) -> None:
        """Add a bind mount."""
        self.mount(destination, "bind", source, "bind", *options)

    def namespace(self, kind: str, path: str | None = None) -> None:
        """Add the namespace, or change its path; new when ``path`` is None."""
        self.drop_namespace(kind)
        self.namespaces.append({"type": kind} if path is None else {"type": kind, "path": path})

    def drop_namespace(self, kind: str) -> None:
        """Share the namespace with the host."""
        self.linux["namespaces"] = [entry for entry in self.namespaces if entry["type"] != kind]

    def user_namespace(self, host_id: int = 100000, size: int = 65536) -> None:
        """Give the container a user namespace of its own and the root file system to its root."""
        self.namespace("user")
        for key in ("uidMappings", "gidMappings"):
            self.linux[key] = [{"containerID": 0, "hostID": host_id, "size": size}]
        for folder, folders, files in os.walk(self.rootfs):
            for name in [".", *folders, *files]:
                os.chown(os.path.join(folder, name), host_id, host_id, follow_symlinks=False)

    def hook(self, kind: str, *args: str, **more: Any) -> None:
        """Add a hook of ``kind`` that runs ``args``; ``more`` are further members of its entry."""
        entry = {"path": args[0], "args": list(args), **more}
        self.config.setdefault("hooks", {}).setdefault(kind, []).append(entry)

    def file(self, name: str, text: str = "", mode: int = 0o644) -> str:
        """Write ``text`` to ``name`` in the root file system and return its path on the host."""
        path = os.path.join(self.rootfs, name.lstrip("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def write(self) -> None:
        """Write config.json."""
        self.write_text(json.dumps(self.config, indent=1))

    def write_text(self, text: str) -> None:
        """Write config.json as ``text``, which need not be JSON."""
        with open(os.path.join(self.path, "config.json"), "w", encoding="utf-8") as file:
            file.write(text)
