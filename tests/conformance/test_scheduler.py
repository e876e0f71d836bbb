"""process.scheduler, ioPriority, CPU affinity and execCPUAffinity; runc 1.1 knows none of the fields."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import pytest

from tests.conformance.inside import field, inside, output, refused, through
from tests.conformance.probe import install_probe
from tests.support import Bundle, Container, Runtime
from tests.support.mark import needs

SHOW = "cat /proc/self/status"
POLICIES = {"SCHED_OTHER": 0, "SCHED_FIFO": 1, "SCHED_RR": 2, "SCHED_BATCH": 3, "SCHED_IDLE": 5, "SCHED_DEADLINE": 6}
needs_two_cpus = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two CPUs")


def attributes(text: str) -> dict[str, int]:
    """What the probe says of a process' scheduling."""
    words = text.split()
    return {name: int(value) for name, value in zip(words[::2], words[1::2])}


def scheduling(runtime: Runtime, bundle: Bundle, scheduler: dict[str, Any]) -> dict[str, int]:
    """The scheduling attributes a program gets from ``process.scheduler``."""
    install_probe(bundle)
    bundle.process["scheduler"] = scheduler
    return attributes(inside(runtime, bundle, "probe sched"))


@pytest.mark.parametrize("policy", ["SCHED_OTHER", "SCHED_BATCH", "SCHED_IDLE"])
def test_policy(runtime: Runtime, bundle: Bundle, policy: str) -> None:
    """LNX-SCHED-01: scheduler.policy reaches the kernel."""
    assert scheduling(runtime, bundle, {"policy": policy})["policy"] == POLICIES[policy]


@pytest.mark.parametrize("policy", ["SCHED_FIFO", "SCHED_RR"])
def test_realtime_policy(runtime: Runtime, bundle: Bundle, policy: str) -> None:
    """LNX-SCHED-01, LNX-SCHED-02: real-time policies and their priority reach the kernel."""
    if os.path.exists("/sys/fs/cgroup/cpu/cpu.rt_runtime_us"):
        bundle.linux["cgroupsPath"] = f"/{runtime.new_id()}"
        bundle.resources["cpu"] = {"realtimePeriod": 1000000, "realtimeRuntime": 10000}
    found = scheduling(runtime, bundle, {"policy": policy, "priority": 7})
    assert (found["policy"], found["priority"]) == (POLICIES[policy], 7)


def test_deadline_policy(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SCHED-02: runtime, deadline and period reach the kernel."""
    times = {"runtime": 1_000_000, "deadline": 20_000_000, "period": 30_000_000}
    found = scheduling(runtime, bundle, {"policy": "SCHED_DEADLINE", **times})
    assert {name: found[name] for name in (*times, "policy")} == {**times, "policy": POLICIES["SCHED_DEADLINE"]}


def test_nice_for_init_and_exec(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SCHED-01, LNX-SCHED-02: the scheduler applies to init and exec; a process.json overrides it."""
    install_probe(bundle)
    bundle.process["scheduler"] = {"policy": "SCHED_BATCH", "nice": 5}
    bundle.sh("probe sched; exec sleep 1000")
    container = runtime.started(bundle)
    found = [attributes(container.wait_output("\n")), attributes(container.exec("probe", "sched").ok().out)]
    assert [(each["policy"], each["nice"]) for each in found] == [(POLICIES["SCHED_BATCH"], 5)] * 2
    words = {**bundle.process, "args": ["probe", "sched"], "scheduler": {"policy": "SCHED_IDLE"}}
    assert attributes(exec_process(container, words))["policy"] == POLICIES["SCHED_IDLE"]


def exec_process(container: Container, process: dict[str, Any], options: Sequence[str] = ()) -> str:
    """Standard output of ``exec --process``."""
    path = container.runtime.new_path("process.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(process, file)
    return container.runtime.run("exec", "--process", path, *options, container.id).ok().out


def test_reset_on_fork_flag(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SCHED-02: flags reach the kernel."""
    install_probe(bundle)
    bundle.process["scheduler"] = {"policy": "SCHED_BATCH", "flags": ["SCHED_FLAG_RESET_ON_FORK"]}
    bundle.args("probe", "sched")
    assert attributes(output(runtime, bundle))["flags"] == 1


BAD_SCHEDULERS: dict[str, dict[str, Any]] = {
    "no policy": {"nice": 1},
    "empty policy": {"policy": ""},
    "unknown policy": {"policy": "SCHED_HURRY"},
    "unknown flag": {"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_FOO"]},
    "nice too low": {"policy": "SCHED_OTHER", "nice": -21},
    "nice too high": {"policy": "SCHED_OTHER", "nice": 20},
    "priority without real time": {"policy": "SCHED_OTHER", "priority": 1},
    "priority too high": {"policy": "SCHED_FIFO", "priority": 100},
    "no priority": {"policy": "SCHED_RR", "priority": 0},
    "runtime without deadline": {"policy": "SCHED_OTHER", "runtime": 1000},
    "deadline without deadline": {"policy": "SCHED_FIFO", "priority": 1, "deadline": 1000},
    "period without deadline": {"policy": "SCHED_IDLE", "period": 1000},
}


@pytest.mark.parametrize("scheduler", BAD_SCHEDULERS.values(), ids=BAD_SCHEDULERS)
def test_bad_scheduler_is_refused(runtime: Runtime, bundle: Bundle, scheduler: dict[str, Any]) -> None:
    """LNX-SCHED-01, LNX-SCHED-02, LNX-SCHED-03: unknown words and values out of range are errors."""
    bundle.process["scheduler"] = scheduler
    refused(runtime, bundle)


@needs_two_cpus
@needs("cpuset")
def test_deadline_and_cpus_exclude_each_other(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SCHED-04: SCHED_DEADLINE with a cpuset that restricts the CPUs is refused."""
    times = {"runtime": 1_000_000, "deadline": 20_000_000, "period": 30_000_000}
    bundle.process["scheduler"] = {"policy": "SCHED_DEADLINE", **times}
    bundle.resources["cpu"] = {"cpus": "0"}
    refused(runtime, bundle, "process scheduler can't be used together with AllowedCPUs")


CLASSES = {"IOPRIO_CLASS_RT": "realtime", "IOPRIO_CLASS_BE": "best-effort", "IOPRIO_CLASS_IDLE": "idle"}


@pytest.mark.parametrize("name", CLASSES)
def test_io_priority(runtime: Runtime, bundle: Bundle, name: str) -> None:
    """LNX-SCHED-05: ioPriority shows in ionice for init and exec, and a process.json overrides it.

    runc 1.1 does not know it.
    """
    priority = 0 if name == "IOPRIO_CLASS_IDLE" else 4
    bundle.process["ioPriority"] = {"class": name, "priority": priority}
    bundle.sh("ionice -p 1; exec sleep 1000")
    container = runtime.started(bundle)
    expected = f"{CLASSES[name]}: prio {priority}" if priority else CLASSES[name]
    assert container.wait_output("\n").startswith(expected)
    assert container.sh("ionice -p $$").ok().out.startswith(expected)
    words = {**bundle.process, "args": ["sh", "-c", "ionice -p $$"], "ioPriority": {"class": "IOPRIO_CLASS_BE"}}
    assert exec_process(container, words) == "best-effort: prio 0\n"


BAD_PRIORITIES: list[dict[str, Any]] = [
    {},
    {"class": ""},
    {"class": "IOPRIO_CLASS_FOO"},
    {"class": "IOPRIO_CLASS_BE", "priority": 8},
    {"class": "IOPRIO_CLASS_BE", "priority": -1},
]


@pytest.mark.parametrize("given", BAD_PRIORITIES, ids=str)
def test_bad_io_priority_is_refused(runtime: Runtime, bundle: Bundle, given: dict[str, Any]) -> None:
    """LNX-SCHED-05: another class, or a priority outside 0…7, is an error."""
    bundle.process["ioPriority"] = given
    refused(runtime, bundle)


def all_cpus() -> str:
    """The CPUs of the machine as /proc/self/status lists them."""
    with open("/sys/devices/system/cpu/online", encoding="ascii") as file:
        return file.read().strip()


@needs_two_cpus
def test_affinity_of_the_caller_is_not_inherited(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SCHED-06: the program and exec'd ones get all CPUs, though the runtime was bound to one of them.

    runc 1.1 hands its own affinity down.
    """
    through(runtime, 'exec taskset -c 0 "$@"')
    bundle.sh(f"{SHOW}; echo .; exec sleep 1000")
    container = runtime.started(bundle)
    assert field(container.wait_output(".\n"), "Cpus_allowed_list") == all_cpus()
    assert field(container.sh(SHOW).ok().out, "Cpus_allowed_list") == all_cpus()


@needs_two_cpus
@needs("cpuset")
def test_affinity_is_the_cpuset(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SCHED-07: with a cpuset the affinity is that set, also when the caller runs elsewhere."""
    through(runtime, 'exec taskset -c 0 "$@"')
    bundle.resources["cpu"] = {"cpus": "1"}
    bundle.sh(f"{SHOW}; echo .; exec sleep 1000")
    container = runtime.started(bundle)
    assert field(container.wait_output(".\n"), "Cpus_allowed_list") == "1"
    assert field(container.sh(SHOW).ok().out, "Cpus_allowed_list") == "1"


@needs_two_cpus
def test_exec_affinity(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SCHED-08, LNX-SCHED-09: `final` from config.json holds for exec, not for init; with -p that file's holds.

    runc 1.1 does not know it.
    """
    bundle.process["execCPUAffinity"] = {"initial": "0", "final": "1"}
    bundle.sh(f"{SHOW}; echo .; exec sleep 1000")
    container = runtime.started(bundle)
    assert field(container.wait_output(".\n"), "Cpus_allowed_list") == all_cpus()
    assert field(container.sh(SHOW).ok().out, "Cpus_allowed_list") == "1"
    process = {**bundle.process, "args": ["cat", "/proc/self/status"], "execCPUAffinity": {"final": "0"}}
    assert field(exec_process(container, process), "Cpus_allowed_list") == "0"
    del process["execCPUAffinity"]
    assert field(exec_process(container, process), "Cpus_allowed_list") == all_cpus()


@pytest.mark.parametrize("value", ["zero", "1-", "0,,1", "3-1", "-1"])
@pytest.mark.parametrize("key", ["initial", "final"])
def test_bad_cpu_list_is_refused(runtime: Runtime, bundle: Bundle, key: str, value: str) -> None:
    """LNX-SCHED-08: a bad list is an error of exec."""
    bundle.sleep()
    container = runtime.started(bundle)
    bundle.process["execCPUAffinity"] = {key: value}
    bundle.write()
    assert container.exec("true").code == 255
