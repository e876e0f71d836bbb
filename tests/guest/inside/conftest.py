"""The fixtures of the guest's own tests. Elsewhere they are not collected: test_inside.py shows them there."""

from __future__ import annotations

import os

from tests.guest.inside.helpers import in_guest

collect_ignore_glob = [] if in_guest() else [os.path.join(os.path.dirname(__file__), "test_*.py")]
