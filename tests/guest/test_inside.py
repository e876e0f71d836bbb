"""Every test file that is run in the guest, as one test of the host."""

from __future__ import annotations

import pytest

from tests.guest.report import FAILED, PASSED, SKIPPED, Case, inner_files


@pytest.mark.parametrize("path", inner_files())
def test_passes_in_the_guest(guest_report: dict[str, list[Case]], path: str) -> None:
    """What holds on a host with cgroup v1 holds on one with systemd and cgroup v2; some things only there."""
    cases = guest_report.get(path, [])
    assert cases, f"pytest in the guest has run nothing of {path}"
    failed = [case for case in cases if case.outcome == FAILED]
    assert not failed, "\n".join(f"{case.name}: {case.text}" for case in failed)
    if not any(case.outcome == PASSED for case in cases):
        reasons = {case.text for case in cases if case.outcome == SKIPPED}
        pytest.skip(f"in the guest: {'; '.join(sorted(reasons))}")
