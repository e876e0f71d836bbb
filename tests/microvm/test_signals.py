"""What signals do to the first process of a container."""

from __future__ import annotations

import pytest

from tests.support import Bundle, Runtime, wait_until
from tests.support.process import alive


@pytest.mark.parametrize(("name", "code"), [("TERM", 143), ("INT", 130), ("USR1", 138), ("RTMIN", 162), ("9", 137)])
def test_one_without_a_handler_ends_it(machines: Runtime, bundle: Bundle, name: str, code: int) -> None:
    """MVM-KILL-01: it is process 1 of its namespace, and not kept from signals as such a one of the host is."""
    bundle.sleep()
    container = machines.started(bundle)
    container.kill(name).ok()
    assert container.reap() == code


@pytest.mark.parametrize("name", ["CHLD", "WINCH", "CONT", "URG"])
def test_one_that_ends_nobody_has_no_effect(machines: Runtime, bundle: Bundle, name: str) -> None:
    """MVM-KILL-01."""
    bundle.sleep()
    container = machines.started(bundle)
    container.kill(name).ok()
    assert container.sh("echo here").ok().out == "here\n"
    assert container.status() == "running"


def test_one_that_is_ignored_is(machines: Runtime, bundle: Bundle) -> None:
    """MVM-KILL-04."""
    bundle.sh("trap '' TERM; trap 'echo got' USR1; echo ready; while :; do sleep 0.05; done")
    container = machines.started(bundle)
    container.wait_output("ready")
    container.kill("TERM").ok()
    container.kill("USR1").ok()
    container.wait_output("got")
    assert container.status() == "running"


def test_a_created_container_is_ended_without_having_run(machines: Runtime, bundle: Bundle) -> None:
    """MVM-KILL-05: by a signal that ends a process; others succeed and do nothing."""
    bundle.sh("echo ran; sleep 1000")
    container = machines.create(bundle)
    container.kill("WINCH").ok()
    assert container.status() == "created"
    pid = container.pid
    container.kill("TERM").ok()
    assert container.reap() == 143
    wait_until(lambda: not alive(pid), "the end")
    assert container.output() == ""
