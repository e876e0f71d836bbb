"""The guests run their tests when those of the host are through, which would only slow each other down."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.guest.report import Case, Run


@pytest.fixture(scope="session")
def guest_report() -> Iterator[dict[str, list[Case]]]:
    """Every case of the guests by its file."""
    if os.geteuid() != 0:
        pytest.skip("making and booting the guest needs root")
    run = Run()
    try:
        yield run.wait()
    finally:
        run.stop()
