"""Cgroup v2, as a container and its caller see it."""

from __future__ import annotations

import json
import os

from tests.conformance.inside import mounts_inside
from tests.support import Bundle, Runtime, cgroup

MIB = 1 << 20


def test_the_mount_is_of_v2(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CGM-01: an entry of type cgroup is a mount of cgroup2."""
    bundle.namespace("cgroup")
    assert mounts_inside(runtime, bundle)["/sys/fs/cgroup"].kind == "cgroup2"


def test_a_bound_cgroup(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CGM-01: where the kernel refuses a mount, in a user namespace alone, the container's own folder is bound."""
    bundle.user_namespace()
    bundle.drop_namespace("cgroup")
    bundle.resources["pids"] = {"limit": 44}
    bundle.sleep()
    container = runtime.started(bundle)
    assert container.sh("cat /sys/fs/cgroup/pids.max").ok().out == "44\n"


def test_only_its_own(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CGM-02: with a cgroup namespace only the container's cgroup is seen, one folder without children."""
    bundle.namespace("cgroup")
    bundle.sleep()
    container = runtime.started(bundle)
    assert container.sh("find /sys/fs/cgroup -type d").ok().out == "/sys/fs/cgroup\n"
    assert container.sh("cat /proc/self/cgroup").ok().out == "0::/\n"


def test_the_owner_of_a_cgroup(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG-08: with an own cgroup namespace and a writable mount, the container's user owns what may be delegated."""
    bundle.user_namespace()
    bundle.namespace("cgroup")
    for mount in bundle.mounts:
        if mount["type"] == "cgroup":
            mount["options"] = [word for word in mount["options"] if word != "ro"]
    bundle.sleep()
    folder = cgroup.of_process(runtime.create(bundle).pid)[""]
    owners = {name: os.stat(os.path.join(folder, name)).st_uid for name in ("", "cgroup.procs", "memory.max")}
    assert owners == {"": 100000, "cgroup.procs": 100000, "memory.max": 0}


def test_exec_beside_the_init(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EXEC-27: where the top cgroup takes no process, exec joins the one in which the init is now."""
    bundle.namespace("cgroup")
    bundle.sleep()
    container = runtime.started(bundle)
    folder = cgroup.of_process(container.pid)[""]
    inner = os.path.join(folder, "inner")
    os.mkdir(inner)
    cgroup.write(inner, "cgroup.procs", str(container.pid))
    cgroup.write(folder, "cgroup.subtree_control", "+pids")
    assert container.sh("cat /proc/self/cgroup").ok().out == "0::/inner\n"
    refused = container.exec("true", options=["--cgroup", "/"])
    assert refused.code == 255
    assert "device or resource busy" in runtime.last_error()


def test_unified_updates(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UPD-13: `unified` of an update goes file by file and wins over converted values."""
    bundle.sleep()
    container = runtime.started(bundle)
    folder = cgroup.of_process(container.pid)[""]
    given = {"pids": {"limit": 50}, "unified": {"pids.max": "60", "memory.high": str(64 * MIB)}}
    runtime.run("update", "-r", "-", container.id, stdin=json.dumps(given)).ok()
    assert cgroup.read(folder, "pids.max") == "60"
    assert cgroup.read(folder, "memory.high") == str(64 * MIB)


def test_limits_below_the_usage(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UPD-16: with checkBeforeUpdate a limit below what is used is refused, and nothing changes."""
    bundle.mount("/tmp", "tmpfs", "tmpfs")
    bundle.sh("head -c 30000000 /dev/zero >/tmp/held; echo ready; sleep 1000")
    container = runtime.started(bundle)
    container.wait_output("ready")
    folder = cgroup.of_process(container.pid)[""]
    given = {"memory": {"limit": 8 * MIB, "checkBeforeUpdate": True}}
    result = runtime.run("update", "-r", "-", container.id, stdin=json.dumps(given))
    assert result.code == 1
    assert "rejecting memory limit" in runtime.last_error()
    assert cgroup.read(folder, "memory.max") == "max"


def test_pressure(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EVT-13: pressure stall information of CPU, memory and I/O."""
    bundle.sleep()
    container = runtime.started(bundle)
    data = json.loads(runtime.run("events", "--stats", container.id).ok().out)["data"]
    for section in ("cpu", "memory", "blkio"):
        assert set(data[section]["psi"]) == {"some", "full"}
        assert set(data[section]["psi"]["some"]) == {"avg10", "avg60", "avg300", "total"}


def test_threaded_cgroups_are_removed(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEL-08: sub-cgroups made by the container, threaded ones too, with processes in them."""
    bundle.namespace("cgroup")
    for mount in bundle.mounts:
        if mount["type"] == "cgroup":
            mount["options"] = [word for word in mount["options"] if word != "ro"]
    bundle.sh(
        "cd /sys/fs/cgroup && mkdir plain threads threads/deep && echo threaded > threads/cgroup.type &&"
        " echo threaded > threads/deep/cgroup.type && { sleep 1000 & } && echo $! > threads/deep/cgroup.threads;"
        " echo ready; sleep 1000"
    )
    container = runtime.started(bundle)
    container.wait_output("ready")
    folder = cgroup.of_process(container.pid)[""]
    assert cgroup.read(os.path.join(folder, "threads", "deep"), "cgroup.type") == "threaded"
    container.delete("--force").ok()
    assert not os.path.exists(folder)


def test_pausing(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-PPR-08: cgroup.freeze, and back when every process stands still."""
    bundle.sleep()
    container = runtime.started(bundle)
    folder = cgroup.of_process(container.pid)[""]
    runtime.run("pause", container.id).ok()
    assert cgroup.read(folder, "cgroup.freeze") == "1"
    assert "frozen 1" in cgroup.read(folder, "cgroup.events")
    runtime.run("resume", container.id).ok()
    assert cgroup.read(folder, "cgroup.freeze") == "0"


def test_swap_of_an_update(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UPD-08: --memory-swap is memory and swap, of which v2 takes the difference; -1 is unlimited."""
    bundle.sleep()
    container = runtime.started(bundle)
    folder = cgroup.of_process(container.pid)[""]

    def held() -> tuple[str, str]:
        return cgroup.read(folder, "memory.max"), cgroup.read(folder, "memory.swap.max")

    runtime.run("update", "--memory", str(64 * MIB), "--memory-swap", str(96 * MIB), container.id).ok()
    assert held() == (str(64 * MIB), str(32 * MIB))
    runtime.run("update", "--memory", str(48 * MIB), "--memory-swap", "-1", container.id).ok()
    assert held() == (str(48 * MIB), "max")
    runtime.run("update", "--memory", "-1", container.id).ok()
    assert held() == ("max", "max")


def test_cpuset_of_a_stats_event(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EVT-08: cpus and mems as lists of numbers, and the numbers of v1, which are 0 here."""
    bundle.resources["cpu"] = {"cpus": "0"}
    bundle.sleep()
    container = runtime.started(bundle)
    told = json.loads(runtime.run("events", "--stats", container.id).ok().out)["data"]["cpuset"]
    assert told["cpus"] == [0]
    assert all(type(number) is int for number in told["mems"])
    assert {told[name] for name in ("cpu_exclusive", "mem_exclusive", "memory_migrate", "sched_load_balance")} == {0}
