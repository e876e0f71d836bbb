"""Marks for conformance tests."""

from __future__ import annotations

import pytest

from tests.support.runtime import is_runc


def unlike_runc(reason: str, *, always: bool = True) -> pytest.MarkDecorator:
    """Expected to fail on runc 1.1.5, which the tests are proved against: the behaviour came, or changed, later.

    ``always`` is false when runc fails now and then.
    """
    return pytest.mark.xfail(is_runc(), reason=f"runc 1.1.5: {reason}", strict=always)
