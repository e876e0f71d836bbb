"""Old documents, and their conversion on a machine that never changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ringfence.errors import RingfenceError
from ringfence.spec.upgrade import Node, Surroundings, Upgraded, upgrade

HERE = Path(__file__).parent
PASSWD = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\nalice:x:1000:1001::/home/alice:/bin/sh\n"
GROUP = "root:x:0:\ndaemon:x:1:\nalice:x:1001:\nextra:x:1005:alice,bob\n"


def device(name: str) -> Node:
    if name == "net/tun":
        return Node("c", 10, 200, 0o660, 0, 5)
    raise RingfenceError(f"linux.devices: /dev/{name}: no such file or directory", field="/linux/devices")


def here(**changes: Any) -> Surroundings:
    """An amd64 machine on cgroup v1."""
    files = {"/etc/passwd": PASSWD, "/etc/group": GROUP}
    return Surroundings(
        **{"machine": "x86_64", "device": device, "container_file": lambda name: files.get(name, ""), **changes}
    )


def sample() -> dict[str, Any]:
    """The config.json of the README of runc v0.0.3."""
    held: dict[str, Any] = json.loads((HERE / "sample.json").read_text())
    return held


def pre_draft(**changes: Any) -> dict[str, Any]:
    """A small pre-draft document; ``linux`` and ``process`` are merged, all else replaced."""
    held = {
        "version": "pre-draft",
        "process": {"args": ["sh"], "env": ["PATH=/bin"]},
        "root": {"path": "rootfs"},
        "mounts": [],
        "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}]},
    }
    for name, value in changes.items():
        merged = isinstance(value, dict) and isinstance(held.get(name), dict)
        held[name] = {**held[name], **value} if merged else value  # type: ignore[dict-item]
    return held


def rc(version: str = "1.0.0-rc5", **changes: Any) -> dict[str, Any]:
    """A small document of a release candidate."""
    held = pre_draft(**changes)
    del held["version"]
    return {"ociVersion": version, **held}


def converted(document: dict[str, Any], runtime: Any = None, **surroundings: Any) -> dict[str, Any]:
    """The 1.x document."""
    return full(document, runtime, **surroundings).document


def full(document: dict[str, Any], runtime: Any = None, **surroundings: Any) -> Upgraded:
    """The whole result."""
    return upgrade(document, here(**surroundings), runtime)


def warned(document: dict[str, Any], runtime: Any = None, **surroundings: Any) -> list[str]:
    """The warnings, each as its place and text."""
    return [f"{where}: {text}" for where, text in full(document, runtime, **surroundings).warnings]
