"""The lab runs its tests beside those of the host, and is waited for at the end."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.guest.report import Case, Run

LAB = pytest.StashKey[Run]()
QEMU = "qemu-system-x86_64"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Boot the lab if a test wants its report."""
    wanted = any("lab_report" in getattr(item, "fixturenames", ()) for item in session.items)
    if wanted and os.geteuid() == 0 and shutil.which(QEMU) and not session.config.option.collectonly:
        session.config.stash[LAB] = Run("tests.xen.lab.inner")


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the lab if nobody waits for it any more."""
    if LAB in config.stash:
        config.stash[LAB].stop()


@pytest.fixture(scope="session")
def lab_report(pytestconfig: pytest.Config) -> dict[str, list[Case]]:
    """Every case of dom0 by its file."""
    if LAB not in pytestconfig.stash:
        pytest.skip(f"making and booting the lab needs root and {QEMU}")
    return pytestconfig.stash[LAB].wait()
