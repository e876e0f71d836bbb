"""The static program attack.c, compiled once for a test run."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import tempfile

import pytest

from tests.support import Bundle

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "attack.c")


@functools.cache
def _program() -> str:
    folder = tempfile.mkdtemp(prefix="ringfence-attack-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = os.path.join(folder, "attack")
    compiler = shutil.which("musl-gcc") or "cc"
    subprocess.run([compiler, "-static", "-O1", "-Wall", "-Werror", "-o", made, SOURCE], check=True)
    return made


def install_attack(bundle: Bundle) -> None:
    """Put the program into the bundle's root file system as /bin/attack; skips the test where no C compiler is."""
    if not (shutil.which("musl-gcc") or shutil.which("cc")):
        pytest.skip("compiling the attack needs musl-gcc or cc")
    target = os.path.join(bundle.rootfs, "bin/attack")
    shutil.copyfile(_program(), target)
    os.chmod(target, 0o755)
