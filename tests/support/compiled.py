"""Small static C programs for what busybox cannot show or do, compiled once for a test run."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import tempfile

import pytest

from tests.support.bundle import Bundle

PREBUILT = "RINGFENCE_TEST_PROGRAMS"
"""Environment variable: a folder with programs that a machine with a compiler has made for one without."""


def compiler() -> str | None:
    """The C compiler, musl's if it is there."""
    return shutil.which("musl-gcc") or shutil.which("cc")


@functools.cache
def _folder() -> str:
    folder = tempfile.mkdtemp(prefix="ringfence-programs-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def compile_to(folder: str, source: str) -> str:
    """Compile a source file into a folder; the path of the program.

    Raises:
        subprocess.CalledProcessError: the compiler refuses it.
    """
    program = os.path.join(folder, os.path.basename(source).removesuffix(".c"))
    command = [compiler() or "cc", "-static", "-O1", "-Wall", "-Werror", "-o", program, source]
    subprocess.run(command, check=True, capture_output=True)
    return program


@functools.cache
def compiled(source: str) -> str:
    """The program of a source file; skips the test where there is neither a compiler nor the program."""
    given = os.environ.get(PREBUILT)
    if given:
        return os.path.join(given, os.path.basename(source).removesuffix(".c"))
    if not compiler():
        pytest.skip(f"compiling {os.path.basename(source)} needs musl-gcc or cc")
    return compile_to(_folder(), source)


def install(bundle: Bundle, source: str) -> None:
    """Put the program of a source file into the bundle's /bin."""
    name = os.path.basename(source).removesuffix(".c")
    target = os.path.join(bundle.rootfs, "bin", name)
    shutil.copyfile(compiled(source), target)
    os.chmod(target, 0o755)
