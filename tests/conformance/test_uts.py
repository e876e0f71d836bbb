"""hostname and domainname."""

from __future__ import annotations

import os
import re

import pytest

from tests.conformance.inside import inside, refused
from tests.support import Bundle, Runtime
from tests.support.process import read_text

DOMAIN = "/proc/sys/kernel/domainname"


@pytest.mark.parametrize("name", ["box", "a" * 64, "with.dots-and-dashes"])
def test_hostname(runtime: Runtime, bundle: Bundle, name: str) -> None:
    """LNX-UTS-01: hostname is set in the container's own UTS namespace; the host's name does not change."""
    before = os.uname().nodename
    bundle.config["hostname"] = name
    assert inside(runtime, bundle, "hostname; uname -n").split() == [name, name]
    assert os.uname().nodename == before


def test_domainname(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UTS-01: domainname likewise. runc 1.1 does not know it."""
    before = read_text(DOMAIN)
    bundle.config["domainname"] = "example.org"
    assert inside(runtime, bundle, f"cat {DOMAIN}") == "example.org\n"
    assert read_text(DOMAIN) == before


def test_exec_sees_the_names(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UTS-01: exec'd programs see the same name."""
    bundle.config["hostname"] = "box"
    bundle.sleep()
    assert runtime.started(bundle).exec("hostname").ok().out == "box\n"


def test_without_hostname_the_hosts_is_seen(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UTS-01: without hostname the namespace keeps the copied name."""
    del bundle.config["hostname"]
    assert inside(runtime, bundle, "hostname").strip() == os.uname().nodename


def test_hostname_without_namespace_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UTS-01: without a UTS namespace hostname is refused in the words callers know."""
    bundle.drop_namespace("uts")
    refused(runtime, bundle, "unable to set hostname without a private UTS namespace")


def test_domainname_without_namespace_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UTS-01: domainname likewise. runc 1.1 does not know it."""
    bundle.drop_namespace("uts")
    del bundle.config["hostname"]
    bundle.config["domainname"] = "example.org"
    message = refused(runtime, bundle, "UTS namespace")
    assert re.search("domain ?name", message)


def test_too_long_hostname_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UTS-01: a name of more than 64 bytes is the kernel's to refuse."""
    bundle.config["hostname"] = "a" * 65
    refused(runtime, bundle)
