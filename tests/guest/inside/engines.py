"""Podman and containerd of the guest with the runtime under test, under both managers of cgroups."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence

from tests.guest.inside.helpers import USER
from tests.support.image import NAME
from tests.support.process import Result
from tests.support.runtime import BINARY

LONGEST = 300.0

CONTAINERS = """
[containers]
log_driver = "k8s-file"
netns = "none"
[engine]
cgroup_manager = "{manager}"
events_logger = "file"
runtime = "ringfence"
runtime_supports_json = ["ringfence"]
[engine.runtimes]
ringfence = ["{binary}"]
"""
CONTAINERD = """
version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{folder}/containerd.sock"
[ttrpc]
address = "{folder}/containerd.sock.ttrpc"
"""


def call(words: Sequence[str], folder: str) -> Result:
    """Run a command with files for its output, since what it leaves running holds them."""
    paths = [tempfile.mkstemp(dir=folder)[1] for _ in range(2)]
    with open(paths[0], "wb") as out, open(paths[1], "wb") as err:
        ended = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=LONGEST, check=False, cwd="/"
        )
    told = []
    for path in paths:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            told.append(file.read())
    return Result(ended.returncode, *told)


class Podman:
    """A podman of root or of the ordinary user. Calling it runs it: ``podman("ps")``."""

    def __init__(self, folder: str, manager: str, *, user: bool):
        self.folder, self.manager, self.user = folder, manager, user
        self.config = f"{folder}/containers.conf"
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONTAINERS.format(manager=manager, binary=BINARY))
        os.mkdir(f"{folder}/data")
        if user:
            os.chown(f"{folder}/data", USER, USER)

    def __call__(self, *words: str) -> Result:
        """Run podman with these words."""
        before = ["as-user"] if self.user else []
        places = ["--root", f"{self.folder}/data/root", "--runroot", f"{self.folder}/data/run"]
        command = ["env", f"CONTAINERS_CONF={self.config}", "podman", *places, "--storage-driver", "vfs", *words]
        return call([*before, *command], self.folder)

    def sh(self, script: str, *options: str) -> Result:
        """``run --rm`` of a script."""
        return self("run", "--rm", *options, NAME, "sh", "-c", script)

    def sleeping(self, name: str, *options: str) -> str:
        """A container that sleeps; its id."""
        return self("run", "--detach", "--name", name, *options, NAME, "sleep", "10000").ok().out.strip()


class Containerd:
    """A containerd of root. Calling it runs ctr: ``containerd("tasks", "ls")``."""

    def __init__(self, folder: str):
        self.folder = folder
        with open(f"{folder}/config.toml", "w", encoding="utf-8") as file:
            file.write(CONTAINERD.format(folder=folder))
        with open(f"{folder}/log", "wb") as log:
            self.daemon = subprocess.Popen(["containerd", "--config", f"{folder}/config.toml"], stdout=log, stderr=log)

    def __call__(self, *words: str) -> Result:
        """Run ctr with these words."""
        return call(["ctr", "--address", f"{self.folder}/containerd.sock", *words], self.folder)

    def run(self, name: str, *words: str, options: Sequence[str] = ()) -> Result:
        """A container under a scope of systemd's."""
        managed = ("--runc-binary", BINARY, "--runc-systemd-cgroup", "--cgroup", f"system.slice:ringfence:{name}")
        return self("run", *managed, *options, NAME, name, *words)

    def stop(self) -> None:
        """End the daemon."""
        self.daemon.terminate()
        self.daemon.wait()
