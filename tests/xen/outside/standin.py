"""A dom0 whose toolstack is the stand-in of tests/xen/tools."""

from __future__ import annotations

import json
import os
from typing import Any

from tests.support import Runtime
from tests.support.leaks import LeakCheck
from tests.support.process import parent, read_text

PROGRAM = """#!{python} -IS
import sys
sys.path[:0] = [{source!r}]
from ringfence import settings
from ringfence.container import domain, toolstack
settings.FILE = {settings!r}
toolstack.CONTROL = ({control!r},)
domain.OWN = {kernel!r}
sys.argv[0] = {name!r}
{extra}from ringfence.cli.main import main
main()
"""
TOOL = """#!{python} -IS
import sys
sys.path[:0] = [{folder!r}]
from toolstack import main
main()
"""


INIT = "ringfence-init\0"


class Lasting(LeakCheck):
    """What stays: a watcher calls xl now and then."""

    def processes(self) -> list[int]:
        """Live processes of the test without those of the toolstack."""
        return [pid for pid in super().processes() if not is_call(pid)]


def is_call(pid: int) -> bool:
    """Whether a process is xl, or a watcher's child: one that has not become xl yet, or ends, has no command line."""
    above = parent(pid)
    return (
        not above
        or read_text(f"/proc/{above}/cmdline").startswith(INIT)
        or "/xen/xl" in read_text(f"/proc/{pid}/cmdline")
    )


class Dom0(Runtime):
    """The runtime under test on a host with xl and xenstore-read, whose answers are recorded ones."""

    def __init__(self, folder: str, source: str, python: str) -> None:
        self.tools = os.path.join(folder, "xen")
        os.mkdir(self.tools)
        self.source, self.python = source, python
        self.settings = os.path.join(self.tools, "ringfence.toml")
        self.kernel = os.path.join(self.tools, "vmlinux")
        with open(self.kernel, "wb") as file:
            file.write(b"\x7fELF a kernel")
        for name in ("xl", "xenstore-read"):
            place = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tools")
            self.script(name, TOOL.format(python=python, folder=place))
        self.script("control", "")
        self.told: dict[str, Any] = {}
        self.set()
        super().__init__(folder, self.program("ringfence"))
        self.leaks = Lasting(folder, self.token)

    def globals(self) -> list[str]:
        """With the wall: config.json's ``vm`` would mean another."""
        return [*super().globals(), "--driver", "xen"]

    def program(self, name: str, extra: str = "") -> str:
        """The runtime under a name; ``extra`` is done before it begins."""
        text = PROGRAM.format(
            python=self.python,
            source=self.source,
            settings=self.settings,
            control=os.path.join(self.tools, "control"),
            kernel=self.kernel,
            name=name,
            extra=extra,
        )
        return self.script(f"as-{name}", text)

    def script(self, name: str, text: str) -> str:
        """A program in the stand-in's folder."""
        path = os.path.join(self.tools, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o755)
        return path

    def set(self, **told: object) -> None:
        """Settings of the section ``xen``, underscores for dashes."""
        self.told.update({name.replace("_", "-"): value for name, value in told.items()})
        lines = ['driver = "xen"', "[xen]", f'xl = "{self.tools}/xl"', f'xenstore-read = "{self.tools}/xenstore-read"']
        lines += [f"{name} = {json.dumps(value)}" for name, value in self.told.items()]
        with open(self.settings, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        os.chmod(self.settings, 0o644)

    def calls(self) -> list[str]:
        """Every command line of the toolstack so far."""
        try:
            with open(f"{self.tools}/calls", encoding="utf-8", errors="surrogateescape") as file:
                return [line.removesuffix("\n") for line in file]
        except FileNotFoundError:
            return []

    def xl(self, *words: str) -> int:
        """What an administrator does beside the runtime; the exit code."""
        import subprocess

        return subprocess.run([f"{self.tools}/xl", *words], check=False, capture_output=True).returncode

    def domains(self) -> dict[str, dict[str, Any]]:
        """The domains that there are, by their names."""
        try:
            with open(f"{self.tools}/domains.json", encoding="utf-8") as file:
                held = json.load(file)["domains"]
        except FileNotFoundError:
            return {}
        return {one["name"]: one for one in held.values()}

    def made_from(self, name: str, ramdisk: str) -> None:
        """Have the toolstack tell another ramdisk of a domain."""
        with open(f"{self.tools}/domains.json", encoding="utf-8") as file:
            held = json.load(file)
        for domain in held["domains"].values():
            if domain["name"] == name:
                domain["ramdisk"] = ramdisk
        with open(f"{self.tools}/domains.json", "w", encoding="utf-8") as file:
            json.dump(held, file)

    def said(self) -> str:
        """What the players of domains have complained of."""
        names = sorted(name for name in os.listdir(self.tools) if name.endswith(".err"))
        return "".join(read_text(os.path.join(self.tools, name)) for name in names)

    def fail(self, command: str, code: int, said: str) -> None:
        """Let a command of xl's fail from now on; "" lets none."""
        with open(f"{self.tools}/fail", "w", encoding="utf-8") as file:
            file.write(f"{command}\n{code}\n{said}")
