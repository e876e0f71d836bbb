"""events: statistics as JSON lines, and what happens to a container."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.support import Bundle, Container, Process, Runtime, cgroup, wait_until
from tests.support.mark import needs
from tests.support.process import read_text

pytestmark = needs("memory", "pids", "cpu")

CPUSET_NUMBERS = [
    "cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page", "memory_spread_slab",
    "memory_pressure", "sched_load_balance", "sched_relax_domain_level",
]  # fmt: skip
v1 = pytest.mark.skipif(cgroup.is_v2(), reason="needs cgroup v1")


@pytest.fixture
def box(runtime: Runtime, bundle: Bundle) -> Container:
    """A running container with limits."""
    bundle.resources["memory"] = {"limit": 32 << 20, "swap": 32 << 20}
    bundle.resources["pids"] = {"limit": 20}
    bundle.sleep()
    return runtime.started(bundle)


def stats(container: Container) -> dict[str, Any]:
    """``data`` of ``events --stats``."""
    line = container.runtime.run("events", "--stats", container.id).ok().out
    assert line.endswith("\n")
    assert line.count("\n") == 1
    held: dict[str, Any] = json.loads(line)["data"]
    return held


def lines_of(process: Process) -> list[dict[str, Any]]:
    """The objects it has printed so far."""
    return [json.loads(line) for line in read_text(process.out).splitlines(keepends=True) if line.endswith("\n")]


@pytest.mark.parametrize("interval", ["100ms", "0.1s", "100000us", "0h0m0.05s"])
def test_statistics_at_intervals(box: Container, interval: str) -> None:
    """LNX-EVT-01: one JSON object per line, statistics at every interval."""
    process = box.runtime.spawn("events", "--interval", interval, box.id)
    wait_until(lambda: len(lines_of(process)) >= 3, "three lines")
    assert {line["type"] for line in lines_of(process)} == {"stats"}
    box.delete("--force").ok()
    process.wait()


def test_the_default_interval(box: Container) -> None:
    """LNX-EVT-01: the default interval is 5 seconds, as the help says."""
    assert "5s" in box.runtime.run("events", "--help").ok().out


def test_one_line_of_statistics(box: Container) -> None:
    """LNX-EVT-02: ``--stats`` prints one line and ends."""
    assert stats(box)


@pytest.mark.parametrize("interval", ["0s", "-1s"])
def test_an_interval_that_is_none(box: Container, interval: str) -> None:
    """LNX-EVT-02: an interval has to be greater than 0."""
    text = "duration interval must be greater than 0"
    box.runtime.refuses(text, "events", f"--interval={interval}", box.id)


def test_a_word_that_is_no_interval(box: Container) -> None:
    """LNX-EVT-01: an interval needs a unit."""
    for word in ("5", "abc", "5x"):
        assert box.runtime.run("events", "--interval", word, box.id).code == 1


def test_a_stopped_container(box: Container) -> None:
    """LNX-EVT-03: a container that does not run has no events."""
    box.end()
    box.runtime.refuses(f"container with id {box.id} is not running", "events", box.id)
    box.runtime.refuses(f"container with id {box.id} is not running", "events", "--stats", box.id)


def test_the_form_of_a_line(box: Container) -> None:
    """LNX-EVT-04: type, id and data in this order, without blanks."""
    line = box.runtime.run("events", "--stats", box.id).ok().out
    assert line.startswith(f'{{"type":"stats","id":"{box.id}","data":{{"cpu":{{')
    assert list(json.loads(line)) == ["type", "id", "data"]


def test_an_oom_kill(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EVT-04: a process killed for lack of memory is an event of type oom."""
    bundle.resources["memory"] = {"limit": 16 << 20, "swap": 16 << 20}
    bundle.sh("while [ ! -e /tmp/go ]; do sleep 0.05; done; head -c 64m /dev/zero | tail; sleep 1000")
    bundle.mount("/tmp", "tmpfs", "tmpfs", "size=1m")
    container = runtime.started(bundle)
    process = runtime.spawn("events", "--interval", "100ms", container.id)
    wait_until(lambda: lines_of(process) != [], "the first line")
    container.exec("touch", "/tmp/go").ok()
    wait_until(lambda: any(line["type"] == "oom" for line in lines_of(process)), "the event")
    oom = next(line for line in lines_of(process) if line["type"] == "oom")
    assert oom == {"type": "oom", "id": container.id}
    container.delete("--force").ok()
    assert process.wait().code == 0


def test_the_end(box: Container) -> None:
    """LNX-EVT-05: the loop ends with status 0 when the container is deleted."""
    process = box.runtime.spawn("events", "--interval", "50ms", box.id)
    wait_until(lambda: lines_of(process) != [], "the first line")
    box.delete("--force").ok()
    assert process.wait().code == 0


def test_cpu_usage(box: Container) -> None:
    """LNX-EVT-06: CPU usage in nanoseconds; kernel and user always present, per-CPU lists on v1 only."""
    before = stats(box)["cpu"]["usage"]
    box.sh("n=0; while [ $n -lt 200000 ]; do n=$((n+1)); done").ok()
    usage = stats(box)["cpu"]["usage"]
    assert usage["total"] > before["total"] + 10_000_000
    assert {"kernel", "user"} <= set(usage)
    assert ("percpu" in usage) == (not cgroup.is_v2())
    if not cgroup.is_v2():
        assert len(usage["percpu"]) == os.cpu_count()
        folder = cgroup.of_process(box.pid)["cpuacct"]
        assert usage["total"] <= int(cgroup.read(folder, "cpuacct.usage"))
        assert {"percpu_kernel", "percpu_user"} <= set(usage)


def test_throttling(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EVT-07: the object is always present, zero members are left out."""
    bundle.sleep()
    container = runtime.started(bundle)
    assert stats(container)["cpu"]["throttling"] == {}
    container.delete("--force").ok()
    bundle.resources["cpu"] = {"quota": 1000, "period": 10000}
    bundle.sh("while :; do :; done")
    container = runtime.started(bundle)
    # The kernel counts a period as throttled when it begins to be, and the time when it ends.
    wait_until(lambda: "throttledTime" in stats(container)["cpu"]["throttling"], "time spent throttled")
    assert set(stats(container)["cpu"]["throttling"]) == {"periods", "throttledPeriods", "throttledTime"}


@v1
def test_cpusets(box: Container) -> None:
    """LNX-EVT-08: cpus and mems as lists of numbers, and nine numbers."""
    held = stats(box)["cpuset"]
    folder = cgroup.of_process(box.pid)["cpuset"]
    assert held["cpus"] == expanded(cgroup.read(folder, "cpuset.cpus"))
    assert held["mems"] == expanded(cgroup.read(folder, "cpuset.mems"))
    for name in CPUSET_NUMBERS:
        assert held[name] == int(cgroup.read(folder, f"cpuset.{name}")), name


def expanded(text: str) -> list[int]:
    """``0-2,4`` as numbers."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


@v1
def test_memory(box: Container) -> None:
    """LNX-EVT-09: cache, four groups of limits, and every line of memory.stat."""
    held = stats(box)["memory"]
    folder = cgroup.of_process(box.pid)["memory"]
    assert held["usage"]["limit"] == 32 << 20
    assert held["swap"]["limit"] == 32 << 20
    assert 0 < held["usage"]["usage"] <= held["usage"]["max"]
    for name in ("usage", "swap", "kernel", "kernelTCP"):
        assert {"limit", "failcnt"} <= set(held[name])
    lines = [line.split() for line in cgroup.read(folder, "memory.stat").splitlines()]
    assert set(held["raw"]) == {words[0] for words in lines}
    assert held["raw"]["hierarchical_memory_limit"] == 32 << 20


def test_processes(box: Container) -> None:
    """LNX-EVT-10: the number of processes and its limit."""
    assert stats(box)["pids"] == {"current": 1, "limit": 20}


def test_processes_without_limit(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EVT-10: without a limit it is left out or 0."""
    bundle.sleep()
    held = stats(runtime.started(bundle))["pids"]
    assert held["current"] == 1
    assert held.get("limit", 0) == 0


def test_block_devices(box: Container) -> None:
    """LNX-EVT-11: lists of {major, minor, op, value}, empty ones left out."""
    names = {
        "ioServiceBytesRecursive", "ioServicedRecursive", "ioQueueRecursive", "ioServiceTimeRecursive",
        "ioWaitTimeRecursive", "ioMergedRecursive", "ioTimeRecursive", "sectorsRecursive",
    }  # fmt: skip
    held = stats(box)["blkio"]
    held.pop("psi", None)
    assert set(held) <= names
    for entries in held.values():
        assert entries
        assert all({"value"} <= set(entry) <= {"major", "minor", "op", "value"} for entry in entries)


@pytest.mark.skipif(not cgroup.has_controller("hugetlb"), reason="the kernel has no hugetlb controller")
def test_huge_pages(box: Container) -> None:
    """LNX-EVT-12: usage, max and failcnt per page size."""
    held = stats(box)["hugetlb"]
    assert all(set(entry) <= {"usage", "max", "failcnt"} for entry in held.values())


@pytest.mark.skipif(cgroup.has_controller("hugetlb"), reason="the kernel has a hugetlb controller")
def test_no_huge_pages(box: Container) -> None:
    """LNX-EVT-12: without the controller there is nothing to tell."""
    assert stats(box).get("hugetlb") in (None, {})


def test_other_members(box: Container) -> None:
    """LNX-EVT-14: intel_rdt is an object; network_interfaces is null or a list."""
    held = stats(box)
    assert held["intel_rdt"] == {}
    interfaces = held["network_interfaces"]
    keys = {"Name", "RxBytes", "RxPackets", "RxErrors", "RxDropped", "TxBytes", "TxPackets", "TxErrors", "TxDropped"}
    assert interfaces is None or all(set(entry) == keys for entry in interfaces)


def test_a_created_container(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EVT-02, LNX-EVT-03: a created container has statistics."""
    container = runtime.create(bundle)
    assert stats(container)["pids"]["current"] >= 1
