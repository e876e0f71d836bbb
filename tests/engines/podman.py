"""podman with the runtime under test as its runtime."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
from collections.abc import Mapping, Sequence

from tests.engines.engine import RUNTIME, Engine, Stdin, find_program
from tests.engines.sandbox import Sandbox
from tests.support.process import Process
from tests.support.runtime import BINARY
from tests.support.terminal import Terminal

CONFIG = """
[containers]
default_ulimits = {ulimits}
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "{name}"
runtime_supports_json = ["{name}"]
[engine.runtimes]
{name} = ["{binary}"]
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
            file.write(CONFIG.format(name=RUNTIME, binary=BINARY, ulimits=json.dumps(ulimits())))

    def words(self) -> list[str]:
        return [self.client, "--root", f"{self.folder}/root", "--network-config-dir", f"{self.folder}/networks"]

    def env(self) -> dict[str, str]:
        # Podman 5 complains about cgroup v1 on standard error.
        return {"CONTAINERS_CONF": self.config, "PODMAN_IGNORE_CGROUPSV1_WARNING": "1"}

    def spawn(
        self, *words: str, stdin: Stdin = None, env: Mapping[str, str] | None = None, pass_fds: Sequence[int] = ()
    ) -> Process:
        return super().spawn(*self.placed(words), stdin=stdin, env=env, pass_fds=pass_fds)

    def spawn_on(self, terminal: Terminal, *words: str) -> subprocess.Popen[bytes]:
        return super().spawn_on(terminal, *self.placed(words))

    def placed(self, words: Sequence[str]) -> list[str]:
        """The words with the sandbox's parent cgroup, which has no place in containers.conf."""
        at = {"run": 1, "create": 1, "pod": 2}.get(words[0], 0)
        if words[at - 1] not in ("run", "create") or "--pod" in words:
            return list(words)
        return [*words[:at], "--cgroup-parent", f"/{self.sandbox.token}", *words[at:]]

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
