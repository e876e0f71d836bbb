"""What docker and podman have in common: one command line, containers, images."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from tests.engines.sandbox import PATH, Sandbox
from tests.support import cgroup
from tests.support.image import NAME
from tests.support.poll import eventually, wait_until
from tests.support.process import Process, Result
from tests.support.runtime import BINARY
from tests.support.terminal import Terminal

RUNTIME = "ringfence"
MACHINES = "ringfence-microvm"
"""The name by which the runtime gives every container a machine of its own."""
# Ends at SIGTERM although it is process 1; "up" tells that the trap is set.
FOREVER = "trap 'exit 0' TERM; echo up; while :; do sleep 1000 & wait $!; done"

Stdin = str | int | IO[bytes] | None


def find_program(*names: str) -> str:
    """The first of these programs that there is, a path or a name on ``PATH``; "" when there is none."""
    folders = PATH.split(":")
    paths = [path for name in names for path in ([name] if "/" in name else [f"{f}/{name}" for f in folders])]
    return next((path for path in paths if os.access(path, os.X_OK)), "")


def missing(*programs: str) -> list[str]:
    """Which of these programs are not installed, and the runtime if it has not been built."""
    absent = [name for name in programs if not find_program(name)]
    return absent if os.access(BINARY, os.X_OK) else [*absent, BINARY]


class Engine:
    """An engine in a sandbox. Calling it runs its client: ``engine("ps", "-a")``."""

    name = ""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.kept: set[str] = set()
        self.runtime = RUNTIME
        self.link = os.path.join(sandbox.folder, MACHINES)
        if not os.path.islink(self.link):
            os.symlink(BINARY, self.link)

    def words(self) -> list[str]:
        """The client and the options that lead it to this engine."""
        raise NotImplementedError

    def env(self) -> dict[str, str]:
        """What the client needs in its environment."""
        return {}

    def creating(self) -> list[str]:
        """The options that every new container is made with."""
        return []

    def placed(self, words: Sequence[str]) -> list[str]:
        """The words with the options of a new container where they make one."""
        at = {"run": 1, "create": 1, "pod": 2}.get(words[0], 0)
        if words[at - 1] not in ("run", "create") or "--pod" in words:
            return list(words)
        return [*words[:at], *self.creating(), *words[at:]]

    # the client

    def __call__(self, *words: str, stdin: Stdin = None, env: Mapping[str, str] | None = None) -> Result:
        """Run the client with these words."""
        return self.spawn(*words, stdin=stdin, env=env).wait()

    def spawn(
        self, *words: str, stdin: Stdin = None, env: Mapping[str, str] | None = None, pass_fds: Sequence[int] = ()
    ) -> Process:
        """Start the client and do not wait."""
        every = {**self.env(), **(env or {})}
        return self.sandbox.spawn([*self.words(), *self.placed(words)], stdin=stdin, env=every, pass_fds=pass_fds)

    def spawn_on(self, terminal: Terminal, *words: str) -> subprocess.Popen[bytes]:
        """Start the client in the foreground of a terminal."""
        return self.sandbox.spawn_on(terminal, [*self.words(), *self.placed(words)], self.env())

    # containers

    def sh(self, script: str, *options: str, stdin: Stdin = None) -> Result:
        """``run --rm`` a shell with ``script`` in a new container."""
        return self("run", "--rm", *options, NAME, "sh", "-c", script, stdin=stdin)

    def started(self, *options: str, script: str = FOREVER) -> Container:
        """A container that runs a shell with ``script`` in the background."""
        result = self("run", "--detach", *options, NAME, "sh", "-c", script).ok()
        return Container(self, result.out.strip())

    def running(self, *options: str) -> Container:
        """A container that runs until it is stopped and has got as far as setting its trap."""
        container = self.started(*options)
        container.wait_log("up")
        return container

    def ids(self) -> list[str]:
        """Every container there is."""
        return self("ps", "--all", "--quiet", "--no-trunc").ok().out.split()

    def remove_all(self) -> None:
        """Remove the containers that are not in ``kept``."""
        gone = [id for id in self.ids() if id not in self.kept]
        if gone:
            self(*self.remove_words(), *gone).ok()

    def remove_words(self) -> list[str]:
        """What removes containers with their volumes and without waiting for their programs to end."""
        return ["rm", "--force", "--volumes"]

    # what is there

    def leftovers(self) -> list[str]:
        """One line for everything that containers bring along: processes, mounts, cgroups, devices, state folders."""
        raise NotImplementedError

    def state_folders(self, root: str) -> list[str]:
        """The containers that the runtime has below a state root."""
        return [f"state folder {root}/{name}" for name in containers_in(self.sandbox.outside(root))]


def containers_in(root: str) -> list[str]:
    """The names in a state root; what starts with "@", as no container's id can, is the runtime's own cache."""
    names = os.listdir(root) if os.path.isdir(root) else []
    return sorted(name for name in names if not name.startswith("@"))


class Container:
    """A container of ``engine``."""

    def __init__(self, engine: Engine, id: str) -> None:
        self.engine = engine
        self.id = id

    def inspect(self, template: str) -> str:
        """What the Go template gives for it."""
        return self.engine("inspect", "--type", "container", "--format", template, self.id).ok().out.strip()

    @property
    def status(self) -> str:
        """``created``, ``running``, ``paused``, ``exited``..."""
        return self.inspect("{{.State.Status}}")

    @property
    def pid(self) -> int:
        """The pid of its process 1, in the sandbox."""
        return int(self.inspect("{{.State.Pid}}"))

    @property
    def exit_code(self) -> int:
        """How it ended."""
        return int(self.inspect("{{.State.ExitCode}}"))

    def wait(self) -> int:
        """The exit status, once it has ended."""
        return int(self.engine("wait", self.id).ok().out)

    def wait_status(self, status: str) -> None:
        """Return as soon as its status is that.

        Raises:
            AssertionError: when that does not happen.
        """
        wait_until(lambda: self.status == status, f"status {status}, which is {self.status}")

    def wait_inspect(self, template: str, value: str) -> None:
        """Return as soon as the template gives ``value``.

        Raises:
            AssertionError: when that does not happen.
        """
        wait_until(lambda: self.inspect(template) == value, f"{template} {value}, which is {self.inspect(template)}")

    def logs(self) -> Result:
        """What it has written so far."""
        return self.engine("logs", self.id).ok()

    def wait_log(self, text: str) -> str:
        """Its standard output, once that holds ``text``.

        Raises:
            AssertionError: when that does not happen.
        """
        wait_until(lambda: text in self.logs().out, f"{text!r} in {self.logs()}")
        return self.logs().out

    def exec(self, *words: str, options: Sequence[str] = (), stdin: Stdin = None) -> Result:
        """``exec`` of ``words`` with ``options`` before the id."""
        return self.engine("exec", *options, self.id, *words, stdin=stdin)

    def sh(self, script: str, *options: str, stdin: Stdin = None) -> Result:
        """``exec`` of a shell with ``script``."""
        return self.exec("sh", "-c", script, options=options, stdin=stdin)

    def cgroup(self, controller: str) -> str:
        """The folder of its cgroup in the hierarchy of ``controller`` ("" is v2, which is what there is without v1)."""
        folders = self.engine.sandbox.cgroups_of(self.pid)
        return folders.get(controller) or folders[""]

    def frozen(self) -> bool:
        """Whether the kernel has its processes frozen."""
        folder = self.cgroup("freezer")
        if os.path.exists(f"{folder}/freezer.state"):
            return cgroup.read(folder, "freezer.state") == "FROZEN"
        return "frozen 1" in cgroup.read(folder, "cgroup.events")

    def ended(self, pid: int) -> bool:
        """Whether the process of the sandbox is gone or a zombie."""
        state = self.engine.sandbox.proc(pid, "stat").rpartition(")")[2].split()[:1]
        return state in ([], ["Z"], ["X"])

    def __call__(self, verb: str, *options: str) -> Result:
        """Run a verb of the client on it: ``container("stop", "--time", "1")``."""
        return self.engine(verb, *options, self.id)


def check_clean(leftovers: Callable[[], list[str]], before: list[str]) -> None:
    """See that there is nothing that was not there ``before``, as soon as the engine has come to rest.

    Raises:
        AssertionError: naming what is there.
    """
    clean = eventually(lambda: not set(leftovers()) - set(before))
    new = [] if clean else sorted(set(leftovers()) - set(before))
    assert not new, "left behind:\n" + "\n".join(new)
