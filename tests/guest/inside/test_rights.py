"""What root may with CAP_SYS_RESOURCE, and an ordinary user without."""

from __future__ import annotations

import os
import stat

import pytest

from tests.conformance.inside import inside
from tests.guest.inside.helpers import USER, as_user, with_systemd
from tests.support import Bundle, Runtime


def test_limits_above_the_callers(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-RLIM-04: root may exceed the caller's hard limit."""
    bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 600_000, "hard": 700_000}]
    assert inside(runtime, bundle, "ulimit -Sn; ulimit -Hn") == "600000\n700000\n"


def test_limits_above_the_callers_in_a_user_namespace(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-RLIM-04: also where nobody inside has that right, create and exec alike."""
    bundle.user_namespace()
    bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 600_000, "hard": 700_000}]
    bundle.sleep()
    container = runtime.started(bundle)
    assert container.sh("ulimit -Hn; grep 'open files' /proc/1/limits").ok().out.split()[::4][:2] == [
        "700000",
        "600000",
    ]


@pytest.mark.parametrize("score", [-1000, -500, 0, 1000])
def test_any_score(runtime: Runtime, bundle: Bundle, score: int) -> None:
    """LNX-PRIV-02: oomScoreAdj is exactly what the process has, below the caller's too."""
    bundle.process["oomScoreAdj"] = score
    assert inside(runtime, bundle, "cat /proc/self/oom_score_adj") == f"{score}\n"


def test_the_root_folder_of_a_user(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CLI-16: below $XDG_RUNTIME_DIR it has the sticky bit, so that clean-up daemons leave it alone."""
    as_user(runtime, bundle)
    root = f"/run/user/{USER}/{runtime.new_id()}"
    bundle.args("true")
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW"}
    bundle.write()
    name = runtime.new_id()
    runtime.run("create", "--bundle", bundle.path, name, options=["--root", root]).ok()
    try:
        held = os.stat(root)
        assert (stat.S_IMODE(held.st_mode), held.st_uid) == (0o1700, USER)
    finally:
        runtime.run("delete", "--force", name, options=["--root", root]).ok()


def test_systemd_is_asked(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CLI-18: with systemd as the system's manager the option succeeds."""
    with_systemd(runtime)
    assert inside(runtime, bundle, "cat /proc/self/cgroup").startswith("0::/")
