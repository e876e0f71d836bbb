"""Rules about the process."""

from __future__ import annotations

from typing import Any

import pytest

from ringfence.spec.names import IO_CLASSES, RLIMITS, SCHEDULER_FLAGS, SCHEDULER_POLICIES
from ringfence.spec.types import Capabilities
from ringfence.spec.validate import capability_warnings, warnings
from tests.unit.spec.documents import Document, loaded, problems


def refused(**changes: Any) -> dict[str, str]:
    """The problems of a process with these changes, by their place below ``/process``."""
    found = problems(lambda made: made["process"].update(changes))
    return {pointer.removeprefix("/process"): text for pointer, text in found.items()}


def accepted(**changes: Any) -> bool:
    """Whether a process with these changes is loaded."""
    return loaded(lambda made: made["process"].update(changes)).process is not None


@pytest.mark.parametrize(
    ("cwd", "text"),
    [
        (None, "Cwd property must not be empty"),
        ("", "Cwd property must not be empty"),
        ("tmp", "Cwd must be an absolute path"),
        (".", "Cwd must be an absolute path"),
    ],
)
def test_cwd_is_absolute(cwd: str | None, text: str) -> None:
    """LNX-CWD-01: missing and relative working directories are refused."""
    assert refused(cwd=cwd) == {"/cwd": text}


@pytest.mark.parametrize("args", [None, []])
def test_args_are_needed(args: list[str] | None) -> None:
    """LNX-ARGS-01: empty or missing args are refused."""
    assert refused(args=args) == {"/args": "args must not be empty"}


def test_environment_entries_have_a_name_and_a_value() -> None:
    """LNX-ENV-03: an entry without ``=`` is refused."""
    assert refused(env=["A=", "B=c=d\n", "X", "", "=x"]) == {
        "/env/2": 'invalid environment variable: "X"',
        "/env/3": 'invalid environment variable: ""',
        "/env/4": 'invalid environment variable: "=x"',
    }


@pytest.mark.parametrize("name", RLIMITS)
def test_rlimit_types(name: str) -> None:
    """LNX-RLIM-01: the sixteen types."""
    assert accepted(rlimits=[{"type": name, "soft": 0, "hard": 2**64 - 1}])


@pytest.mark.parametrize("name", ["RLIMIT_FOO", "RLIMIT_nofile", "NOFILE", ""])
def test_unknown_rlimit_types_are_refused(name: str) -> None:
    """LNX-RLIM-01: anything else is an error that quotes it."""
    assert refused(rlimits=[{"type": name, "soft": 0, "hard": 0}]) == {"/rlimits/0/type": f"wrong rlimit value: {name}"}


def test_duplicate_rlimits_are_refused() -> None:
    """LNX-RLIM-03: a type may be listed once."""
    one = {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}
    other = {"type": "RLIMIT_CPU", "soft": 0, "hard": 0}
    assert refused(rlimits=[one, other, one]) == {"/rlimits/2/type": "duplicate rlimit: RLIMIT_CORE"}


def test_a_soft_limit_is_not_above_the_hard_one() -> None:
    rlimits = [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}]
    assert refused(rlimits=rlimits) == {"/rlimits/0/soft": "must not be above the hard limit 1"}


def test_oom_score_adj_has_the_kernels_range() -> None:
    """LNX-PRIV-02: values that the kernel would refuse."""
    assert accepted(oomScoreAdj=-1000)
    assert accepted(oomScoreAdj=1000)
    assert refused(oomScoreAdj=1001) == {"/oomScoreAdj": "must be from -1000 to 1000, not 1001"}


@pytest.mark.parametrize("policy", SCHEDULER_POLICIES)
def test_scheduler_policies(policy: str) -> None:
    """LNX-SCHED-01: seven policies."""
    priority = 50 if policy in ("SCHED_FIFO", "SCHED_RR") else 0
    assert accepted(scheduler={"policy": policy, "priority": priority, "flags": list(SCHEDULER_FLAGS)})


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        ({}, {"/policy": 'invalid scheduler policy ""'}),
        ({"policy": "SCHED_MAGIC"}, {"/policy": 'invalid scheduler policy "SCHED_MAGIC"'}),
        ({"policy": "SCHED_OTHER", "flags": ["X"]}, {"/flags/0": 'invalid scheduler flag "X"'}),
        ({"policy": "SCHED_OTHER", "nice": 20}, {"/nice": "must be from -20 to 19, not 20"}),
        ({"policy": "SCHED_BATCH", "nice": -21}, {"/nice": "must be from -20 to 19, not -21"}),
        ({"policy": "SCHED_OTHER", "priority": 1}, {"/priority": "is only for SCHED_FIFO and SCHED_RR"}),
        ({"policy": "SCHED_FIFO"}, {"/priority": "must be from 1 to 99 for SCHED_FIFO, not 0"}),
        ({"policy": "SCHED_RR", "priority": 100}, {"/priority": "must be from 1 to 99 for SCHED_RR, not 100"}),
        ({"policy": "SCHED_RR", "priority": 1, "runtime": 5}, {"/runtime": "is only for SCHED_DEADLINE"}),
        ({"policy": "SCHED_OTHER", "deadline": 5}, {"/deadline": "is only for SCHED_DEADLINE"}),
        ({"policy": "SCHED_OTHER", "period": 5}, {"/period": "is only for SCHED_DEADLINE"}),
        ({"policy": 5, "priority": 1}, {"/policy": "must be a string, not 5"}),
    ],
)
def test_invalid_schedulers_are_refused(scheduler: Document, expected: Document) -> None:
    """LNX-SCHED-01 to LNX-SCHED-03: unknown words, and values that do not belong to the policy."""
    assert refused(scheduler=scheduler) == {f"/scheduler{place}": text for place, text in expected.items()}


def test_a_deadline_scheduler_has_times() -> None:
    """LNX-SCHED-03: runtime, deadline and period belong to SCHED_DEADLINE; zero is the same as absent."""
    assert accepted(scheduler={"policy": "SCHED_DEADLINE", "runtime": 1, "deadline": 2, "period": 3})
    assert accepted(scheduler={"policy": "SCHED_OTHER", "runtime": 0, "priority": 0, "nice": -20})


@pytest.mark.parametrize("name", IO_CLASSES)
@pytest.mark.parametrize("priority", [0, 7])
def test_io_priorities(name: str, priority: int) -> None:
    """LNX-SCHED-05: three classes, eight priorities."""
    assert accepted(ioPriority={"class": name, "priority": priority})


@pytest.mark.parametrize(
    ("io_priority", "expected"),
    [
        ({}, {"/class": 'invalid ioPriority class ""'}),
        ({"class": "IOPRIO_CLASS_NONE"}, {"/class": 'invalid ioPriority class "IOPRIO_CLASS_NONE"'}),
        ({"class": "IOPRIO_CLASS_BE", "priority": 8}, {"/priority": "must be from 0 to 7, not 8"}),
        ({"class": "IOPRIO_CLASS_BE", "priority": -1}, {"/priority": "must be from 0 to 7, not -1"}),
    ],
)
def test_invalid_io_priorities_are_refused(io_priority: Document, expected: Document) -> None:
    """LNX-SCHED-05: anything else is an error."""
    assert refused(ioPriority=io_priority) == {f"/ioPriority{place}": text for place, text in expected.items()}


@pytest.mark.parametrize("text", ["0", "0-3,7", " 1 , 2-3 ", "", "8191", "5,1-2,1"])
def test_cpu_lists(text: str) -> None:
    """LNX-SCHED-08: lists such as ``0-3,7``."""
    assert accepted(execCPUAffinity={"initial": text, "final": text})


@pytest.mark.parametrize("text", ["a", "1-", "-1", "3-1", "1,,2", "0x1", "8192", "٣", "9" * 30, "1-2-3", ","])
def test_bad_cpu_lists_are_refused(text: str) -> None:
    """LNX-SCHED-08: a bad list is an error."""
    found = refused(execCPUAffinity={"initial": "0", "final": text})
    assert list(found) == ["/execCPUAffinity/final"]
    assert found["/execCPUAffinity/final"].startswith("invalid CPU list ")


def test_unknown_capabilities_are_a_warning() -> None:
    """LNX-CAP-02: names not known or not available are ignored with one warning."""
    capabilities = {"bounding": ["CAP_KILL", "UNKNOWN_CAP", "cap_chown"], "ambient": ["CAP_UNKNOWN", "UNKNOWN_CAP"]}
    config = loaded(lambda made: made["process"].update(capabilities=capabilities))
    assert warnings(config) == ["ignoring unknown or unavailable capabilities: [CAP_UNKNOWN UNKNOWN_CAP cap_chown]"]


def test_capabilities_above_the_kernels_last_one_are_a_warning() -> None:
    """LNX-CAP-06: bits above the kernel's cap_last_cap are ignored with the warning."""
    capabilities = Capabilities(permitted=("CAP_PERFMON", "CAP_BPF", "CAP_AUDIT_READ"))
    assert capability_warnings(capabilities) == []
    words = "ignoring unknown or unavailable capabilities"
    assert capability_warnings(capabilities, (2 << 38) - 1) == [f"{words}: [CAP_BPF]"]
    assert capability_warnings(capabilities, (2 << 37) - 1) == [
        "ignoring unknown or unavailable capabilities: [CAP_BPF CAP_PERFMON]"
    ]


@pytest.mark.parametrize("capabilities", [None, {}])
def test_absent_capabilities_are_no_warning(capabilities: Document | None) -> None:
    """LNX-CAP-01: absent or empty means that all sets are empty."""
    assert warnings(loaded(lambda made: made["process"].update(capabilities=capabilities))) == []
