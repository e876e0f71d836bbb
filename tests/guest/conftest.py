"""The guest runs its tests beside those of the host, which leave it a processor, and is waited for at the end."""

from __future__ import annotations

import os

import pytest

from tests.guest.inside.helpers import in_guest
from tests.guest.report import Case, Run

RUN = pytest.StashKey[Run]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the guest if a test wants its report."""
    wanted = any("guest_report" in getattr(item, "fixturenames", ()) for item in session.items)
    if wanted and os.geteuid() == 0 and not in_guest() and not session.config.option.collectonly:
        session.config.stash[RUN] = Run()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the guest if nobody waits for it any more."""
    if RUN in config.stash:
        config.stash[RUN].stop()


@pytest.fixture(scope="session")
def guest_report(pytestconfig: pytest.Config) -> dict[str, list[Case]]:
    """Every case of the guest by its file."""
    if RUN not in pytestconfig.stash:
        pytest.skip("making and booting the guest needs root")
    return pytestconfig.stash[RUN].wait()


@pytest.fixture(scope="session")
def apart_report(pytestconfig: pytest.Config, guest_report: dict[str, list[Case]]) -> dict[str, list[Case]]:
    """Every case of what ran beside all others by its file; likewise."""
    assert guest_report
    return pytestconfig.stash[RUN].apart()


@pytest.fixture(scope="session")
def unified_report(pytestconfig: pytest.Config, guest_report: dict[str, list[Case]]) -> dict[str, list[Case]]:
    """Every case of the host's cgroup v2 by its file; ``guest_report`` has waited for them."""
    assert guest_report
    return pytestconfig.stash[RUN].unified()
