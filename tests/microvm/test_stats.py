"""What events tells of a container in a machine of its own."""

from __future__ import annotations

import json
from typing import Any

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
