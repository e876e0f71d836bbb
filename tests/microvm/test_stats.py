"""What events tells of a container in a machine of its own."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.test_events import lines_of
from tests.support import Bundle, Container, Runtime, wait_until

MIB = 1 << 20


def data_of(container: Container) -> dict[str, Any]:
    """The numbers of ``events --stats``."""
    told: dict[str, Any] = json.loads(container.runtime.run("events", "--stats", container.id).ok().out)["data"]
    return told


def test_memory_and_processes_are_the_guests(machines: Runtime, bundle: Bundle) -> None:
    """MVM-STATS-01, MVM-STATS-03: as its kernel counts them; the time is the whole machine's, on the host."""
    bundle.resources["memory"] = {"limit": 64 * MIB}
    bundle.resources["pids"] = {"limit": 30}
    bundle.mount("/work", "tmpfs", "tmpfs")
    bundle.sh("head -c 20000000 /dev/zero > /work/held; sleep 1000 & sleep 1000 & echo held; wait")
    container = machines.started(bundle)
    wait_until(lambda: container.output() == "held\n", "the program")
    told = data_of(container)
    assert told["memory"]["usage"]["limit"] == 64 * MIB
    assert 20_000_000 <= told["memory"]["usage"]["usage"] <= 64 * MIB
    assert told["pids"] == {"current": 3, "limit": 30}
    assert told["cpu"]["usage"]["total"] > 0
    assert told["machine"]["guest"] == "answers"
    assert told["machine"]["memory"]["usage"]["usage"] > 20_000_000


def test_a_guest_that_stands_still_is_not_waited_for(machines: Runtime, bundle: Bundle) -> None:
    """MVM-STATS-01: there are the host's figures alone, and they say so."""
    bundle.sleep()
    container = machines.started(bundle)
    machines.run("pause", container.id).ok()
    told = data_of(container)
    assert told["machine"]["guest"] == "silent"
    assert told["memory"] == told["machine"]["memory"]


def test_processes_killed_for_want_of_memory(machines: Runtime, bundle: Bundle) -> None:
    """MVM-STATS-02, MVM-ENG-06: an event for each, and a number in the state, also when the container has ended."""
    bundle.resources["memory"] = {"limit": 48 * MIB}
    bundle.sh("while ! test -e /tmp/go; do sleep 0.05; done; tail /dev/zero; echo $?; exec tail /dev/zero")
    bundle.mount("/tmp", "tmpfs", "tmpfs")
    container = machines.started(bundle)
    assert container.state()["ringfence"]["oomKills"] == 0
    watching = machines.spawn("events", "--interval", "100ms", container.id)
    wait_until(lambda: lines_of(watching) != [], "the first line")
    container.sh("touch /tmp/go").ok()
    wait_until(lambda: container.status() == "stopped", "the end")
    assert container.output() == "137\n"
    assert container.state()["ringfence"]["oomKills"] == 2
    container.delete().ok()
    watching.wait().ok()
    assert [line for line in lines_of(watching) if line["type"] == "oom"] == [{"type": "oom", "id": container.id}] * 2
