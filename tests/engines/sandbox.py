"""A sandbox for one engine: mount, network and pid namespaces in which it may change what it likes.

Bridges, iptables chains, /run/containerd, network namespaces, mounts and processes of an engine exist in its sandbox
alone, and end with it. Only the control groups are the host's: an engine gets a parent cgroup with the sandbox's token
in its name.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO

from tests.support import cgroup
from tests.support.leaks import mounts_below
from tests.support.poll import eventually
from tests.support.process import COMMANDS, TIMEOUT, Process, Result, pids, read_text, reap
from tests.support.terminal import Terminal

HOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "holder.py")
UNSHARE = ["/usr/bin/unshare", "--mount", "--net", "--pid", "--fork", "--propagation", "private", "--kill-child"]
PATH = "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
# What engines write outside of the folders they are told to use.
PRIVATE = ("/run", "/dev/shm", "/var/lib/containers", "/var/lib/cni", "/etc/containers/networks")
KINDS = ("mnt", "net", "pid")
NUMBERS = itertools.count(1)


class Sandbox:
    """Namespaces that live until ``close()``; ``folder`` is visible inside under the same path."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.token = f"rfe{os.getpid()}x{next(NUMBERS)}"
        self.made: list[str] = [path for path in PRIVATE if _make(path)]
        self._names = itertools.count(1)
        self.popen = subprocess.Popen(
            [*UNSHARE, sys.executable, "-I", "-S", HOLDER, folder, *PRIVATE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": PATH},
        )
        assert self.popen.stdout is not None
        assert self.popen.stdout.readline() == b"ready\n", "no sandbox"
        (self.pid,) = _children(self.popen.pid)
        self.namespaces = _namespaces(self.pid)

    # processes

    def enter(self, words: Sequence[str]) -> list[str]:
        """The command line that runs ``words`` in the sandbox."""
        kinds = [
            f"--{kind}=/proc/{self.pid}/ns/{name}" for kind, name in (("mount", "mnt"), ("net", "net"), ("pid", "pid"))
        ]
        # A working directory from outside would lead out of the mount namespace.
        return ["/usr/bin/nsenter", *kinds, "--", "/usr/bin/env", f"--chdir={self.folder}", *words]

    def spawn(
        self,
        words: Sequence[str],
        *,
        stdin: str | int | IO[bytes] | None = None,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Process:
        """Start ``words`` in the sandbox with ``env`` on top of a PATH."""
        out = self.new_path("out")
        before = {"PATH": PATH, "HOME": self.folder, **(env or {})}
        return Process(
            self.enter(words), out, out + ".err", stdin=stdin, env=before, cwd=self.folder, pass_fds=pass_fds
        )

    def run(
        self, *words: str, stdin: str | int | IO[bytes] | None = None, env: Mapping[str, str] | None = None
    ) -> Result:
        """``spawn`` and wait."""
        return self.spawn(words, stdin=stdin, env=env).wait()

    def spawn_on(
        self, terminal: Terminal, words: Sequence[str], env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start ``words`` in the sandbox in the foreground of ``terminal``."""
        before = {"PATH": PATH, "HOME": self.folder, "TERM": "xterm", **(env or {})}
        return terminal.spawn(self.enter(words), before, self.folder)

    def end(self, process: Process, number: int = signal.SIGTERM) -> Result:
        """End a process that ``spawn`` started by a signal; nsenter(1), its parent, passes none on."""
        for pid in _children(process.pid):
            os.kill(pid, number)
        return process.wait()

    def new_path(self, name: str = "file") -> str:
        """A path in the sandbox's folder that nothing uses yet."""
        return os.path.join(self.folder, f"{name}.{next(self._names)}")

    # what is there

    def outside(self, path: str) -> str:
        """Where the test finds the file that is called ``path`` in the sandbox."""
        return f"/proc/{self.pid}/root{path}"

    def proc(self, pid: int, name: str) -> str:
        """The content of /proc/PID/NAME as the sandbox sees it, "" when the process is gone."""
        return read_text(self.outside(f"/proc/{pid}/{name}"))

    def cgroups_of(self, pid: int) -> dict[str, str]:
        """Folder of the process' cgroup by controller ("" for v2)."""
        found: dict[str, str] = {}
        for line in self.proc(pid, "cgroup").splitlines():
            _, controllers, path = line.split(":", 2)
            for name in controllers.split(","):
                if name in cgroup.hierarchies():
                    found[name] = os.path.normpath(cgroup.hierarchies()[name] + path)
        return found

    def processes(self) -> dict[int, str]:
        """The command line of every live process but the holder."""
        pids = [int(name) for name in os.listdir(self.outside("/proc")) if name.isdigit()]
        lines = {pid: self.proc(pid, "cmdline").replace("\0", " ").strip() for pid in pids if pid != 1}
        return {pid: line for pid, line in lines.items() if line}

    def mounts(self) -> list[str]:
        """Every mount point."""
        return [line.split(" ")[4] for line in read_text(f"/proc/{self.pid}/mountinfo").splitlines()]

    def links(self) -> list[str]:
        """The names of the network devices."""
        return sorted(os.listdir(self.outside("/sys/class/net")))

    def cgroups(self) -> list[str]:
        """Every cgroup of the sandbox below its parent cgroup, in all hierarchies."""
        found = []
        for top in cgroup.folders_named(self.token):
            found += [os.path.join(where, name) for where, names, _ in os.walk(top) for name in names]
        return sorted(set(found))

    # the end

    def close(self) -> list[str]:
        """End everything in the sandbox and say what is left of it on the host after that."""
        assert self.popen.stdin is not None
        self.popen.stdin.close()
        assert eventually(self._has_ended, TIMEOUT), f"the sandbox does not end: {self._inhabitants()}"
        for top in cgroup.folders_named(self.token):
            cgroup.remove(top)
        for path in reversed(self.made):
            with contextlib.suppress(OSError):
                os.rmdir(path)
        processes = [f"process {pid}" for pid in pids() if self.namespaces & _namespaces(pid)]
        return [*processes, *cgroup.folders_named(self.token), *mounts_below(self.folder)]

    def _has_ended(self) -> bool:
        """Whether the last process has.

        The kernel waits for all (pid_namespaces(7)): for one that is frozen on cgroup v1 even with SIGKILL on its way,
        and for one that became our child when its nsenter was killed.
        """
        for top in cgroup.folders_named(self.token):
            cgroup.thaw(top)
        for pid in self._inhabitants():
            if pid not in COMMANDS:
                reap(pid)
        return self.popen.poll() is not None

    def _inhabitants(self) -> dict[int, str]:
        """What /proc/PID/stat says of every process of the sandbox, zombies included."""
        return {pid: read_text(f"/proc/{pid}/stat") for pid in pids() if self.namespaces & _namespaces(pid, ("pid",))}


def _make(path: str) -> bool:
    """Make the folder, and tell whether that was necessary."""
    if os.path.isdir(path):
        return False
    os.makedirs(path)
    return True


def _namespaces(pid: int, kinds: Sequence[str] = KINDS) -> set[str]:
    try:
        return {os.readlink(f"/proc/{pid}/ns/{kind}") for kind in kinds}
    except OSError:
        return set()


def _children(pid: int) -> list[int]:
    return [int(word) for word in read_text(f"/proc/{pid}/task/{pid}/children").split()]
