"""What the tests in the guest share: systemd's view of units, an ordinary user."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support import Bundle, Runtime
from tests.support.rootless import give, make_rootless

USER = 1000
USERS_SYSTEMCTL = (
    "setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups",
    "env", f"XDG_RUNTIME_DIR=/run/user/{USER}", "systemctl", "--user",
)  # fmt: skip


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
    before = USERS_SYSTEMCTL if user else ("systemctl",)
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


def as_user(runtime: Runtime, bundle: Bundle) -> None:
    """Let the runtime be called by the ordinary user, below his own systemd, for a bundle that he can run."""
    runtime.prefix = ["as-user"]
    make_rootless(bundle, USER)
    give(runtime.folder, USER)


def open_to_all(folder: str) -> None:
    """Let an ordinary user come to a temporary folder of pytest's."""
    for path in (Path(folder), *Path(folder).parents):
        if path.stat().st_mode & 0o777 == 0o700:
            path.chmod(0o755)
