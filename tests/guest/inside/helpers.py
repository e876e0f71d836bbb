"""What the tests in the guest share: systemd's view of units, an ordinary user."""

from __future__ import annotations

import os
import subprocess

from tests.support import Bundle, Runtime

USER = 1000


def in_guest() -> bool:
    """Whether this machine is the guest."""
    return "RINGFENCE_GUEST" in os.environ


def output(*words: str) -> str:
    """Standard output of a command.

    Raises:
        subprocess.CalledProcessError: it fails.
    """
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def shown(unit: str, *names: str, user: bool = False) -> dict[str, str]:
    """Properties of a unit as systemctl shows them."""
    before = ("as-user", "systemctl", "--user") if user else ("systemctl",)
    lines = output(*before, "show", f"--property={','.join(names)}", unit).splitlines()
    return dict(line.partition("=")[::2] for line in lines)


def is_loaded(unit: str, *, user: bool = False) -> bool:
    """Whether systemd knows the unit."""
    return shown(unit, "LoadState", user=user)["LoadState"] != "not-found"


def with_systemd(runtime: Runtime) -> Runtime:
    """Let every call of the runtime ask systemd for cgroups."""
    plain = runtime.globals()
    runtime.globals = lambda: [*plain, "--systemd-cgroup"]  # type: ignore[method-assign]
    return runtime


def give(path: str) -> None:
    """Let everything at and below a folder belong to the ordinary user."""
    for folder, folders, files in os.walk(path):
        for name in [".", *folders, *files]:
            os.chown(os.path.join(folder, name), USER, USER, follow_symlinks=False)


def as_user(runtime: Runtime, bundle: Bundle) -> None:
    """Let the runtime be called by the ordinary user, below his own systemd, for a bundle that he can run."""
    runtime.prefix = ["as-user"]
    bundle.drop_namespace("network")
    bundle.namespace("user")
    for key in ("uidMappings", "gidMappings"):
        bundle.linux[key] = [{"containerID": 0, "hostID": USER, "size": 1}]
    bundle.mounts[2]["options"].remove("gid=5")
    options = ["rbind", "nosuid", "noexec", "nodev", "ro"]
    bundle.mounts[5:] = [{"destination": "/sys", "type": "none", "source": "/sys", "options": options}]
    bundle.linux["resources"] = {}
    bundle.write()
    give(runtime.folder)
