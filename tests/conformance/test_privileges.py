"""process.noNewPrivileges and process.oomScoreAdj."""

from __future__ import annotations

import os

import pytest

from tests.conformance.inside import field, inside, through
from tests.conformance.probe import install_probe
from tests.support import Bundle, Runtime

SHOW = "cat /proc/self/status"
SCORE = "cat /proc/self/oom_score_adj"


@pytest.mark.parametrize(("given", "shown"), [(True, "1"), (False, "0"), (None, "0")])
def test_no_new_privileges(runtime: Runtime, bundle: Bundle, given: bool | None, shown: str) -> None:
    """LNX-PRIV-01: noNewPrivileges true shows as `NoNewPrivs: 1`, false as 0, for init and exec."""
    bundle.process["noNewPrivileges"] = given
    bundle.sh(f"{SHOW}; echo .; exec sleep 1000")
    container = runtime.started(bundle)
    assert field(container.wait_output(".\n"), "NoNewPrivs") == shown
    assert field(container.sh(SHOW).ok().out, "NoNewPrivs") == shown


def test_set_user_id_has_no_effect(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-PRIV-01: with noNewPrivileges a set-user-ID program keeps the caller's ids."""
    install_probe(bundle)
    os.chmod(f"{bundle.rootfs}/bin/probe", 0o4755)
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    geteuid = "probe sys 107"
    assert inside(runtime, bundle, geteuid) == "ok 1000\n"
    bundle.process["noNewPrivileges"] = False
    assert inside(runtime, bundle, geteuid) == "ok 0\n"


@pytest.mark.parametrize("score", [0, 500, 1000])
def test_oom_score_adj(runtime: Runtime, bundle: Bundle, score: int) -> None:
    """LNX-PRIV-02: oomScoreAdj is exactly the value in /proc/self/oom_score_adj."""
    bundle.process["oomScoreAdj"] = score
    assert inside(runtime, bundle, SCORE) == f"{score}\n"


def test_oom_score_adj_of_the_caller(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-PRIV-02: unset, the caller's value stays."""
    through(runtime, 'echo 123 >/proc/self/oom_score_adj\nexec "$@"')
    assert inside(runtime, bundle, SCORE) == "123\n"


def test_oom_score_adj_replaces_the_callers(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-PRIV-02: set, it replaces the caller's value, 0 included."""
    through(runtime, 'echo 123 >/proc/self/oom_score_adj\nexec "$@"')
    bundle.process["oomScoreAdj"] = 0
    assert inside(runtime, bundle, SCORE) == "0\n"


def test_oom_score_adj_of_another_user(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-PRIV-02: the value is set for a program that is not root, too."""
    bundle.process["oomScoreAdj"] = 300
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    assert inside(runtime, bundle, SCORE) == "300\n"
