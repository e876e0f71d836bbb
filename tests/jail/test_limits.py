"""Limits by rctl and cpuset, and what a container uses."""

from __future__ import annotations

import json

from tests.jail.harness import Host, poll


def rules(host: Host, container_id: str) -> list[str]:
    """The rules of a container's jail without their subject."""
    begin = f"jail:{container_id}:"
    found = host.tool("rctl", f"jail:{container_id}").ok().out.splitlines()
    return sorted(line.removeprefix(begin) for line in found)


def test_limits_become_rules_and_go_again(host: Host) -> None:
    """JAIL-UPD-01, JAIL-UPD-02, JAIL-UPD-03, JAIL-UPD-04, JAIL-DEL-04: a rule for each field, none after delete."""
    host.needs_limits()
    bundle = host.bundle()
    bundle.resources.update(
        {
            "memory": {"limit": 64 << 20, "swap": 96 << 20},
            "pids": {"limit": 20},
            "cpu": {"quota": 25000, "period": 100000, "cpus": "0"},
            "devices": [{"allow": False, "access": "rwm"}],
            "blockIO": {"throttleReadBpsDevice": [{"major": 0, "minor": 0, "rate": 1048576}]},
        }
    )
    container = host.start(bundle)
    assert rules(host, container.id) == [
        "maxproc:deny=20",
        "memoryuse:deny=67108864",
        "pcpu:deny=25",
        "readbps:throttle=1048576",
        "swapuse:deny=33554432",
    ]
    assert host.tool("cpuset", "-g", "-j", container.jid).ok().out.splitlines()[0].endswith("mask: 0")
    container.run("update", options=["--memory", "128m", "--pids-limit", "30"]).ok()
    assert rules(host, container.id)[:2] == ["maxproc:deny=30", "memoryuse:deny=134217728"]
    container.run("update", options=["--pids-limit", "-1"]).ok()
    assert "maxproc" not in "".join(rules(host, container.id))
    container.run("update", options=["--cpu-share", "512"]).refused("shares")
    container.delete("--force").ok()
    assert rules(host, container.id) == []


def test_limits_that_there_are_not(host: Host) -> None:
    """JAIL-UPD-02, JAIL-UPD-03: refused by name."""
    cases: list[tuple[dict[str, object], str]] = [
        ({"cpu": {"shares": 512}}, "/linux/resources/cpu/shares"),
        ({"cpu": {"mems": "0"}}, "/linux/resources/cpu/mems"),
        ({"cpu": {"cpus": "0-"}}, "/linux/resources/cpu/cpus"),
        ({"memory": {"swappiness": 60}}, "/linux/resources/memory/swappiness"),
        ({"memory": {"reservation": 1 << 20}}, "/linux/resources/memory/reservation"),
        ({"unified": {"memory.high": "1"}}, "/linux/resources/unified"),
        ({"blockIO": {"weight": 10}}, "/linux/resources/blockIO/weight"),
        ({"devices": [{"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"}]}, "freebsd.devices"),
    ]
    for resources, text in cases:
        bundle = host.bundle()
        bundle.resources.update(resources)
        host.refuses(bundle, text)


def test_figures(host: Host) -> None:
    """JAIL-STAT-01, JAIL-STAT-02, JAIL-KILL-05: from rctl's counters; a container that has stopped has none."""
    host.needs_limits()
    bundle = host.bundle()
    bundle.resources["pids"] = {"limit": 20}
    container = host.start(bundle)
    event = json.loads(container.run("events", options=["--stats"]).ok().out)
    assert (event["type"], event["id"]) == ("stats", container.id)
    assert event["data"]["pids"] == {"current": 1, "limit": 20}
    assert len(event["data"]["raw"]) == 25
    container.kill("KILL").ok()
    container.ends()
    container.run("events", options=["--stats"]).refused(f"container with id {container.id} is not running")


def test_limits_hold_from_the_first_instruction(host: Host) -> None:
    """JAIL-UPD-06: the sixth process of five is refused."""
    from tests.jail.harness import Skip

    host.needs_limits()
    if host.is_standin:
        raise Skip("the stand-ins keep rules and enforce none")
    script = "for n in 1 2 3 4 5 6 7 8; do /bin/sleep 30 & done; echo all"
    bundle = host.sh(script)
    bundle.resources["pids"] = {"limit": 5}
    container = host.start(bundle)
    poll(lambda: "annot fork" in container_errors(container.out), "a refusal")


def container_errors(path: str) -> str:
    """What a container has said on standard error."""
    with open(f"{path}.err") as file:
        return file.read()
