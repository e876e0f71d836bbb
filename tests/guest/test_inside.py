"""Every test file that is run in the guest, on cgroup v2 alone, or beside all others, as one test of the host."""

from __future__ import annotations

import pytest

from tests.guest.report import FAILED, PASSED, SKIPPED, Case, apart_files, inner_files, unified_files


@pytest.mark.parametrize("path", inner_files())
def test_passes_in_the_guest(guest_report: dict[str, list[Case]], path: str) -> None:
    """What holds on a host with cgroup v1 holds on one with systemd and cgroup v2; some things only there."""
    nothing_failed(guest_report.get(path, []))


@pytest.mark.parametrize("path", unified_files())
def test_passes_on_cgroup_v2(unified_report: dict[str, list[Case]], path: str) -> None:
    """What holds on cgroup v1 holds where there is only v2."""
    nothing_failed(unified_report.get(path, []))


@pytest.mark.parametrize("path", apart_files())
def test_passes_beside_all_others(apart_report: dict[str, list[Case]], path: str) -> None:
    """What needs machines of its own."""
    nothing_failed(apart_report.get(path, []))


def nothing_failed(cases: list[Case]) -> None:
    """Fail with the tests that did, or if there is none; skip if all were skipped."""
    assert cases, "pytest has run nothing of it there"
    failed = [case for case in cases if case.outcome == FAILED]
    assert not failed, "\n".join(f"{case.name}: {case.text}" for case in failed)
    if not any(case.outcome == PASSED for case in cases):
        reasons = {case.text for case in cases if case.outcome == SKIPPED}
        pytest.skip(f"there: {'; '.join(sorted(reasons))}")
