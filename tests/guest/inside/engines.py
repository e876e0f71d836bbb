"""Podman and containerd of the guest with the runtime under test, under systemd's manager of cgroups."""

from __future__ import annotations

import os
import shlex
import signal
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
cgroup_manager = "systemd"
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

START = """\
set -e
mount -t tmpfs tmpfs /run/containerd
echo $$ >{folder}/data/pid.new
mv {folder}/data/pid.new {folder}/data/pid
exec containerd --config {folder}/config.toml
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

    def __init__(self, folder: str, *, user: bool):
        self.folder, self.user = folder, user
        self.config = f"{folder}/containers.conf"
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONTAINERS.format(binary=BINARY))
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
    """A containerd. Calling it runs ctr: ``containerd("tasks", "ls")``.

    That of the ordinary user is root in a user namespace of his, with his subordinate ids and its own /run/containerd:
    what rootlesskit makes, which trixie has too, without a network.
    """

    def __init__(self, folder: str, *, user: bool):
        self.folder, self.user = folder, user
        with open(f"{folder}/config.toml", "w", encoding="utf-8") as file:
            file.write(CONTAINERD.format(folder=f"{folder}/data"))
        os.mkdir(f"{folder}/data")
        with open(f"{folder}/log", "wb") as log:
            words = self.daemon_of_user() if user else ["containerd", "--config", f"{folder}/config.toml"]
            self.daemon = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def daemon_of_user(self) -> list[str]:
        """What starts the daemon of the ordinary user. The script is a file, since systemd-run expands what has a $."""
        os.chown(f"{self.folder}/data", USER, USER)
        os.makedirs("/run/containerd", exist_ok=True)
        with open(f"{self.folder}/start", "w", encoding="utf-8") as file:
            file.write(START.format(folder=self.folder))
        return ["as-user", "unshare", "--map-root-user", "--map-auto", "--mount", "sh", f"{self.folder}/start"]

    def __call__(self, *words: str) -> Result:
        """Run ctr with these words, where the daemon is."""
        return call([*self.inside(), "ctr", "--address", f"{self.folder}/data/containerd.sock", *words], self.folder)

    def answers(self) -> bool:
        """Whether the daemon can be spoken with.

        Raises:
            AssertionError: it has ended.
        """
        with open(f"{self.folder}/log", encoding="utf-8", errors="replace") as log:
            assert self.daemon.poll() is None, log.read()[-2000:]
        return self("version").code == 0

    def inside(self) -> list[str]:
        """What goes before a command that joins the daemon's namespaces."""
        if not self.user:
            return []
        if not os.path.exists(f"{self.folder}/data/pid"):
            return ["false"]
        return ["as-user", "nsenter", f"--target={self.pid()}", "--user", "--mount", "--preserve-credentials"]

    def pid(self) -> int:
        """The pid of the ordinary user's daemon."""
        with open(f"{self.folder}/data/pid", encoding="ascii") as file:
            return int(file.read())

    def managed(self, name: str) -> list[str]:
        """The options that put a container under a scope of systemd's."""
        where = f"{self.slice}:ringfence:{name}"
        return ["--runc-binary", BINARY, "--runc-systemd-cgroup", "--cgroup", where]

    def run(self, name: str, *words: str, options: Sequence[str] = ()) -> Result:
        """A container under a scope of systemd's."""
        return self("run", *self.managed(name), *options, NAME, name, *words)

    def run_on_terminal(self, name: str, *words: str) -> Result:
        """The same with a terminal, which script(1) gives ctr, and removed in the end."""
        address = f"{self.folder}/data/containerd.sock"
        ctr = ["ctr", "--address", address, "run", "--rm", "--tty", *self.managed(name), NAME, name, *words]
        script = ["script", "--quiet", "--return", "--command", shlex.join(ctr), "/dev/null"]
        return call([*self.inside(), *script], self.folder)

    @property
    def slice(self) -> str:
        """Where the scopes are."""
        return "user.slice" if self.user else "system.slice"

    def stop(self) -> None:
        """End the daemon."""
        if self.user:
            os.kill(self.pid(), signal.SIGTERM)
        else:
            self.daemon.terminate()
        self.daemon.wait()
