"""The runtime under test, as a caller sees it: command lines, exit statuses, output, log records."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import IO, Any

from tests.support.bundle import Bundle
from tests.support.leaks import LeakCheck
from tests.support.poll import wait_for, wait_until
from tests.support.process import Process, Result, alive, read_text, reap

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.path.abspath(os.environ.get("RINGFENCE_BINARY") or os.path.join(REPOSITORY, "bin/ringfence"))
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# runc's first stages write error records of their own before the real one.
RUNC_STAGES = ("nsexec[", "nsexec-0[", "nsexec-1[")
NUMBERS = itertools.count(1)

Stdin = str | int | IO[bytes] | None


def is_runc() -> bool:
    """Whether the binary under test is runc, to tell a test's fault from the runtime's."""
    return os.path.basename(BINARY) == "runc"


class Runtime:
    """A runtime with a state root of its own in ``folder``; every id it gives out holds ``token``.

    ``prefix`` are words put before the binary, such as those of nsenter(1).
    """

    def __init__(self, folder: str, binary: str = BINARY) -> None:
        self.folder = folder
        self.binary = binary
        self.root = os.path.join(folder, "state")
        self.log = os.path.join(folder, "log.json")
        self.token = f"rf{os.getpid()}x{next(NUMBERS)}"
        self.env: dict[str, str] = {"PATH": PATH}
        self.prefix: list[str] = []
        self.leaks = LeakCheck(folder, self.token)
        self._names = itertools.count(1)

    # command lines

    def globals(self) -> list[str]:
        """The global options given when a call names none: the state root and a JSON log file."""
        return ["--root", self.root, "--log", self.log, "--log-format", "json"]

    def spawn(
        self,
        *words: str,
        options: Sequence[str] | None = None,
        stdin: Stdin = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        pass_fds: Sequence[int] = (),
        output: str | None = None,
    ) -> Process:
        """Start the runtime with ``words`` after the global ``options`` (default ``globals()``) and do not wait.

        ``env`` is added to a bare environment; ``output`` is the path standard output goes to, with ``.err`` behind it
        for standard error.
        """
        before = self.globals() if options is None else list(options)
        out = output or self.new_path("out")
        return Process(
            [*self.prefix, self.binary, *before, *words],
            out,
            out + ".err",
            stdin=stdin,
            env={**self.env, **(env or {})},
            cwd=cwd or self.folder,
            pass_fds=pass_fds,
        )

    def run(
        self,
        *words: str,
        options: Sequence[str] | None = None,
        stdin: Stdin = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        pass_fds: Sequence[int] = (),
        output: str | None = None,
    ) -> Result:
        """``spawn`` and wait."""
        started = self.spawn(*words, options=options, stdin=stdin, env=env, cwd=cwd, pass_fds=pass_fds, output=output)
        return started.wait()

    def new_path(self, name: str = "file") -> str:
        """A path in the test's folder that nothing uses yet."""
        return os.path.join(self.folder, f"{name}.{next(self._names)}")

    def new_id(self) -> str:
        """A container id that nothing uses yet."""
        return f"{self.token}-{next(self._names)}"

    # the log

    def log_records(self) -> list[dict[str, Any]]:
        """The records of the JSON log file so far."""
        return [json.loads(line) for line in read_text(self.log).splitlines()]

    def errors(self) -> list[str]:
        """The messages of the error records so far."""
        return [record["msg"] for record in self.log_records() if record["level"] in ("error", "fatal")]

    def last_error(self) -> str:
        """The message of the last error record, "" when there is none; what containerd shows."""
        return (self.errors() or [""])[-1]

    # containers

    def create(self, bundle: Bundle, *options: str, name: str | None = None, **how: Any) -> Container:
        """Write the bundle's config and create a container.

        Raises:
            AssertionError: when the runtime refuses.
        """
        return self._made("create", bundle, options, name, how)

    def run_detached(self, bundle: Bundle, *options: str, name: str | None = None, **how: Any) -> Container:
        """``run --detach``, otherwise as ``create``."""
        return self._made("run", bundle, ("--detach", *options), name, how)

    def _made(
        self, verb: str, bundle: Bundle, options: Sequence[str], name: str | None, how: dict[str, Any]
    ) -> Container:
        bundle.write()
        chosen = name or self.new_id()
        output = how.pop("output", None) or self.new_path("container")
        result = self.run(verb, "--bundle", bundle.path, *options, chosen, output=output, **how)
        assert result.code == 0, (result, self.errors())
        made = Container(self, chosen, output)
        assert made.pid > 0
        return made

    def run_bundle(self, bundle: Bundle, *options: str, name: str | None = None, **how: Any) -> Result:
        """Write the bundle's config and run it in the foreground."""
        bundle.write()
        return self.run("run", "--bundle", bundle.path, *options, name or self.new_id(), **how)

    def started(self, bundle: Bundle, *options: str) -> Container:
        """A container that has been created and started."""
        container = self.create(bundle, *options)
        container.start()
        return container

    def refuses(self, text: str, *words: str, code: int = 1, **how: Any) -> Result:
        """Run ``words`` and see it fail as it should: ``code``, one error record that holds ``text``, its message on
        standard error, and nothing new on the host.
        """
        before = len(self.errors())
        old = self.leaks.snapshot(), self.ids()
        result = self.run(*words, **how)
        errors = [text for text in self.errors()[before:] if not text.startswith(RUNC_STAGES)]
        assert result.code == code, (result, errors)
        assert len(errors) == 1, errors
        assert text in errors[0], errors[0]
        assert errors[0].strip() in result.err, result
        assert "internal error" not in errors[0], errors[0]
        assert "\n" not in errors[0].strip(), errors[0]
        wait_until(lambda: (self.leaks.snapshot(), self.ids()) == old, f"{old} and nothing more", 5.0)
        return result

    def refuses_bundle(self, text: str, bundle: Bundle, *options: str, verb: str = "create", **how: Any) -> Result:
        """``refuses`` for ``create`` (or ``run``) of this bundle under a new id."""
        bundle.write()
        return self.refuses(text, verb, "--bundle", bundle.path, *options, self.new_id(), **how)

    def ids(self) -> list[str]:
        """Names of the state folders there are."""
        if not os.path.isdir(self.root):
            return []
        # No id can hold an @: @cache keeps compiled filters and belongs to the root, not to a container.
        names = [name for name in os.listdir(self.root) if not name.startswith("@")]
        return sorted(name for name in names if os.path.isdir(os.path.join(self.root, name)))

    def container(self, name: str) -> Container:
        """The container of that id, which need not exist."""
        return Container(self, name, self.new_path("container"))

    # the end

    def close(self) -> list[str]:
        """Delete the containers that are left, and say what is still there after that."""
        for name in self.ids():
            process = self.spawn("delete", "--force", name)
            # The kernel ends a pid namespace's init after all others in it have been waited for; exec'd ones are ours.
            while process.running():
                self.leaks.reap()
                time.sleep(0.005)
            process.wait()
        left = [f"state folder {name}" for name in self.ids()] + self.leaks.settled()
        self.leaks.remove()
        return left


class Container:
    """A container of ``runtime``; ``output_path`` is the file that is its standard output."""

    def __init__(self, runtime: Runtime, name: str, output_path: str) -> None:
        self.runtime = runtime
        self.id = name
        self.output_path = output_path
        self._pid = 0

    @property
    def state_folder(self) -> str:
        """Where the runtime keeps what it knows of it."""
        return os.path.join(self.runtime.root, self.id)

    @property
    def pid(self) -> int:
        """The init's pid; it stays known here after the container has stopped, when ``state`` says 0."""
        self._pid = self._pid or self.state()["pid"]
        return self._pid

    def state(self) -> dict[str, Any]:
        """The output of ``state``.

        Raises:
            AssertionError: when that fails.
        """
        held: dict[str, Any] = json.loads(self.runtime.run("state", self.id).ok().out)
        return held

    def status(self) -> str:
        """``created``, ``running``, ``paused`` or ``stopped``."""
        return str(self.state()["status"])

    def exists(self) -> bool:
        """Whether the runtime knows it."""
        return self.runtime.run("state", self.id).code == 0

    def start(self) -> None:
        """``start``, which has to work."""
        result = self.runtime.run("start", self.id)
        assert result.code == 0, (result, self.runtime.errors())

    def kill(self, *words: str) -> Result:
        """``kill`` with the words after the id."""
        return self.runtime.run("kill", self.id, *words)

    def delete(self, *options: str) -> Result:
        """``delete`` with options before the id."""
        return self.runtime.run("delete", *options, self.id)

    def exec(self, *words: str, options: Sequence[str] = (), **how: Any) -> Result:
        """``exec`` of ``words`` with ``options`` before the id."""
        return self.runtime.run("exec", *options, self.id, *words, **how)

    def sh(self, script: str, *options: str) -> Result:
        """``exec`` of a shell with ``script``."""
        return self.exec("sh", "-c", script, options=options)

    def output(self) -> str:
        """What it has written to standard output so far."""
        return read_text(self.output_path)

    def error_output(self) -> str:
        """What it has written to standard error so far."""
        return read_text(self.output_path + ".err")

    def wait_output(self, text: str) -> str:
        """The output, once it holds ``text``."""
        wait_until(lambda: text in self.output(), f"{text!r} in the output, which is {self.output()!r}")
        return self.output()

    def reap(self) -> int:
        """Wait for the init, which has to be a child of the test, and return its exit status (128+N for signal N)."""
        pid = self.pid
        found = wait_for(lambda: _boxed(reap(pid)), f"the end of process {pid}")
        return found[0]

    def end(self) -> None:
        """SIGKILL, and wait until the init has ended and been reaped."""
        pid = self.pid
        self.kill("KILL").ok()
        wait_until(lambda: reap(pid) is not None or not alive(pid), f"the end of process {pid}")


def _boxed(value: int | None) -> list[int]:
    return [] if value is None else [value]
