"""A static helper program, probe.c, for what busybox cannot show; compiled once for a test run."""

from __future__ import annotations

import atexit
import errno
import functools
import os
import shutil
import subprocess
import tempfile

import pytest

from tests.support import Bundle

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "probe.c")
PATH = "/bin/probe"


@functools.cache
def _program() -> str:
    folder = tempfile.mkdtemp(prefix="ringfence-probe-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = os.path.join(folder, "probe")
    compiler = shutil.which("musl-gcc") or "cc"
    subprocess.run([compiler, "-static", "-O1", "-o", made, SOURCE], check=True, capture_output=True)
    return made


def install_probe(bundle: Bundle) -> None:
    """Put the program into the bundle's root file system as /bin/probe; skips the test where no C compiler is."""
    if not (shutil.which("musl-gcc") or shutil.which("cc")):
        pytest.skip("compiling the probe needs musl-gcc or cc")
    target = os.path.join(bundle.rootfs, PATH.lstrip("/"))
    shutil.copyfile(_program(), target)
    os.chmod(target, 0o755)


def failed(number: int) -> str:
    """What the probe prints for a system call that failed with this errno."""
    assert number in errno.errorcode
    return f"errno {number}"
