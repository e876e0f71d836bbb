"""linux.intelRdt where no resctrl is mounted; runc 1.1 does not know all of it."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.conformance.inside import inside, refused
from tests.support import Bundle, Runtime
from tests.support.process import read_text

mounted = any(" - resctrl " in line for line in read_text("/proc/self/mountinfo").splitlines())
pytestmark = pytest.mark.skipif(mounted, reason="resctrl is mounted here")

GIVEN: list[dict[str, Any]] = [
    {},
    {"closID": "group"},
    {"closID": "/"},
    {"l3CacheSchema": "L3:0=f"},
    {"memBwSchema": "MB:0=50"},
    {"closID": "group", "schemata": ["MB:0=50"]},
    {"enableMonitoring": True},
]


@pytest.mark.parametrize("given", GIVEN, ids=str)
def test_no_resctrl(runtime: Runtime, bundle: Bundle, given: dict[str, Any]) -> None:
    """LNX-RDT-01: intelRdt without a mounted resctrl is an error, nothing is created."""
    bundle.linux["intelRdt"] = given
    refused(runtime, bundle)
    assert not os.path.exists("/sys/fs/resctrl/group")


def test_without_the_section(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-RDT-01: without intelRdt nothing of the kind is needed."""
    assert inside(runtime, bundle, "echo seen") == "seen\n"


@pytest.mark.parametrize("name", ["..", "a/b", "/a", "."])
def test_bad_group_name_is_refused(runtime: Runtime, bundle: Bundle, name: str) -> None:
    """LNX-RDT-02: a closID with `..` or slashes is an error."""
    bundle.linux["intelRdt"] = {"closID": name}
    refused(runtime, bundle)


@pytest.mark.parametrize("given", [{"memBwSchema": "L3:0=f"}, {"l3CacheSchema": "L3:0=f\nMB:0=1"}], ids=str)
def test_bad_schema_is_refused(runtime: Runtime, bundle: Bundle, given: dict[str, str]) -> None:
    """LNX-RDT-04: a memBwSchema that does not start with `MB:`, or a line break inside, is an error."""
    bundle.linux["intelRdt"] = given
    refused(runtime, bundle)
