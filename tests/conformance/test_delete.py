"""What delete removes, and what it must not touch."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time

import pytest

from tests.support import Bundle, Container, Runtime, cgroup, wait_until
from tests.support.mark import unlike_runc
from tests.support.process import alive, read_text, stat_fields


def stopped(runtime: Runtime, bundle: Bundle) -> Container:
    """A container whose program has ended."""
    bundle.sh("true")
    container = runtime.started(bundle)
    container.reap()
    return container


def gone(runtime: Runtime, container: Container) -> bool:
    """Whether neither state folder nor cgroup nor process of the container is there."""
    return not os.path.exists(container.state_folder) and runtime.leaks.settled() == []


def test_a_stopped_container(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEL-01: state folder and cgroups go, then the poststop hooks run."""
    mark = os.path.join(runtime.folder, "poststop")
    name = runtime.new_id()
    bundle.hook("poststop", "/bin/sh", "-c", f"ls {runtime.root} > {mark}; ls -d /sys/fs/cgroup/*/{name} >> {mark}")
    bundle.sh("true")
    container = runtime.create(bundle, name=name)
    container.start()
    container.reap()
    assert cgroup.folders_named(container.id)
    assert not os.path.exists(mark)
    container.delete().ok()
    assert gone(runtime, container)
    assert read_text(mark) == ""


def test_a_created_container(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEL-02: a created container is killed and removed without ``--force``."""
    container = runtime.create(bundle)
    container.delete().ok()
    assert gone(runtime, container)


@pytest.mark.parametrize("status", ["running", "paused"])
def test_a_live_container(runtime: Runtime, bundle: Bundle, status: str) -> None:
    """LNX-DEL-03: a running or paused container is not deleted without ``--force``."""
    bundle.sleep()
    container = runtime.started(bundle)
    if status == "paused":
        runtime.run("pause", container.id).ok()
    text = f"cannot delete container {container.id} that is not stopped: {status}"
    runtime.refuses(text, "delete", container.id)
    assert container.status() == status


@pytest.mark.parametrize("flag", ["-f", "--force"])
@pytest.mark.parametrize("status", ["created", "running", "paused", "stopped"])
def test_force(runtime: Runtime, bundle: Bundle, status: str, flag: str) -> None:
    """LNX-DEL-04: ``--force`` kills and removes a container of any status."""
    bundle.sh("trap '' TERM INT HUP; while :; do sleep 1; done")
    container = runtime.create(bundle)
    if status != "created":
        container.start()
    if status == "paused":
        runtime.run("pause", container.id).ok()
    if status == "stopped":
        container.end()
    assert container.delete(flag).ok().err == ""
    assert gone(runtime, container)


def test_force_waits_for_a_slow_end(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEL-04: ``--force`` returns when the init has really ended."""
    bundle.sleep()
    container = runtime.started(bundle)
    container.delete("--force").ok()
    assert not alive(container.pid)


def test_force_and_an_unknown_id(runtime: Runtime) -> None:
    """LNX-DEL-05: ``--force`` on an unknown id is no error and says nothing."""
    os.makedirs(runtime.root)
    result = runtime.run("delete", "--force", "nobody")
    assert (result.code, result.out, result.err, runtime.log_records()) == (0, "", "", [])


@unlike_runc("makes the root folder whenever it looks for a container")
def test_force_without_a_root(runtime: Runtime) -> None:
    """LNX-DEL-05, LNX-CLI-16: nor is a missing root folder an error, or made."""
    runtime.run("delete", "--force", "nobody").ok()
    assert not os.path.exists(runtime.root)


def test_force_removes_a_half_made_folder(runtime: Runtime) -> None:
    """LNX-DEL-05: a folder of that id without state.json is removed."""
    os.makedirs(os.path.join(runtime.root, "half"))
    os.mkfifo(os.path.join(runtime.root, "half", "exec.fifo"))
    runtime.run("delete", "--force", "half").ok()
    assert runtime.ids() == []


@pytest.mark.parametrize("pause", [0.0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.07])
@unlike_runc("leaves the cgroup and the waiting init of a killed create", always=False)
def test_force_after_a_killed_create(runtime: Runtime, bundle: Bundle, pause: float) -> None:
    """LNX-DEL-05: what a create killed by SIGKILL left at any moment is removed."""
    bundle.write()
    name = runtime.new_id()
    process = runtime.spawn("create", "-b", bundle.path, name)
    time.sleep(pause)
    process.send(signal.SIGKILL)
    process.wait()
    runtime.run("delete", "--force", name).ok()
    assert runtime.ids() == []
    assert runtime.leaks.settled() == []


def test_an_unknown_id(runtime: Runtime) -> None:
    """LNX-DEL-06: without ``--force`` an unknown id is an error."""
    os.makedirs(runtime.root)
    runtime.refuses("container does not exist", "delete", "nobody")


@pytest.mark.parametrize("options", [[], ["--force"]])
def test_left_over_processes(runtime: Runtime, bundle: Bundle, options: list[str]) -> None:
    """LNX-DEL-07: processes left in the cgroup of a stopped container are killed."""
    bundle.drop_namespace("pid")
    bundle.sh("sleep 1000 & sleep 1000 & exit 0")
    container = runtime.started(bundle)
    container.reap()
    assert len(runtime.leaks.processes()) == 2
    container.delete(*options).ok()
    assert gone(runtime, container)


def write_cgroups(bundle: Bundle) -> None:
    """Let the container write to its cgroups."""
    bundle.mounts[-1]["options"].remove("ro")
    bundle.config["root"]["readonly"] = False


@pytest.mark.skipif(cgroup.is_v2(), reason="needs cgroup v1")
def test_sub_cgroups(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEL-08: sub-cgroups the container has made are removed (v1)."""
    write_cgroups(bundle)
    bundle.sh(
        "for c in freezer memory pids cpu systemd; do mkdir -p /sys/fs/cgroup/$c/a/b/c /sys/fs/cgroup/$c/d; done;"
        "sleep 1000 & echo $! > /sys/fs/cgroup/freezer/a/b/c/cgroup.procs; echo ready; sleep 1000"
    )
    container = runtime.started(bundle)
    container.wait_output("ready")
    container.delete("--force").ok()
    assert gone(runtime, container)


@pytest.mark.skipif(cgroup.is_v2(), reason="needs cgroup v1")
def test_processes_in_sub_cgroups(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEL-07, LNX-DEL-08: processes left in sub-cgroups, without a pid namespace, are killed."""
    write_cgroups(bundle)
    bundle.drop_namespace("pid")
    bundle.sh(
        "mkdir -p /sys/fs/cgroup/freezer/a/b /sys/fs/cgroup/pids/x; sleep 1000 &"
        "echo $! > /sys/fs/cgroup/freezer/a/b/cgroup.procs; echo $! > /sys/fs/cgroup/pids/x/cgroup.procs; exit 0"
    )
    container = runtime.started(bundle)
    container.reap()
    container.delete().ok()
    assert gone(runtime, container)


def files_below(path: str) -> set[str]:
    """Everything below the folder."""
    return {os.path.join(folder, name) for folder, folders, files in os.walk(path) for name in folders + files}


def test_what_others_made_stays(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEL-09: bundle, rootfs, pid file, joined namespaces and the parent cgroup stay."""
    parents = [cgroup.make(name, f"/{runtime.token}-parent") for name in cgroup.hierarchies()]
    holder = subprocess.Popen(["/usr/bin/unshare", "--net", "sleep", "1000"])
    wait_until(lambda: read_text(f"/proc/{holder.pid}/comm") == "sleep\n", "the namespace")
    bundle.namespace("network", f"/proc/{holder.pid}/ns/net")
    bundle.linux["cgroupsPath"] = f"/{runtime.token}-parent/{runtime.new_id()}"
    pid_file = os.path.join(runtime.folder, "pid")
    bundle.write()
    before = files_below(bundle.path)
    container = runtime.create(bundle, "--pid-file", pid_file)
    container.delete().ok()
    assert read_text(pid_file) == str(container.pid)
    assert files_below(bundle.path) == before
    assert alive(holder.pid)
    assert [sorted(cgroup.members(folder)) for folder in parents] == [[]] * len(parents)
    holder.kill()
    holder.wait()
    for folder in parents:
        assert not [name for name in os.listdir(folder) if os.path.isdir(os.path.join(folder, name))]
        os.rmdir(folder)


def test_mounts_of_the_test_are_seen(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEL-09: a mount the caller made in the bundle stays, too."""
    libc = ctypes.CDLL(None)
    target = os.path.join(bundle.path, "volume")
    os.mkdir(target)
    assert libc.mount(b"tmpfs", target.encode(), b"tmpfs", 0, None) == 0
    bundle.bind(target, "/mnt")
    container = runtime.create(bundle)
    container.delete().ok()
    assert os.path.ismount(target)
    assert libc.umount2(target.encode(), 0) == 0


def test_a_zombie_init_is_deleted(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEL-01, LNX-STATE-06: a container whose init nobody has reaped can be deleted."""
    bundle.sh("true")
    container = runtime.started(bundle)
    wait_until(lambda: stat_fields(container.pid)[0] == "Z", "the zombie")
    container.delete().ok()
    assert not os.path.exists(container.state_folder)
