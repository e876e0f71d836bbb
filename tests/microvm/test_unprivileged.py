"""Machines for a caller who is not root."""

from __future__ import annotations

import os

import pytest

from tests.microvm.helpers import field, qemu
from tests.support import Bundle, Runtime, wait_until
from tests.support.rootless import give

CALLER = 1000


@pytest.fixture
def own(machines: Runtime, bundle: Bundle, workdir: str) -> Runtime:
    """The runtime, called by an ordinary user to whom its folder and the bundle belong."""
    bundle.write()
    for folder in (workdir, os.path.dirname(workdir)):
        os.chmod(folder, 0o755)
    give(workdir, CALLER)
    machines.prefix = ["setpriv", f"--reuid={CALLER}", f"--regid={CALLER}", "--clear-groups"]
    return machines


def test_a_whole_life(own: Runtime, bundle: Bundle) -> None:
    """MVM-CCOR-21: with a state folder of the caller's; the root is shared, and is root's own inside."""
    bundle.config["root"]["readonly"] = False
    bundle.sh("touch /made; echo ready; sleep 1000")
    container = own.started(bundle)
    container.wait_output("ready\n")
    assert field(qemu(container), "Uid").split() == [str(CALLER)] * 4
    assert field(qemu(container), "CapEff") == "0" * 16
    assert container.exec("stat", "-c", "%u:%g", "/made", "/bin").ok().out == "0:0\n0:0\n"
    assert os.stat(f"{bundle.rootfs}/made").st_uid == CALLER
    for verb, status in (("pause", "paused"), ("resume", "running")):
        own.run(verb, container.id).ok()
        assert container.status() == status
    assert "sleep 1000" in own.run("ps", container.id).ok().out
    own.run("kill", container.id, "KILL").ok()
    wait_until(lambda: container.status() == "stopped", "its end")
    own.run("delete", container.id).ok()


def test_a_paused_one_can_be_killed(own: Runtime, bundle: Bundle) -> None:
    """MVM-CCOR-21, MVM-KILL-02: it has no cgroup to be frozen; its machine stands."""
    bundle.sleep()
    container = own.started(bundle)
    own.run("pause", container.id).ok()
    own.refuses("cannot exec in a paused container", "exec", container.id, "true", code=255)
    own.run("kill", "--all", container.id, "KILL").ok()
    wait_until(lambda: container.status() == "stopped", "its end")


def test_what_only_root_can_give_is_said(own: Runtime, bundle: Bundle, workdir: str) -> None:
    """MVM-CCOR-21: a warning for each mount and network of the host's; what the guest mounts itself is there."""
    bundle.bind(workdir, "/data")
    bundle.namespace("network", "/var/run/netns/other")
    bundle.sh("ls /data 2>&1; mount | grep -c ' on /proc '; ls /sys/class/net")
    told = own.run_bundle(bundle).ok()
    assert told.out.splitlines()[1:] == ["1", "lo"]
    warnings = [record["msg"] for record in own.log_records() if record["level"] == "warning"]
    for what in ("the mount at /data", "the network /var/run/netns/other"):
        assert f"{what} is left out: only root can give it to a machine" in warnings


def test_a_state_folder_that_cannot_be_written(own: Runtime, bundle: Bundle) -> None:
    """MVM-CCOR-21: is named; help and version need neither it nor root."""
    options = ["--root", "/proc/nowhere/state", "--driver", "microvm"]
    refused = own.run("run", "--bundle", bundle.path, own.new_id(), options=options)
    assert refused.code == 1
    assert "/proc/nowhere" in refused.err
    for word in ("--help", "--version"):
        assert own.run(word).ok().out
