"""The words that stand for numbers of the kernel, compared with what this Python and this machine know."""

from __future__ import annotations

import os
import resource
import signal

import pytest

from ringfence.spec.names import CAPABILITIES, NAMESPACES, RLIMITS, SCHEDULER_POLICIES, SIGNALS


def test_capabilities_are_in_bit_order() -> None:
    """LNX-CAP-06: all 41 names up to CAP_CHECKPOINT_RESTORE are known."""
    assert len(set(CAPABILITIES)) == 41
    assert (CAPABILITIES[0], CAPABILITIES[21], CAPABILITIES[40]) == (
        "CAP_CHOWN",
        "CAP_SYS_ADMIN",
        "CAP_CHECKPOINT_RESTORE",
    )


def test_capabilities_are_those_of_the_kernel_headers() -> None:
    path = "/usr/include/linux/capability.h"
    if not os.path.exists(path):
        pytest.skip("the kernel's headers are not installed")
    with open(path, encoding="utf-8") as file:
        words = [line.split() for line in file if line.startswith("#define CAP_")]
    numbers = {line[1]: int(line[2]) for line in words if line[2].isdigit()}
    assert {name: bit for bit, name in enumerate(CAPABILITIES)} == numbers


def test_rlimits_have_the_numbers_of_this_python() -> None:
    """LNX-RLIM-01: sixteen types."""
    assert len(RLIMITS) == 16
    shared = {name: number for name, number in RLIMITS.items() if hasattr(resource, name)}
    assert len(shared) > 12
    assert shared == {name: getattr(resource, name) for name in shared}


def test_namespaces_are_sorted() -> None:
    """LNX-FEAT-06: cgroup ipc mount network pid time user uts."""
    assert list(NAMESPACES) == ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"]


def test_scheduler_policies_have_the_numbers_of_this_python() -> None:
    shared = {name: number for name, number in SCHEDULER_POLICIES.items() if hasattr(os, name)}
    assert len(shared) > 4
    assert shared == {name: getattr(os, name) for name in shared}


def test_signals_have_the_numbers_of_this_python() -> None:
    """LNX-KILL-01: names without SIG."""
    assert {f"SIG{name}" for name in SIGNALS} > {member.name for member in signal.Signals}
    for name, number in SIGNALS.items():
        if "+" not in name and "-" not in name:
            assert getattr(signal, f"SIG{name}") == number


def test_real_time_signals_fill_their_range() -> None:
    named = [number for name, number in SIGNALS.items() if name.startswith("RT")]
    assert named == list(range(34, 65))
