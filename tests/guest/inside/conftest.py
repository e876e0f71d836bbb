"""The fixtures of the guest's own tests. Elsewhere they are not collected: test_inside.py shows them there."""

from __future__ import annotations

import os

import pytest

from tests.guest.inside.helpers import in_guest

collect_ignore_glob = [] if in_guest() else [os.path.join(os.path.dirname(__file__), "test_*.py")]


def pytest_configure(config: pytest.Config) -> None:
    """The mark of a test that is made with one of the engine's two callers only."""
    config.addinivalue_line("markers", "only(kind): made with this caller of the engine alone, root or user")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out what is the other's. As a parameter of its own the mark would have engines started in turn."""
    gone = [item for item in items if any(f"[{mark.args[0]}]" not in item.name for mark in item.iter_markers("only"))]
    items[:] = [item for item in items if item not in set(gone)]
    config.hook.pytest_deselected(items=gone)
