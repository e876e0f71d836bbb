"""Whole plans, kept as text: a change to one is seen in review. UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ringfence.cli.explain import as_table
from ringfence.container.choice import Choice
from ringfence.drivers.jail.parameters import notes
from ringfence.drivers.jail.plan import compile_exec
from ringfence.drivers.jail.steps import AwaitStart, BecomeUser, Execute, SetLimit
from tests.unit.jail.configs import Document, loaded, plain, plan_of, process, shown

GOLDEN = Path(__file__).parent / "golden"


def full() -> Document:
    """A container that asks for much."""
    made = process(
        terminal=True,
        consoleSize={"height": 24, "width": 80},
        cwd="/srv/app",
        user={"uid": 1000, "gid": 1000, "umask": 0o77, "additionalGids": [5, 6]},
        rlimits=[{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 2**64 - 1}],
    )
    made["root"]["readonly"] = True
    made["domainname"] = "example.org"
    made["freebsd"] = {
        "devices": [{"path": "bpf", "mode": 0o600}],
        "jail": {
            "parent": "pod",
            "ip4Addr": ["10.0.0.5"],
            "ip6Addr": ["fd00::5"],
            "interface": "lo0",
            "enforceStatfs": 1,
            "sysvshm": "inherit",
            "allow": {"rawSockets": True, "chflags": False, "mount": ["tmpfs"]},
        },
    }
    made["mounts"] += [
        {"destination": "/dev/fd", "type": "fdescfs", "options": ["linrdlnk"]},
        {"destination": "/tmp", "type": "tmpfs", "options": ["size=16m", "nosuid", "tmpcopyup"]},
        {"destination": "/www/../site", "source": "site", "options": ["rbind", "ro", "rprivate"]},
    ]
    made["linux"] = {
        "resources": {
            "memory": {"limit": 64 << 20, "swap": 96 << 20},
            "pids": {"limit": 20},
            "cpu": {"quota": 25000, "period": 100000, "cpus": "0-1, 3"},
        }
    }
    made["hooks"] = {
        "createRuntime": [{"path": "/usr/bin/net", "args": ["net", "up"]}],
        "createContainer": [{"path": "/usr/bin/inner"}],
        "startContainer": [{"path": "/bin/inside"}],
        "poststop": [{"path": "/bin/after"}],
    }
    return made


def pod() -> Document:
    """A container with a network stack of its own."""
    return plain(freebsd={"jail": {"vnet": "new", "vnetInterfaces": ["epair0b"]}}, mounts=[], hostname=None)


CASES = {"plain": plain(), "full": full(), "pod": pod()}


@pytest.mark.parametrize("name", CASES)
def test_the_plan_is_the_one_on_record(name: str) -> None:
    """JAIL-CREATE-01, JAIL-CREATE-02, JAIL-MNT-01, JAIL-MNT-16, JAIL-HOOK-01: the steps and their order."""
    made = shown(plan_of(CASES[name]))
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(made)
    assert made == path.read_text()


def test_explain_shows_it_with_what_is_left_open() -> None:
    """JAIL-CREATE-13, JAIL-PAUSE-02, JAIL-HOOK-03: the same steps with their fields, and notes."""
    config = loaded(full()).config
    table = as_table(plan_of(full()), "./b", Choice("jail", "--driver"), notes(config))
    assert "driver jail" in table
    assert "#/freebsd/devices/0/path" in table
    assert "there is no freezer" in table
    assert "createContainer hooks run on the host" in table


def test_nothing_is_done_between_waiting_and_start() -> None:
    """JAIL-START-01, JAIL-PROC-06: behind the wait come folder, limits, user and program, in this order."""
    steps = plan_of(full()).part("start").host
    names = [type(step).__name__ for step in steps]
    assert names == ["AwaitStart", "EnterFolder", "SetLimit", "BecomeUser", "RunHook", "Execute"]
    assert isinstance(steps[0], AwaitStart)


@pytest.mark.parametrize(("release", "groups"), [(13, (7, 5, 6)), (14, (7, 5, 6)), (15, (5, 6))])
def test_the_first_group_was_the_effective_one_before_15(release: int, groups: tuple[int, ...]) -> None:
    """JAIL-PROC-01."""
    plan = plan_of(process(user={"uid": 1, "gid": 7, "additionalGids": [5, 6]}), release=release)
    become = next(step for step in plan.part("start").host if isinstance(step, BecomeUser))
    assert become.all_groups == groups


@pytest.mark.parametrize("amount", [2**63 - 1, 2**64 - 1])
def test_both_infinities(amount: int) -> None:
    """JAIL-PROC-06."""
    plan = plan_of(process(rlimits=[{"type": "RLIMIT_CORE", "soft": 0, "hard": amount}]))
    limit = next(step for step in plan.part("start").host if isinstance(step, SetLimit))
    assert (limit.soft, limit.hard) == (0, -1)


def test_an_exec_does_not_wait() -> None:
    """JAIL-EXEC-01: it attaches and becomes its program."""
    config = loaded(full()).config
    assert config.process is not None
    steps = compile_exec(config.process, 14).part("entry").host
    names = [type(step).__name__ for step in steps]
    assert names == ["Attach", "OpenTerminal", "EnterFolder", "SetLimit", "BecomeUser", "Execute"]
    assert isinstance(steps[-1], Execute)
    assert steps[-1].args == config.process.args
