"""A machine with jails as the tests see it: command lines, bundles, what the system's tools show, what is left behind.

Nothing but the standard library is used, and no pytest: the same tests run by ``tests.jail.freebsd`` on a FreeBSD host.
A test is a function with one argument, ``host`` for any machine or ``standin`` for one of stand-ins.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tests.jail.bundle import Bundle
from tests.jail.launchers import REPOSITORY, SETTLED_LAUNCHER, write

DEADLINE = 20.0
TIMEOUT = 120.0
NUMBERS = itertools.count(1)
PREFIX = "rftest"
"""With this every jail of a test begins, so that those of an aborted run are found."""


class Skip(Exception):  # noqa: N818 - it is no error
    """The test cannot be made on this machine; the text says why."""


class Result:
    """How a command ended: exit status as a shell shows it, output, errors."""

    def __init__(self, words: Sequence[str], code: int, out: str, err: str) -> None:
        self.words = list(words)
        self.code = code
        self.out = out
        self.err = err

    def __repr__(self) -> str:
        return f"{' '.join(self.words)}: status {self.code}\nout: {self.out}\nerr: {self.err}"

    def ok(self) -> Result:
        """The result itself, which has to be a success."""
        assert self.code == 0, self
        return self

    def refused(self, *texts: str, code: int = 1) -> Result:
        """The result itself, which has to be a failure with one error that holds all of the texts."""
        assert self.code == code, self
        told = self.err.replace('\\"', '"')
        for text in texts:
            assert text in told, (text, self)
        assert "internal error" not in self.err, self
        return self


def poll(wanted: Callable[[], Any], what: str, deadline: float = DEADLINE) -> Any:
    """The first true answer.

    Raises:
        AssertionError: there was none in time.
    """
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        found = wanted()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"waited in vain for {what}")


class Host:
    """A machine; ``folder`` is the test's own, ``template`` a root file system, ``tools`` where each tool is."""

    def __init__(self, folder: str, template: str, launcher: Sequence[str], tools: dict[str, str]) -> None:
        self.folder = folder
        self.template = template
        self.launcher = list(launcher)
        self.tools = tools
        self.root = f"{folder}/root"
        self.token = f"{PREFIX}{os.getpid()}x{next(NUMBERS)}"
        self.ours: list[subprocess.Popen[bytes]] = []
        self._names = itertools.count(1)

    # what differs between machines

    @property
    def is_standin(self) -> bool:
        """Whether the tools are stand-ins."""
        return False

    def jail_waited(self) -> bool:
        """Whether a jail's removal had to wait for processes, as far as that can be told."""
        return False

    def needs_root_tool(self, name: str) -> str:
        """The path of a program that the template has, for ``path`` of a process.

        Raises:
            Skip: it has not.
        """
        if not os.path.exists(f"{self.template}/bin/{name}"):
            raise Skip(f"/bin has no {name}")
        return f"/bin/{name}"

    def needs_limits(self) -> None:
        """Whether rctl works.

        Raises:
            Skip: it does not.
        """
        if self.tool("rctl", "-u", f"jail:{self.token}").code:
            raise Skip("kern.racct.enable is off")

    def settings(self, first: str = "", **more: object) -> None:
        """Say what the administrator has decided: ``more`` of the settings of jails.

        ``first`` is what ringfence's process does before all else.
        """
        path = f"{self.folder}/launcher.py"
        write(path, SETTLED_LAUNCHER.format(repository=REPOSITORY, jail=more, first=first))
        self.launcher = [*self.launcher[:-1], path]

    def let_kill(self, tool: str) -> None:
        """From now on ringfence is killed as soon as this tool has done its work; "" for none."""
        if not tool:
            self.settings()
            return
        path = f"{self.folder}/killing-{tool}"
        write(path, f'#!/bin/sh\n"{self.tools[tool]}" "$@"\nkill -9 $PPID\n', 0o755)
        self.settings(**{tool: path})

    def reap(self) -> None:
        """Wait for ended processes that have become ours; init(8) does it elsewhere."""

    # command lines

    def path(self, name: str = "file") -> str:
        """A path that nothing uses yet."""
        return f"{self.folder}/{name}.{next(self._names)}"

    def name(self) -> str:
        """An id that nothing uses yet."""
        return f"{self.token}-{next(self._names)}"

    def spawn(
        self,
        *words: str,
        options: Sequence[str] | None = None,
        stdin: str | int | None = None,
        env: dict[str, str] | None = None,
        cwd: str | None = None,
        out: str = "",
        pass_fds: Sequence[int] = (),
        program: str = "",
    ) -> Running:
        """Start ringfence; output goes to files, so that a container which holds them open delays nobody."""
        before = ["--root", self.root] if options is None else list(options)
        line = [*self.launcher, program or "ringfence", *before, *words]
        return self._started(
            line, words, stdin, {"PATH": "/sbin:/bin:/usr/sbin:/usr/bin", **(env or {})}, cwd, out, pass_fds
        )

    def _started(
        self,
        line: list[str],
        words: Sequence[str],
        stdin: str | int | None,
        env: dict[str, str],
        cwd: str | None,
        out: str,
        pass_fds: Sequence[int],
    ) -> Running:
        out = out or self.path("out")
        source: int = subprocess.DEVNULL
        if isinstance(stdin, str):
            with open(f"{out}.in", "w") as file:
                file.write(stdin)
            source = os.open(f"{out}.in", os.O_RDONLY)
        elif stdin is not None:
            source = stdin
        with open(out, "ab") as first, open(f"{out}.err", "ab") as second:
            process = subprocess.Popen(
                line, stdin=source, stdout=first, stderr=second, env=env, cwd=cwd or self.folder, pass_fds=pass_fds
            )
        if isinstance(stdin, str):
            os.close(source)
        self.ours.append(process)
        return Running(self, words, process, out)

    def spawn_on(self, terminal: int, *words: str) -> subprocess.Popen[bytes]:
        """Start ringfence on a terminal."""
        line = [*self.launcher, "ringfence", "--root", self.root, *words]
        process = subprocess.Popen(
            line, stdin=terminal, stdout=terminal, stderr=terminal, env={"PATH": "/bin"}, cwd=self.folder
        )
        self.ours.append(process)
        return process

    def run(self, *words: str, **how: Any) -> Result:
        """Start ringfence and wait for it."""
        return self.spawn(*words, **how).wait()

    def tool(self, name: str, *words: str) -> Result:
        """One of the system's tools."""
        line = [self.tools[name], *words]
        env = {"PATH": "/sbin:/bin:/usr/sbin:/usr/bin", "LC_ALL": "C"}
        done = subprocess.run(line, capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL, check=False)
        return Result(line, done.returncode, done.stdout, done.stderr)

    # bundles and containers

    def bundle(self, *args: str, **more: Any) -> Bundle:
        """A new bundle whose program is ``args``; ``more`` are further members of its config."""
        made = Bundle(self.path("bundle"), self.template)
        if args:
            made.process["args"] = list(args)
        made.config.update(more)
        return made

    def sh(self, script: str, **more: Any) -> Bundle:
        """A new bundle that runs a shell's script."""
        return self.bundle("/bin/sh", "-c", script, **more)

    def create(self, bundle: Bundle, *options: str, name: str = "", **how: Any) -> Container:
        """``create``, which has to work."""
        container = Container(self, name or self.name(), self.path("container"))
        bundle.write()
        how.setdefault("out", container.out)
        self.run("create", "--bundle", bundle.path, *options, container.id, **how).ok()
        return container

    def start(self, bundle: Bundle, *options: str, name: str = "", **how: Any) -> Container:
        """``create`` and ``start``, which have to work."""
        container = self.create(bundle, *options, name=name, **how)
        self.run("start", container.id).ok()
        return container

    def refuses(self, bundle: Bundle, *texts: str, verb: str = "create", code: int = 1, **how: Any) -> Result:
        """``create`` (or ``run``) fails with these texts and leaves nothing behind."""
        bundle.write()
        before = self.traces()
        name = self.name()
        found = self.run(verb, "--bundle", bundle.path, name, **how).refused(*texts, code=code)
        assert self.traces() == before, (found, self.traces(), before)
        return found

    def output(self, bundle: Bundle, *options: str, **how: Any) -> str:
        """What a container that is run in the foreground prints."""
        bundle.write()
        return self.run("run", "--bundle", bundle.path, *options, self.name(), **how).ok().out

    # what there is

    def jails(self) -> list[dict[str, str]]:
        """Jid, name and path of every jail, dying ones included."""
        found = self.tool("jls", "-d", "--libxo", "json", "jid", "name", "path", "dying").ok()
        listed: list[dict[str, str]] = json.loads(found.out)["jail-information"]["jail"]
        return listed

    def jail(self, container: Container, *names: str) -> list[str]:
        """Parameters of a container's jail, as texts."""
        found = self.tool("jls", "--libxo", "json", "-j", container.jid, *names).ok()
        row = json.loads(found.out)["jail-information"]["jail"][0]
        return [",".join(row[name]) if isinstance(row[name], list) else str(row[name]) for name in names]

    def mounts(self) -> list[tuple[str, str, str]]:
        """Source, node and type of the mounts below the test's folder."""
        rows = [line.split() for line in self.tool("mount", "-p").ok().out.splitlines()]
        return [(row[0], row[1].replace("\\040", " "), row[2]) for row in rows if row[1].startswith(self.folder + "/")]

    def ids(self) -> list[str]:
        """The containers on record."""
        names = os.listdir(self.root) if os.path.isdir(self.root) else []
        return sorted(name for name in names if not name.startswith("@"))

    def traces(self) -> list[str]:
        """All that a container leaves while it is there."""
        jails = [f"jail {jail['name']}" for jail in self.jails() if jail["path"].startswith(self.folder)]
        mounts = [f"mount {node}" for _, node, _ in self.mounts()]
        return sorted([*jails, *mounts, *self.rules(), *(f"record {name}" for name in self.ids())])

    def rules(self) -> list[str]:
        """The rules of rctl that name the test's jails."""
        return [line for line in self.tool("rctl").out.splitlines() if self.token in line]

    def processes(self, container: Container) -> list[int]:
        """The processes of a container's jail that are no zombies."""
        self.reap()
        lines = self.tool("ps", "-J", container.jid, "-o", "pid=", "-o", "stat=").out.splitlines()
        return [int(line.split()[0]) for line in lines if not line.split()[1].startswith("Z")]

    # the end

    def close(self) -> None:
        """Delete what the test has left; after that nothing may be left.

        Raises:
            AssertionError: something is.
        """
        for process in self.ours:
            if process.poll() is None:
                process.kill()
                process.wait()
        failures = []
        for name in self.ids():
            self.reap()
            result = self.run("delete", "--force", name)
            failures += [repr(result)] if result.code else []
        self.reap()
        left = self.traces()
        self.sweep()
        assert not left and not failures, ("left behind after delete --force", left, failures)

    def sweep(self) -> None:
        """Remove by hand what delete did not."""
        for jail in self.jails():
            if jail["path"].startswith(self.folder):
                for pid in self.tool("ps", "-J", jail["jid"], "-o", "pid=").out.split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)
                self.tool("jail", "-r", jail["jid"])
        for _, node, _ in reversed(self.mounts()):
            self.tool("umount", "-f", node)
        for rule in self.rules():
            self.tool("rctl", "-r", rule)
        if not self.mounts():
            shutil.rmtree(self.folder, ignore_errors=True)


class Running:
    """A command that has been started."""

    def __init__(self, host: Host, words: Sequence[str], process: subprocess.Popen[bytes], out: str) -> None:
        self.host = host
        self.words = words
        self.process = process
        self.pid = process.pid
        self.out = out

    def output(self) -> str:
        """What it has written so far."""
        return text_of(self.out)

    def wait(self) -> Result:
        """The result, once it has ended."""
        try:
            code = self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(
                f"{self.words} did not end: {text_of(self.out)} {text_of(self.out + '.err')}"
            ) from None
        return Result(self.words, code if code >= 0 else 128 - code, self.output(), text_of(f"{self.out}.err"))


def text_of(path: str) -> str:
    """A file's text, "" when there is none."""
    try:
        with open(path, errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return ""


class Container:
    """A container; ``out`` is the file that its standard output is, ``out`` + ``.err`` its standard error."""

    def __init__(self, host: Host, name: str, out: str) -> None:
        self.host = host
        self.id = name
        self.out = out
        self._jid = ""

    def state(self) -> dict[str, Any]:
        """What ``state`` prints."""
        self.host.reap()
        held: dict[str, Any] = json.loads(self.host.run("state", self.id).ok().out)
        return held

    @property
    def status(self) -> str:
        """Its status."""
        return str(self.state()["status"])

    @property
    def pid(self) -> int:
        """Its pid, 0 when it has stopped."""
        return int(self.state()["pid"])

    @property
    def jid(self) -> str:
        """The number of its jail, which stays known here."""
        self._jid = self._jid or str(self.state()["annotations"]["org.freebsd.jail.jid"])
        return self._jid

    def run(self, verb: str, *words: str, options: Sequence[str] = (), **how: Any) -> Result:
        """``VERB OPTIONS ID WORDS``."""
        self.host.reap()
        return self.host.run(verb, *options, self.id, *words, **how)

    def exec(self, *words: str, options: Sequence[str] = (), **how: Any) -> Result:
        """``exec``."""
        return self.run("exec", *words, options=options, **how)

    def exec_sh(self, script: str, *options: str, **how: Any) -> Result:
        """``exec`` of a shell's script."""
        return self.exec("/bin/sh", "-c", script, options=options, **how)

    def output(self) -> str:
        """What it has written so far."""
        return text_of(self.out)

    def says(self, text: str) -> str:
        """Its output, once it holds a text."""
        poll(lambda: text in self.output(), f"{text!r} in {self.output()!r} of {self.id}")
        return self.output()

    def ends(self) -> None:
        """Wait until it has stopped."""
        poll(lambda: self.status == "stopped", f"the end of {self.id}")

    def kill(self, *words: str) -> Result:
        """``kill``."""
        return self.run("kill", *words)

    def delete(self, *options: str) -> Result:
        """``delete``."""
        return self.run("delete", options=options)


@contextlib.contextmanager
def used(host: Host) -> Iterator[Host]:
    """A machine for one test, which leaves nothing behind; what the test itself says goes first."""
    try:
        yield host
    except BaseException:
        with contextlib.suppress(AssertionError):
            host.close()
        raise
    host.close()


def gone(host: Host, pid: int) -> bool:
    """Whether a process has ended."""
    host.reap()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
