"""dockerd with the runtime under test as its default runtime."""

from __future__ import annotations

import json
import os

from tests.engines.engine import MACHINES, RUNTIME, Engine, find_program
from tests.engines.sandbox import Sandbox
from tests.support.poll import wait_until
from tests.support.process import Process, read_text
from tests.support.runtime import BINARY

# docker.io's own client first: another one on the machine may be newer than the daemon wants.
CLIENTS = ("/usr/bin/docker", "/usr/local/bin/docker", "docker")
CONTAINERD = "containerd --config "


class Docker(Engine):
    """A dockerd with its own data, socket and containerd."""

    name = "docker"

    def __init__(self, sandbox: Sandbox, **settings: object) -> None:
        super().__init__(sandbox)
        self.further = settings
        self.client = find_program(*CLIENTS)
        self.folder = os.path.join(sandbox.folder, "docker")
        self.socket = f"unix://{self.folder}/docker.sock"
        self.state_roots = [f"{self.folder}/exec/runtime-{name}/moby" for name in (RUNTIME, MACHINES)]
        os.mkdir(self.folder)
        self.config = self._write("daemon.json", json.dumps(self.settings()))
        self.daemon = self._start()

    def settings(self) -> dict[str, object]:
        """The content of daemon.json."""
        return {
            "data-root": f"{self.folder}/data",
            "exec-root": f"{self.folder}/exec",
            "pidfile": f"{self.folder}/docker.pid",
            "hosts": [self.socket],
            "runtimes": {RUNTIME: {"path": BINARY}, MACHINES: {"path": self.link}},
            "default-runtime": RUNTIME,
            "live-restore": True,
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "cgroup-parent": f"/{self.sandbox.token}",
            **self.further,
        }

    def words(self) -> list[str]:
        return [self.client, "--host", self.socket]

    def creating(self) -> list[str]:
        return ["--runtime", self.runtime]

    def env(self) -> dict[str, str]:
        return {"DOCKER_CONFIG": os.path.join(self.folder, "client")}

    # the daemon

    def _write(self, name: str, text: str) -> str:
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def _start(self) -> Process:
        daemon = self.sandbox.spawn([find_program("dockerd"), "--config-file", self.config])
        wait_until(lambda: self.ready(daemon), f"dockerd, see {daemon.err}")
        return daemon

    def ready(self, daemon: Process) -> bool:
        """Whether the daemon answers.

        Raises:
            AssertionError: when it has ended instead.
        """
        assert daemon.running(), f"dockerd ended: {read_text(daemon.err)[-2000:]}"
        return self("version").code == 0

    @property
    def pid(self) -> int:
        """The daemon's pid in the sandbox."""
        return int(read_text(f"{self.folder}/docker.pid"))

    def stop(self) -> None:
        """Let the daemon end as a service manager does, with SIGTERM; containers go on (live restore)."""
        self.sandbox.run("kill", "-TERM", str(self.pid)).ok()
        self.daemon.wait()

    def kill(self) -> None:
        """SIGKILL the daemon and the containerd that it has started."""
        containerd = [pid for pid, line in self.sandbox.processes().items() if line.startswith(CONTAINERD)]
        self.sandbox.run("kill", "-KILL", *(str(pid) for pid in [self.pid, *containerd])).ok()
        self.daemon.wait()

    def start(self) -> None:
        """Start the daemon again."""
        self.daemon = self._start()

    # what is there

    def leftovers(self) -> list[str]:
        own = (find_program("dockerd"), CONTAINERD)
        lines = self.sandbox.processes().values()
        return [
            *(f"process {line}" for line in lines if not line.startswith(own)),
            *(f"mount {point}" for point in self.sandbox.mounts() if self.folder in point and point != self.folder),
            *(f"cgroup {path}" for path in self.sandbox.cgroups()),
            *(f"network device {name}" for name in self.sandbox.links() if name.startswith("veth")),
            *(line for root in self.state_roots for line in self.state_folders(root)),
        ]
