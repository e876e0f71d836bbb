"""linux.timeOffsets. runc 1.1 does not know time namespaces."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.inside import inside, refused
from tests.support import Bundle, Runtime

SHOW = "cat /proc/self/timens_offsets"
pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/ns/time"), reason="the kernel has no time namespaces")


def offsets(text: str) -> dict[str, list[int]]:
    """[seconds, nanoseconds] by clock."""
    return {line.split()[0]: [int(word) for word in line.split()[1:]] for line in text.splitlines()}


def shifted(bundle: Bundle) -> None:
    """Give the container a time namespace with two offsets."""
    bundle.namespace("time")
    bundle.linux["timeOffsets"] = {
        "monotonic": {"secs": 7881, "nanosecs": 2718281},
        "boottime": {"secs": 1337, "nanosecs": 3141519},
    }


EXPECTED = {"monotonic": [7881, 2718281], "boottime": [1337, 3141519]}


@pytest.mark.parametrize("key", ["realtime", "Monotonic ", "7"])
def test_other_clocks_are_refused(runtime: Runtime, bundle: Bundle, key: str) -> None:
    """LNX-TIME-01: `monotonic` and `boottime` are the only keys."""
    bundle.namespace("time")
    bundle.linux["timeOffsets"] = {key: {"secs": 1}}
    refused(runtime, bundle)


@pytest.mark.parametrize("user", [False, True], ids=["no user namespace", "user namespace"])
def test_offsets_hold_for_run_and_exec(runtime: Runtime, bundle: Bundle, user: bool) -> None:
    """LNX-TIME-02: the offsets show inside, for run and exec, and together with a user namespace."""
    shifted(bundle)
    if user:
        bundle.user_namespace()
    bundle.sh(f"{SHOW}; echo .; exec sleep 1000")
    container = runtime.started(bundle)
    assert offsets(container.wait_output(".\n").removesuffix(".\n")) == EXPECTED
    assert offsets(container.sh(SHOW).ok().out) == EXPECTED


def test_clocks_are_shifted(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-TIME-02: the first process is in the namespace already: its uptime is shifted."""
    bundle.namespace("time")
    bundle.linux["timeOffsets"] = {"boottime": {"secs": 10_000_000}}
    assert float(inside(runtime, bundle, "cat /proc/uptime").split()[0]) > 10_000_000


@pytest.mark.parametrize("given", [None, {}, {"monotonic": {}}], ids=["absent", "empty", "zero"])
def test_without_offsets_both_are_zero(runtime: Runtime, bundle: Bundle, given: dict[str, Any] | None) -> None:
    """LNX-TIME-02: without offsets both are 0."""
    bundle.namespace("time")
    bundle.linux["timeOffsets"] = given
    assert offsets(inside(runtime, bundle, SHOW)) == {"monotonic": [0, 0], "boottime": [0, 0]}


def test_negative_offset(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-TIME-01: seconds may be negative, as far as the clock stays above zero."""
    bundle.namespace("time")
    bundle.linux["timeOffsets"] = {"boottime": {"secs": -1, "nanosecs": 5}}
    assert offsets(inside(runtime, bundle, SHOW))["boottime"] == [-1, 5]


def test_offsets_without_a_namespace_are_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-TIME-03: offsets without a time namespace are an error."""
    bundle.linux["timeOffsets"] = {"monotonic": {"secs": 1}}
    refused(runtime, bundle)


def test_offsets_of_a_joined_namespace_are_refused(
    runtime: Runtime, bundle: Bundle, make_bundle: Callable[..., Bundle]
) -> None:
    """LNX-TIME-03: offsets with a time namespace joined by path are an error; joining without them works."""
    first = make_bundle("first")
    shifted(first)
    first.sleep()
    other = runtime.started(first)
    bundle.namespace("time", f"/proc/{other.pid}/ns/time")
    assert offsets(inside(runtime, bundle, SHOW)) == EXPECTED
    bundle.linux["timeOffsets"] = {"monotonic": {"secs": 1}}
    refused(runtime, bundle)
