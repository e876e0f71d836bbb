"""Nothing here is pytest's: test_lab.py shows it."""

from __future__ import annotations

collect_ignore_glob = ["test_*.py"]
