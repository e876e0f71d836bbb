"""A machine of stand-ins: the tools' folder, their state, and what a test does to them."""

from __future__ import annotations

import ast
import os
import subprocess
from typing import Any

from tests.jail.bundle import begin_template, copy_program
from tests.jail.harness import Host
from tests.jail.launchers import INTERPRETER, LAUNCHER, REPOSITORY, write
from tests.jail.tools.state import State

TOOLS = ("jail", "jls", "jexec", "ps", "rctl", "devfs", "ifconfig", "mount", "umount", "cpuset", "sysctl", "kldload")
PLACES = {
    "jail": "/usr/sbin/jail",
    "jls": "/usr/sbin/jls",
    "jexec": "/usr/sbin/jexec",
    "ps": "/bin/ps",
    "rctl": "/usr/bin/rctl",
    "cpuset": "/usr/bin/cpuset",
    "mount": "/sbin/mount",
    "umount": "/sbin/umount",
    "devfs": "/sbin/devfs",
    "ifconfig": "/sbin/ifconfig",
    "sysctl": "/sbin/sysctl",
    "kldload": "/sbin/kldload",
}
"""Where FreeBSD has them."""
TOOL = """#!{interpreter} -IS
import sys
sys.path.insert(0, "{repository}")
from tests.jail.tools.state import main
main()
"""


def compile_library(folder: str) -> str:
    """What libc.so.7 has and this system's library has not; the path.

    Raises:
        subprocess.CalledProcessError: there is no compiler.
    """
    target = f"{folder}/libc.so"
    source = f"{os.path.dirname(os.path.abspath(__file__))}/tools/library.c"
    command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", target, source, "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return target


def make_template(path: str, busybox: str = "/bin/busybox") -> None:
    """A root file system of busybox."""
    begin_template(path)
    copy_program(busybox, f"{path}/bin/busybox")
    listed = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True)
    for name in listed.stdout.split():
        if name != "busybox":
            os.link(f"{path}/bin/busybox", f"{path}/bin/{name}")


class StandIn(Host):
    """The machine; ``state`` is what its tools remember."""

    def __init__(self, folder: str, template: str, library: str) -> None:
        self.bin = f"{folder}/bin"
        self.state_folder = f"{folder}/state"
        for path in (self.bin, self.state_folder):
            os.mkdir(path, 0o755)
        write(f"{self.bin}/tool", TOOL.format(interpreter=INTERPRETER, repository=REPOSITORY), 0o755)
        for name in TOOLS:
            os.link(f"{self.bin}/tool", f"{self.bin}/{name}")
        os.link(library, f"{self.bin}/libc.so")
        super().__init__(
            folder,
            template,
            [INTERPRETER, "-I", "-S", f"{folder}/launcher.py"],
            {name: f"{self.bin}/{name}" for name in TOOLS},
        )
        self.settings()

    @property
    def is_standin(self) -> bool:
        return True

    def settings(self, first: str = "", **more: object) -> None:
        """The same, and where the tools are."""
        places = {name: f"{self.bin}/{name}" for name in TOOLS if name not in ("jexec", "kldload")}
        held = {**places, "libc": f"{self.bin}/libc.so", **more}
        write(f"{self.folder}/launcher.py", LAUNCHER.format(repository=REPOSITORY, jail=held, first=first))

    def held(self) -> State:
        """The tools' state, to be used in a with statement; what is changed there is kept."""
        return State(self.state_folder)

    def jail_waited(self) -> bool:
        with self.held() as state:
            return bool(state.data["waited"])

    def fault(self, **what: Any) -> None:
        """Let a call of a tool go wrong: the next one, the ``at``-th from now on or that of ``tool``."""
        with self.held() as state:
            state.data["count"] = 0
            state.data["fault"] = what

    def fault_left(self) -> bool:
        """Whether the fault has not come up yet."""
        with self.held() as state:
            return bool(state.data["fault"])

    def calls(self) -> list[list[str]]:
        """The calls of tools so far; asking for them is none."""
        return [entry["call"] for entry in self.log()]

    def log(self) -> list[dict[str, Any]]:
        """Each call with its surroundings."""
        try:
            with open(f"{self.state_folder}/log") as file:
                return [ast.literal_eval(line) for line in file]
        except FileNotFoundError:
            return []

    def forget_calls(self) -> None:
        """Begin a new log."""
        write(f"{self.state_folder}/log", "")

    def jails(self) -> list[dict[str, str]]:
        with self.held() as state:
            names = ("jid", "name", "path", "dying")
            return [{name: str(jail[name]) for name in names} for jail in state.jails.values()]

    def mounts(self) -> list[tuple[str, str, str]]:
        with self.held() as state:
            return [(one["special"], one["node"], one["type"]) for one in state.data["mounts"]]

    def rules(self) -> list[str]:
        with self.held() as state:
            return list(state.data["rules"])

    def close(self) -> None:
        """The same, with tools that work."""
        self.fault()
        super().close()

    def reap(self) -> None:
        """Orphans come to the test, which asked the kernel for them."""
        known = {process.pid for process in self.ours}
        for pid in children():
            if pid not in known:
                try:
                    os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    continue


def adopt_orphans() -> None:
    """Let orphans below this process become its children (prctl(2), PR_SET_CHILD_SUBREAPER)."""
    import ctypes

    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def children() -> list[int]:
    """The children of this process."""
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return [int(word) for word in file.read().split()]
