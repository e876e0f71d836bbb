"""The runtime with the wall of a microVM; the guests' kernel is built if there is none yet (some minutes, once)."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.support import Runtime

QEMU = "qemu-system-x86_64"


@pytest.fixture(scope="session")
def kernel() -> str:
    """The folder of the kernel."""
    from guest.__main__ import build

    if os.geteuid() != 0:
        pytest.skip("containers in machines of their own need root here")
    if not shutil.which(QEMU):
        pytest.skip(f"not installed: {QEMU}")
    return str(build())


@pytest.fixture
def machines(runtime: Runtime, kernel: str) -> Runtime:
    """The runtime, whose new containers get a machine each."""
    plain = runtime.globals()
    runtime.globals = lambda: [*plain, "--driver", "microvm"]  # type: ignore[method-assign]
    return runtime
