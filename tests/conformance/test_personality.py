"""linux.personality. runc 1.1 does not know it."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.conformance.inside import inside, refused
from tests.support import Bundle, Runtime

MACHINE = os.uname().machine
NARROW = {"x86_64": "i686"}.get(MACHINE, "")


@pytest.mark.skipif(not NARROW, reason="LINUX32 is only tried on x86_64")
def test_narrow_machine(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-PERS-01: LINUX32 makes `uname -m` say i686, for init and exec."""
    bundle.linux["personality"] = {"domain": "LINUX32"}
    bundle.sh("uname -m; exec sleep 1000")
    container = runtime.started(bundle)
    assert container.wait_output("\n") == f"{NARROW}\n"
    assert container.exec("uname", "-m").ok().out == f"{NARROW}\n"


def test_plain_machine(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-PERS-01: LINUX is the native one."""
    bundle.linux["personality"] = {"domain": "LINUX"}
    assert inside(runtime, bundle, "uname -m") == f"{MACHINE}\n"


@pytest.mark.skipif(not NARROW, reason="LINUX32 is only tried on x86_64")
def test_set_before_the_filter(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-PERS-01: it is set before the seccomp filter, which may refuse personality."""
    bundle.linux["personality"] = {"domain": "LINUX32"}
    rule = {"names": ["personality"], "action": "SCMP_ACT_ERRNO"}
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}
    for privileges in (True, False):
        bundle.process["noNewPrivileges"] = privileges
        assert inside(runtime, bundle, "uname -m") == f"{NARROW}\n"


@pytest.mark.parametrize(
    "given", [{}, {"domain": ""}, {"domain": "LINUX64"}, {"domain": "LINUX", "flags": ["ADDR_NO_RANDOMIZE"]}], ids=str
)
def test_others_are_refused(runtime: Runtime, bundle: Bundle, given: dict[str, Any]) -> None:
    """LNX-PERS-01: another domain, or any flag, is an error."""
    bundle.linux["personality"] = given
    refused(runtime, bundle)
