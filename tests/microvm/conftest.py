"""The runtime with the wall of a microVM; the guests' kernel is built if there is none yet (some minutes, once)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.microvm.harbour import Harbour
from tests.support import Runtime

QEMU = "qemu-system-x86_64"


def skip_without_qemu() -> None:
    """Skip the test where there can be no machine."""
    if os.geteuid() != 0:
        pytest.skip("containers in machines of their own need root here")
    if not shutil.which(QEMU):
        pytest.skip(f"not installed: {QEMU}")


def in_machines(runtime: Runtime) -> Runtime:
    """The runtime, told to build this wall."""
    skip_without_qemu()
    plain = runtime.globals()
    runtime.globals = lambda: [*plain, "--driver", "microvm"]  # type: ignore[method-assign]
    return runtime


@pytest.fixture
def walled(runtime: Runtime) -> Runtime:
    """The runtime, told to build this wall, whichever kernel there is."""
    return in_machines(runtime)


@pytest.fixture(scope="session")
def kernel() -> str:
    """The folder of the kernel."""
    skip_without_qemu()
    from guest.own import build

    return str(build())


@pytest.fixture
def machines(walled: Runtime, kernel: str) -> Runtime:
    """The runtime, whose new containers get a machine each, with our own kernel."""
    return walled


@pytest.fixture
def harbour(machines: Runtime) -> Iterator[Harbour]:
    """A place for the container's network."""
    held = Harbour()
    yield held
    held.close()
