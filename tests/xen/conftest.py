"""The lab, which runs all its tests when the first of them is asked for."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.guest.report import Case, Run

QEMU = "qemu-system-x86_64"


@pytest.fixture(scope="session")
def lab_report() -> dict[str, list[Case]]:
    """Every case of dom0 by its file."""
    if os.geteuid() != 0 or not shutil.which(QEMU):
        pytest.skip(f"making and booting the lab needs root and {QEMU}")
    run = Run("tests.xen.lab.inner")
    try:
        return run.wait()
    except BaseException:
        run.stop()
        raise
