"""What a test in dom0 has: the runtime with this wall, and what the toolstack tells of domains."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass

from tests.support import Bundle, Container, Result, Runtime, wait_until
from tests.support.process import read_text

BRIDGE, GATEWAY = "xenbr0", "10.9.0.1"
SETTINGS = "/etc/ringfence/ringfence.toml"
XL = "/usr/sbin/xl"
LARGEST_WATCHER = 1536
"""KiB of memory (XEN-CONSOLE-06)."""


@dataclass(frozen=True)
class Domain:
    """A line of ``xl list -v``."""

    name: str
    number: int
    memory: int
    vcpus: int
    letters: str
    seconds: float
    uuid: str
    reason: str


def output(*words: str) -> str:
    """Standard output of a command.

    Raises:
        subprocess.CalledProcessError: it fails.
    """
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def domains() -> dict[str, Domain]:
    """Every domain but dom0 by its name."""
    found = {}
    for line in output("xl", "list", "-v").splitlines()[1:]:
        name, number, memory, vcpus, letters, seconds, uuid, reason, *_ = line.split()
        if number != "0":
            found[name] = Domain(name, int(number), int(memory), int(vcpus), letters, float(seconds), uuid, reason)
    return found


def store(path: str) -> str:
    """A value of xenstore, "" without one."""
    told = subprocess.run(["xenstore-read", path], check=False, capture_output=True, text=True)
    return told.stdout.strip() if told.returncode == 0 else ""


def in_store(path: str) -> list[str]:
    """The names below a key of xenstore."""
    told = subprocess.run(["xenstore-list", path], check=False, capture_output=True, text=True)
    return sorted(told.stdout.split()) if told.returncode == 0 else []


def make_bridge() -> None:
    """The bridge of the tests, made by the first one that wants it."""
    if os.path.exists(f"/sys/class/net/{BRIDGE}"):
        return
    output("ip", "link", "add", BRIDGE, "type", "bridge")
    output("ip", "address", "add", f"{GATEWAY}/24", "dev", BRIDGE)
    output("ip", "link", "set", BRIDGE, "up")


def traces() -> dict[str, list[str]]:
    """What containers could leave in dom0, by its kind (XEN-DELETE-03)."""
    loops = [name for name in sorted(os.listdir("/sys/block")) if os.path.exists(f"/sys/block/{name}/loop")]
    mounts = sorted(line.split(" ")[4] for line in read_text("/proc/self/mountinfo").splitlines())
    return {
        "domain": sorted(domains()),
        "loop device": loops,
        "mount": mounts,
        "interface": sorted(name for name in os.listdir("/sys/class/net") if name.startswith("vif")),
        "key": in_store("/local/domain"),
        "uuid": in_store("/vm"),
        "log": sorted(name for name in os.listdir("/var/log/xen") if name.startswith("qemu-dm-")),
    }


class Dom0:
    """The runtime of one test; ``before`` is what was there already, as the test before it has found it in the end."""

    def __init__(self, folder: str, before: dict[str, list[str]]) -> None:
        self.folder = folder
        self.before = before
        self.runtime = Runtime(folder)
        plain = self.runtime.globals()
        self.runtime.globals = lambda: [*plain, "--driver", "xen"]  # type: ignore[method-assign]
        self.settings()

    def bundle(self, script: str = "", *, memory: int = 0) -> Bundle:
        """A bundle whose container runs a script in a shell, or sleeps."""
        made = Bundle(self.runtime.new_path("bundle"))
        made.sh(script) if script else made.sleep()
        if memory:
            made.resources["memory"] = {"limit": memory << 20}
        return made

    def run(self, script: str, *options: str) -> Result:
        """Run a script in the foreground."""
        return self.runtime.run_bundle(self.bundle(script), *options)

    def domain(self, container: Container) -> Domain:
        """The domain of a container."""
        fitting = [found for name, found in domains().items() if name.endswith(container.id) or container.id in name]
        assert len(fitting) == 1, (container.id, domains())
        return fitting[0]

    def settings(self, **changes: object) -> None:
        """The administrator's settings: small domains, and changes of this test."""
        held = {"memory": 128, "cni_plugins": "/usr/lib/cni", **changes}
        lines = [f"{name.replace('_', '-')} = {json.dumps(value)}\n" for name, value in held.items()]
        os.makedirs(os.path.dirname(SETTINGS), exist_ok=True)
        with open(SETTINGS, "w", encoding="utf-8") as file:
            file.write(f"[xen]\n{''.join(lines)}")
        os.chmod(SETTINGS, 0o644)

    def instead_of_xl(self, script: str) -> None:
        """Let the runtime call a script, in which $XL is the toolstack's own program."""
        path = self.runtime.new_path("xl")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/bash\nXL={XL}\n{script}\n")
        os.chmod(path, 0o755)
        self.settings(xl=path)

    def stopped(self, container: Container) -> None:
        """Wait until it has."""
        wait_until(lambda: container.status() == "stopped", f"the end of {container.id}")

    def last_words(self) -> str:
        """What helps to understand a failure."""
        texts = [f"log: {line}" for line in read_text(self.runtime.log).splitlines()[-6:]]
        texts += [f"{name}: {domain}" for name, domain in domains().items()]
        return "\n".join(texts)

    def close(self) -> list[str]:
        """Delete what is left, and say what is still there."""
        self.settings()
        left = self.runtime.close()
        found = traces()
        for kind, names in found.items():
            left += [f"{kind} {name}" for name in names if name not in self.before[kind]]
        self.before = found
        for name in found["domain"]:
            subprocess.run(["xl", "destroy", name], check=False, capture_output=True)
        return left
