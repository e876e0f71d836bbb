"""Marks for conformance tests."""

from __future__ import annotations

import pytest

from tests.support import cgroup
from tests.support.runtime import is_runc


def unlike_runc(reason: str, *, always: bool = True) -> pytest.MarkDecorator:
    """Expected to fail on runc 1.1.5, which the tests are proved against: the behaviour came, or changed, later.

    ``always`` is false when runc fails now and then.
    """
    return pytest.mark.xfail(is_runc(), reason=f"runc 1.1.5: {reason}", strict=always)


def needs(*controllers: str) -> pytest.MarkDecorator:
    """Skipped where a controller of cgroups is missing: on v2 beside v1 most of them are v1's (cgroups(7))."""
    missing = [name for name in controllers if not cgroup.has_controller(name)]
    return pytest.mark.skipif(bool(missing), reason=f"cgroups here have no controller {', '.join(missing)}")
