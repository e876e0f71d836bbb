"""Rules about the system call filter."""

from __future__ import annotations

from typing import Any

import pytest

from ringfence.seccomp.names import ACTIONS, ARCHITECTURES, FLAGS, OPERATORS
from tests.unit.spec.documents import Document, loaded, problems

RULE = {"names": ["getpid"], "action": "SCMP_ACT_LOG"}


def section(**changes: Any) -> Document:
    """A valid section with changes."""
    return {"defaultAction": "SCMP_ACT_ALLOW", **changes}


def refused(**changes: Any) -> dict[str, str]:
    """The problems of a section with these changes, by their place below it."""
    found = problems(lambda made: made["linux"].update(seccomp=section(**changes)))
    return {pointer.removeprefix("/linux/seccomp"): text for pointer, text in found.items()}


def accepted(**changes: Any) -> bool:
    """Whether a section with these changes is loaded."""
    config = loaded(lambda made: made["linux"].update(seccomp=section(**changes)))
    return config.linux is not None and config.linux.seccomp is not None


@pytest.mark.parametrize("action", ACTIONS)
def test_actions(action: str) -> None:
    """LNX-SEC-01: nine actions."""
    assert accepted(syscalls=[{"names": ["getpid"], "action": action}], listenerPath="/run/agent")


@pytest.mark.parametrize("action", ["SCMP_ACT_SHRUG", "allow", ""])
def test_other_actions_are_refused(action: str) -> None:
    """LNX-SEC-01: other text is named."""
    text = f"string {action} is not a valid action for seccomp"
    assert refused(defaultAction=action) == {"/defaultAction": text}
    assert refused(syscalls=[{"names": ["getpid"], "action": action}]) == {"/syscalls/0/action": text}


@pytest.mark.parametrize("action", ["SCMP_ACT_ERRNO", "SCMP_ACT_TRACE", "SCMP_ACT_ALLOW"])
def test_an_errno_belongs_to_some_actions(action: str) -> None:
    """LNX-SEC-02: ERRNO and TRACE use it, next to ALLOW it is harmless."""
    assert accepted(defaultAction=action, defaultErrnoRet=38, syscalls=[{**RULE, "action": action, "errnoRet": 0}])


@pytest.mark.parametrize("action", ["SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP", "SCMP_ACT_LOG"])
def test_an_errno_next_to_other_actions_is_refused(action: str) -> None:
    """LNX-SEC-02: given with another action it is an error."""
    text = f"{action} returns no errno"
    assert refused(defaultAction=action, defaultErrnoRet=1) == {"/defaultErrnoRet": text}
    assert refused(syscalls=[{**RULE, "action": action, "errnoRet": 1}]) == {"/syscalls/0/errnoRet": text}


def test_an_errno_fits_into_the_filters_answer() -> None:
    """seccomp(2): SECCOMP_RET_DATA has 16 bits, more would change the action."""
    found = refused(syscalls=[{**RULE, "action": "SCMP_ACT_ERRNO", "errnoRet": 65536}])
    assert found == {"/syscalls/0/errnoRet": "must be from 0 to 65535, not 65536"}


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators(operator: str) -> None:
    """LNX-SEC-03: seven operators, six arguments."""
    arguments = [{"index": index, "value": 1, "op": operator} for index in range(6)]
    assert accepted(syscalls=[{**RULE, "args": arguments}])


def test_other_arguments_are_refused() -> None:
    """LNX-SEC-03: other operators, and more than six arguments."""
    arguments = [{"index": 6, "value": 1, "op": "SCMP_CMP_XX"}]
    assert refused(syscalls=[RULE, {**RULE, "args": arguments}]) == {
        "/syscalls/1/args/0/index": "must be from 0 to 5, not 6",
        "/syscalls/1/args/0/op": "string SCMP_CMP_XX is not a valid operator for seccomp",
    }


def test_a_rule_has_names() -> None:
    """config-linux.md, Seccomp: names MUST contain at least one entry; LNX-SEC-05: unknown ones are no error."""
    assert refused(syscalls=[{**RULE, "names": []}]) == {"/syscalls/0/names": "must not be empty"}
    assert accepted(syscalls=[{**RULE, "names": ["no_such_call", ""]}])


def test_architectures() -> None:
    """LNX-SEC-07: names of the list; null and empty mean the native one."""
    assert accepted(architectures=list(ARCHITECTURES))
    assert accepted(architectures=[])
    text = "string SCMP_ARCH_Z80 is not a valid arch for seccomp"
    assert refused(architectures=["SCMP_ARCH_X86", "SCMP_ARCH_Z80"]) == {"/architectures/1": text}


def test_flags() -> None:
    """LNX-SEC-08: known ones, unknown ones are refused."""
    assert accepted(flags=list(FLAGS))
    assert refused(flags=["SECCOMP_FILTER_FLAG_X"]) == {"/flags/0": 'seccomp flag "SECCOMP_FILTER_FLAG_X" is not known'}


@pytest.mark.parametrize(("flags", "expected"), [(None, None), ([], ())])
def test_absent_flags_are_not_empty_ones(flags: list[str] | None, expected: tuple[str, ...] | None) -> None:
    """LNX-SEC-08: absent asks for a default, ``[]`` for none."""
    config = loaded(lambda made: made["linux"].update(seccomp=section(flags=flags)))
    assert config.linux is not None
    assert config.linux.seccomp is not None
    assert config.linux.seccomp.flags == expected


@pytest.mark.parametrize("path", [None, ""])
def test_notify_needs_a_listener(path: str | None) -> None:
    """LNX-SEC-11: an empty listenerPath is an error with NOTIFY, and ignored without."""
    rule = {"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}
    assert refused(syscalls=[rule], listenerPath=path) == {
        "/listenerPath": "must be given when SCMP_ACT_NOTIFY is used"
    }
    assert accepted(syscalls=[RULE], listenerPath=path, listenerMetadata="x")


def test_notify_is_not_for_write_and_not_the_default() -> None:
    """LNX-SEC-12: the init itself would wait for the agent."""
    rule = {"names": ["mkdir", "write"], "action": "SCMP_ACT_NOTIFY"}
    found = refused(defaultAction="SCMP_ACT_NOTIFY", syscalls=[RULE, rule], listenerPath="/run/agent")
    assert found == {
        "/defaultAction": "SCMP_ACT_NOTIFY cannot be used as default action",
        "/syscalls/1/names": "SCMP_ACT_NOTIFY cannot be used for the write syscall",
    }
