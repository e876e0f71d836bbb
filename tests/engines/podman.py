"""podman with the runtime under test as its runtime."""

from __future__ import annotations

import json
import os
import re
import resource

from tests.engines.engine import MACHINES, RUNTIME, Engine, find_program
from tests.engines.sandbox import Sandbox
from tests.support.runtime import BINARY

CONFIG = """
[containers]
default_ulimits = {ulimits}
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "{name}"
runtime_supports_json = ["{name}", "{machines}"]
[engine.runtimes]
{name} = ["{binary}"]
{machines} = ["{link}"]
"""
# Where runtimes keep their state when nobody tells them; podman does not.
STATE_ROOTS = ("/run/ringfence", "/run/runc", "/run/crun")
OF_CONTAINERS = re.compile(r"/merged$|/userdata/shm$|/netns/")


class Podman(Engine):
    """A podman with its own storage and networks."""

    name = "podman"

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.client = find_program("podman")
        self.folder = os.path.join(sandbox.folder, "podman")
        os.makedirs(f"{self.folder}/networks")
        self.config = os.path.join(self.folder, "containers.conf")
        with open(self.config, "w", encoding="utf-8") as file:
            names = {"name": RUNTIME, "binary": BINARY, "machines": MACHINES, "link": self.link}
            file.write(CONFIG.format(**names, ulimits=json.dumps(ulimits())))

    def words(self) -> list[str]:
        places = ["--root", f"{self.folder}/root", "--network-config-dir", f"{self.folder}/networks"]
        return [self.client, "--runtime", self.runtime, *places]

    def env(self) -> dict[str, str]:
        # Podman 5 complains about cgroup v1 on standard error.
        return {"CONTAINERS_CONF": self.config, "PODMAN_IGNORE_CGROUPSV1_WARNING": "1"}

    def creating(self) -> list[str]:
        """The sandbox's parent cgroup, which has no place in containers.conf."""
        return ["--cgroup-parent", f"/{self.sandbox.token}"]

    def remove_words(self) -> list[str]:
        return ["rm", "--force", "--volumes", "--time", "0"]

    def leftovers(self) -> list[str]:
        return [
            *(f"process {line}" for line in self.sandbox.processes().values()),
            *(f"mount {point}" for point in self.sandbox.mounts() if OF_CONTAINERS.search(point)),
            # podman 4.3 forgets the cgroups of pods in hierarchies that it does not know, such as name=systemd.
            *(f"cgroup {path}" for path in self.sandbox.cgroups() if "/libpod-" in path),
            *(f"network device {name}" for name in self.sandbox.links() if name.startswith("veth")),
            *(line for root in STATE_ROOTS for line in self.state_folders(root)),
        ]


def ulimits() -> list[str]:
    """podman's default limits, lowered to what a process without CAP_SYS_RESOURCE may ask for."""
    kinds = (("nofile", resource.RLIMIT_NOFILE, 1048576), ("nproc", resource.RLIMIT_NPROC, 4194304))
    found = []
    for name, number, wanted in kinds:
        hard = resource.getrlimit(number)[1]
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        found.append(f"{name}={limit}:{limit}")
    return found
