"""A container that lives as far as its record and its files say: a state folder, a process and a made-up cgroup."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from ringfence.cgroups.paths import locate
from ringfence.container.record import CONFIG, ContainerRecord, save_record
from ringfence.container.runtime import Runtime
from ringfence.container.status import start_time
from ringfence.host.facts import Host
from ringfence.resctrl.place import Group

NAME = "web"


class Silent:
    """A log that nobody reads."""

    verbose = False

    def warning(self, text: str) -> None:
        """Drop it."""

    def debug(self, text: str) -> None:
        """Drop it."""


class Living:
    """One container named web below ``root``, on a host whose cgroups are below ``root`` as well."""

    def __init__(self, root: Path, host: Host, linux: dict[str, Any] | None = None, resctrl: Group | None = None):
        self.runtime = Runtime(str(root / "state"), Silent(), {}, str(root))
        self.directory = root / "state" / NAME
        self.directory.mkdir(parents=True)
        self.process = subprocess.Popen(["sleep", "1000"])
        self.record = ContainerRecord(
            str(self.directory),
            NAME,
            "/bundle",
            "/bundle/rootfs",
            "2026-01-01T00:00:00.000000000Z",
            cgroups=locate(host, "/web", NAME),
            pid=self.process.pid,
            start_time=start_time(self.process.pid),
            resctrl=resctrl,
        )
        save_record(self.record)
        config = {
            "ociVersion": "1.3.0",
            "root": {"path": "rootfs"},
            "process": {"cwd": "/", "args": ["sleep"]},
            "linux": {"namespaces": [{"type": "mount"}], **(linux or {})},
        }
        (self.directory / CONFIG).write_text(json.dumps(config))

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
