"""containerd, driven by ctr, with the runtime under test behind containerd's own shim for runc."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
from collections.abc import Callable, Sequence

from tests.engines.engine import FOREVER, Stdin, containers_in, find_program
from tests.engines.sandbox import Sandbox
from tests.support.image import NAME
from tests.support.poll import wait_until
from tests.support.process import Process, Result, read_text
from tests.support.runtime import BINARY
from tests.support.terminal import Terminal

CONFIG = """
version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = [{disabled}]
[grpc]
address = "{folder}/containerd.sock"
[ttrpc]
address = "{folder}/containerd.sock.ttrpc"
"""
# Not needed here, and each complains or takes its time on one machine or another.
DISABLED = (
    "io.containerd.grpc.v1.cri",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.snapshotter.v1.aufs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.internal.v1.opt",
)


END = "-- end --\n"


def gated(script: str) -> str:
    """The script in a shell that, after it, waits for a line of input before it ends with the script's exit status.

    ctr gives up the output of a program that ends before ctr has opened its ends of the FIFOs, with every runtime.
    """
    mark = END.rstrip("\n")
    return f"( {script}\n ); code=$?; echo '{mark}'; echo '{mark}' >&2; read line; exit $code"


class Gated:
    """A client of a ``gated`` script: ``result()`` lets it end once all of its output has arrived."""

    def __init__(self, spawn: Callable[[int], Process]) -> None:
        reader, self.writer = os.pipe()
        self.process = spawn(reader)
        os.close(reader)

    def complete(self) -> bool:
        """Whether all output has arrived, or the client has ended without."""
        ends = [read_text(path).endswith(END) for path in (self.process.out, self.process.err)]
        return all(ends) or not self.process.running()

    def result(self) -> Result:
        """The result without the marks."""
        wait_until(self.complete, f"all output of {self.process.popen.args!r}")
        with contextlib.suppress(BrokenPipeError):
            os.write(self.writer, b"\n")
        os.close(self.writer)
        found = self.process.wait()
        return Result(found.code, found.out.removesuffix(END), found.err.removesuffix(END))


class Containerd:
    """A containerd with its own root, state and socket. Calling it runs ctr: ``containerd("tasks", "ls")``."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.client = find_program("ctr")
        self.namespace = sandbox.token
        self.folder = os.path.join(sandbox.folder, "containerd")
        self.state_root = f"/run/containerd/runc/{self.namespace}"
        self.binary = BINARY
        self._names = itertools.count(1)
        os.mkdir(self.folder)
        self.config = os.path.join(self.folder, "config.toml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(folder=self.folder, disabled=", ".join(f'"{name}"' for name in DISABLED)))
        self.daemon = self._start()

    # the daemon

    def _start(self) -> Process:
        daemon = self.sandbox.spawn([find_program("containerd"), "--config", self.config])
        wait_until(lambda: self._ready(daemon), f"containerd, see {daemon.err}")
        return daemon

    def _ready(self, daemon: Process) -> bool:
        assert daemon.running(), f"containerd ended: {read_text(daemon.err)[-2000:]}"
        return self("version").code == 0

    @property
    def pid(self) -> int:
        """The daemon's pid in the sandbox."""
        (pid,) = (
            pid for pid, line in self.sandbox.processes().items() if line.startswith(find_program("containerd") + " ")
        )
        return pid

    def stop(self, signal: str = "TERM") -> None:
        """End the daemon; containers go on."""
        self.sandbox.run("kill", f"-{signal}", str(self.pid)).ok()
        self.daemon.wait()

    def start(self) -> None:
        """Start the daemon again."""
        self.daemon = self._start()

    def kill_shim(self, id: str) -> None:
        """SIGKILL the shim of a container."""
        shims = [
            pid for pid, line in self.sandbox.processes().items() if "containerd-shim" in line and f"-id {id} " in line
        ]
        self.sandbox.run("kill", "-KILL", *(str(pid) for pid in shims)).ok()

    # the client

    def words(self) -> list[str]:
        """The client and the options that lead it to this containerd."""
        return [self.client, "--address", f"{self.folder}/containerd.sock", "--namespace", self.namespace]

    def __call__(self, *words: str, stdin: Stdin = None) -> Result:
        """Run the client with these words."""
        return self.spawn(*words, stdin=stdin).wait()

    def spawn(self, *words: str, stdin: Stdin = None) -> Process:
        """Start the client and do not wait."""
        return self.sandbox.spawn([*self.words(), *words], stdin=stdin)

    def spawn_on(self, terminal: Terminal, *words: str) -> subprocess.Popen[bytes]:
        """Start the client in the foreground of a terminal."""
        return self.sandbox.spawn_on(terminal, [*self.words(), *words])

    def seen(self, client: Process) -> str:
        """What a client that still runs has printed."""
        return read_text(client.out)

    # containers

    def new_id(self) -> str:
        """An id that nothing uses yet."""
        return f"c{next(self._names)}"

    def run_words(self, *options: str, words: Sequence[str], id: str) -> list[str]:
        """The words for ``ctr run`` with the runtime under test."""
        return ["run", "--runc-binary", self.binary, *options, NAME, id, *words]

    def run(self, *options: str, words: Sequence[str], stdin: Stdin = None) -> Result:
        """``ctr run --rm`` in the foreground."""
        return self(*self.run_words("--rm", *options, words=words, id=self.new_id()), stdin=stdin)

    def sh(self, script: str, *options: str) -> Result:
        """``run`` of a shell with ``script``, which gets no input."""
        return self.gated_run(script, *options).result()

    def gated_run(self, script: str, *options: str) -> Gated:
        """``run`` of a shell that ends when its output has arrived."""
        words = self.run_words("--rm", *options, words=["sh", "-c", gated(script)], id=self.new_id())
        return Gated(lambda stdin: self.spawn(*words, stdin=stdin))

    def started(self, *options: str, script: str = FOREVER) -> Task:
        """A container in the background that runs a shell with ``script``; its output goes to a file."""
        id = self.new_id()
        log = self.sandbox.new_path("log")
        log_option = ["--log-uri", f"file://{log}"]
        self(*self.run_words("--detach", *log_option, *options, words=["sh", "-c", script], id=id)).ok()
        return Task(self, id, log)

    def running(self, *options: str) -> Task:
        """A container that runs until it is killed and has got as far as setting its trap."""
        task = self.started(*options)
        task.wait_log("up")
        return task

    def remove_all(self) -> None:
        """Remove every task and container."""
        for id in self("tasks", "ls", "--quiet").ok().out.split():
            self("tasks", "delete", "--force", id)
        for id in self("containers", "ls", "--quiet").ok().out.split():
            self("containers", "delete", id).ok()

    # what is there

    def leftovers(self) -> list[str]:
        """One line for everything that containers bring along."""
        return [
            *(f"process {line}" for pid, line in self.sandbox.processes().items() if pid != self.pid),
            *(f"mount {point}" for point in self.sandbox.mounts() if self.folder in point),
            *(f"cgroup {path}" for path in self.sandbox.cgroups()),
            *(f"state folder {name}" for name in containers_in(self.sandbox.outside(self.state_root))),
        ]


class Task:
    """A container of ``containerd`` whose output goes to the file ``log``."""

    def __init__(self, containerd: Containerd, id: str, log: str) -> None:
        self.containerd = containerd
        self.id = id
        self.log = log

    def output(self) -> str:
        """What it has written so far."""
        return read_text(self.log)

    def wait_log(self, text: str) -> str:
        """The output, once it holds ``text``.

        Raises:
            AssertionError: when that does not happen.
        """
        wait_until(lambda: text in self.output(), f"{text!r} in {self.output()!r}")
        return self.output()

    def row(self) -> list[str]:
        """Its line in ``ctr tasks ls``: id, pid, status; empty when there is none."""
        rows = [line.split() for line in self.containerd("tasks", "ls").ok().out.splitlines()]
        return next((row for row in rows if row[0] == self.id), [])

    @property
    def status(self) -> str:
        """``RUNNING``, ``PAUSED``, ``STOPPED`` or ``""``."""
        return (self.row() or ["", "", ""])[2]

    @property
    def pid(self) -> int:
        """The pid of its process 1, in the sandbox."""
        return int(self.row()[1])

    def wait_status(self, status: str) -> None:
        """Return as soon as its status is that.

        Raises:
            AssertionError: when that does not happen.
        """
        wait_until(lambda: self.status == status, f"status {status}, which is {self.status}")

    def exec(self, *words: str, options: Sequence[str] = (), stdin: Stdin = None) -> Result:
        """``ctr tasks exec`` with an exec id of its own."""
        name = self.containerd.new_id()
        return self.containerd("tasks", "exec", "--exec-id", name, *options, self.id, *words, stdin=stdin)

    def sh(self, script: str, *options: str) -> Result:
        """``exec`` of a shell with ``script``, which gets no input."""
        name = self.containerd.new_id()
        words = ["tasks", "exec", "--exec-id", name, *options, self.id, "sh", "-c", gated(script)]
        return Gated(lambda stdin: self.containerd.spawn(*words, stdin=stdin)).result()

    def delete(self) -> int:
        """Delete it and return its exit status, which ctr 1.6 only tells in words."""
        result = self("delete")
        told = result.err.rpartition("exit code ")[2].rstrip('"\n')
        return int(told) if told.isdigit() else result.code

    def __call__(self, verb: str, *options: str) -> Result:
        """Run a verb of ``ctr tasks`` on it: ``task("kill", "--signal", "KILL")``."""
        return self.containerd("tasks", verb, *options, self.id)
