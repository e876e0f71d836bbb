"""The guest's run of tests begins with the first of the host's, and is waited for at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.guest.inside.helpers import in_guest
from tests.guest.report import Case, Run

STARTED: list[Run] = []


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the guest if a test wants its report."""
    wanted = any("inside" in getattr(item, "fixturenames", ()) for item in session.items)
    if wanted and os.geteuid() == 0 and not in_guest() and not session.config.option.collectonly:
        STARTED.append(Run())


def pytest_sessionfinish() -> None:
    """End a guest that nobody waits for any more."""
    for run in STARTED:
        run.stop()


@pytest.fixture(scope="session")
def inside() -> Iterator[dict[str, list[Case]]]:
    """Every case of the guest by its file."""
    if not STARTED:
        pytest.skip("making and booting the guest needs root")
    yield STARTED[0].wait()
