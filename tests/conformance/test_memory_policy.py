"""linux.memoryPolicy. runc 1.1 does not know it."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.conformance.inside import inside, refused
from tests.support import Bundle, Runtime

SHOW = "head -n 1 /proc/self/numa_maps | cut -d' ' -f2"
pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/numa_maps"), reason="the kernel is without NUMA")

SHOWN: dict[str, tuple[dict[str, Any], str]] = {
    "default": ({"mode": "MPOL_DEFAULT"}, "default"),
    "bind": ({"mode": "MPOL_BIND", "nodes": "0"}, "bind:0"),
    "interleave": ({"mode": "MPOL_INTERLEAVE", "nodes": "0"}, "interleave:0"),
    "preferred": ({"mode": "MPOL_PREFERRED", "nodes": "0"}, "prefer:0"),
    "preferred many": ({"mode": "MPOL_PREFERRED_MANY", "nodes": "0"}, "prefer (many):0"),
    "local": ({"mode": "MPOL_LOCAL"}, "local"),
    "weighted": ({"mode": "MPOL_WEIGHTED_INTERLEAVE", "nodes": "0"}, "weighted interleave:0"),
    "static": ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}, "bind=static:0"),
    "relative": ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_RELATIVE_NODES"]}, "bind=relative:0"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_policy_of_init_and_exec(runtime: Runtime, bundle: Bundle, name: str) -> None:
    """LNX-MPOL-01, LNX-MPOL-03: mode, nodes and flags show in numa_maps, for init and exec."""
    policy, shown = SHOWN[name]
    bundle.linux["memoryPolicy"] = policy
    show = "head -n 1 /proc/self/numa_maps"
    bundle.sh(f"{show}; exec sleep 1000")
    container = runtime.started(bundle)
    assert f" {shown} " in container.wait_output("\n")
    assert f" {shown} " in container.sh(show).ok().out


def test_without_a_policy(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MPOL-01: without memoryPolicy the kernel's default stays."""
    assert inside(runtime, bundle, SHOW) == "default\n"


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "empty": ({}, "invalid memory policy mode"),
    "no mode": ({"nodes": "0"}, "invalid memory policy mode"),
    "other mode": ({"mode": "MPOL_SPREAD", "nodes": "0"}, "invalid memory policy mode"),
    "other flag": ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_X"]}, "invalid memory policy flag"),
    "garbage": ({"mode": "MPOL_BIND", "nodes": "zero"}, "invalid memory policy node"),
    "out of range": ({"mode": "MPOL_BIND", "nodes": "0-9876543"}, "invalid memory policy node"),
    "default with nodes": ({"mode": "MPOL_DEFAULT", "nodes": "0-7"}, "mode requires 0 nodes but got 8"),
    "local with nodes": ({"mode": "MPOL_LOCAL", "nodes": "0"}, "mode requires 0 nodes but got 1"),
    "bind without nodes": ({"mode": "MPOL_BIND"}, ""),
    "interleave without nodes": ({"mode": "MPOL_INTERLEAVE", "nodes": ""}, ""),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_policy_is_refused(runtime: Runtime, bundle: Bundle, name: str) -> None:
    """LNX-MPOL-01, LNX-MPOL-02: other modes and flags, bad lists, and nodes where none belong are errors."""
    bundle.linux["memoryPolicy"], text = BAD[name]
    refused(runtime, bundle, text)
