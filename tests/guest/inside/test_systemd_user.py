"""--systemd-cgroup of an ordinary user: units of his own systemd."""

from __future__ import annotations

import os

import pytest

from tests.conformance.inside import inside
from tests.guest.inside.helpers import USERS_SYSTEMCTL, as_user, is_loaded, output, shown, with_systemd
from tests.support import Bundle, Runtime, cgroup

MIB = 1 << 20
BASE = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service"


@pytest.fixture
def rootless(runtime: Runtime, bundle: Bundle) -> Bundle:
    as_user(with_systemd(runtime), bundle)
    return bundle


def test_a_users_scope(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-SYSD-13, LNX-RLESS-06: the user's manager makes the scope; limits, pause, ps, update and exec work."""
    rootless.linux["resources"] = {"memory": {"limit": 64 * MIB}, "pids": {"limit": 40}}
    rootless.sleep()
    container = runtime.started(rootless)
    unit = f"ringfence-{container.id}.scope"
    folder = cgroup.of_process(container.pid)[""]
    assert folder == f"{BASE}/user.slice/{unit}"
    assert cgroup.read(folder, "memory.max") == str(64 * MIB)
    assert shown(unit, "TasksMax", user=True) == {"TasksMax": "40"}
    assert container.sh("id -u").ok().out == "0\n"
    runtime.run("pause", container.id).ok()
    assert container.status() == "paused"
    runtime.run("resume", container.id).ok()
    assert str(container.pid) in runtime.run("ps", container.id).ok().out
    runtime.run("update", "--pids-limit", "30", container.id).ok()
    assert cgroup.read(folder, "pids.max") == "30"
    assert shown(unit, "TasksMax", user=True) == {"TasksMax": "30"}
    container.delete("--force").ok()
    assert not is_loaded(unit, user=True)


def test_a_run(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-SYSD-13: a run in the foreground leaves nothing."""
    name = runtime.new_id()
    assert inside(runtime, rootless, "id -u", name=name) == "0\n"
    assert not is_loaded(f"ringfence-{name}.scope", user=True)


def test_without_a_bus(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-SYSD-13: a caller whose systemd cannot be found is told what it is found by."""
    runtime.prefix = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]
    rootless.args("true")
    rootless.write()
    result = runtime.run("run", "--bundle", rootless.path, runtime.new_id())
    assert result.code == 1
    assert "cannot reach systemd's bus" in runtime.last_error()


OUTSIDE = (
    "systemd-run", "--quiet", "--pipe", "--wait", "--same-dir", "--uid=1000", "--gid=1000",
    "--slice=user-1000.slice", "--setenv=XDG_RUNTIME_DIR=/run/user/1000",
    "--setenv=DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus", "--property=KillMode=process", "--",
)  # fmt: skip


def test_a_caller_outside_his_managers_cgroup(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-EXEC-31: he may not move a process into the scope, as from a login session; systemd does it for him."""
    runtime.prefix = list(OUTSIDE)
    rootless.sleep()
    container = runtime.started(rootless)
    folder = cgroup.of_process(container.pid)[""]
    assert folder == f"{BASE}/user.slice/ringfence-{container.id}.scope"
    assert container.sh("cat /proc/self/cgroup").ok().out == container.sh("cat /proc/1/cgroup").ok().out
    assert folder.endswith(container.sh("cat /proc/self/cgroup").ok().out.strip().rpartition("/")[2])
    container.delete("--force").ok()
    assert not os.path.exists(folder)


def test_exec_after_a_reload(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-EXEC-31: systemctl daemon-reload changes nothing for exec."""
    rootless.sleep()
    container = runtime.started(rootless)
    output(*USERS_SYSTEMCTL, "daemon-reload")
    assert container.sh("echo seen").ok().out == "seen\n"
