"""--systemd-cgroup: a container's cgroup is a unit of systemd's."""

from __future__ import annotations

import json
import os

import pytest

from tests.conformance.inside import inside, refused, warnings
from tests.guest.inside.helpers import is_loaded, output, shown, with_systemd
from tests.support import Bundle, Runtime, cgroup
from tests.support.poll import wait_until
from tests.support.process import kill_quietly

MIB = 1 << 20


@pytest.fixture
def systemd(runtime: Runtime) -> Runtime:
    return with_systemd(runtime)


def named(systemd: Runtime, bundle: Bundle, slice_name: str = "system.slice") -> tuple[str, str]:
    """Give the bundle a scope; a container id and the unit's name."""
    name = systemd.new_id()
    bundle.linux["cgroupsPath"] = f"{slice_name}:rf:{name}"
    return name, f"rf-{name}.scope"


def folder_of(pid: int) -> str:
    """The cgroup of a process."""
    return cgroup.of_process(pid)[""]


def test_a_scope(systemd: Runtime, bundle: Bundle) -> None:
    """LNX-CLI-18, LNX-SYSD-03, LNX-SYSD-04, LNX-SYSD-05: a scope in its slice, with delegation and accounting."""
    name, unit = named(systemd, bundle)
    bundle.sleep()
    container = systemd.create(bundle, name=name)
    assert folder_of(container.pid) == f"/sys/fs/cgroup/system.slice/{unit}"
    assert cgroup.members(folder_of(container.pid)) == [container.pid]
    found = shown(unit, "Slice", "Delegate", "DefaultDependencies", "MemoryAccounting", "CPUAccounting", "ActiveState")
    assert found == {
        "Slice": "system.slice",
        "Delegate": "yes",
        "DefaultDependencies": "no",
        "MemoryAccounting": "yes",
        "CPUAccounting": "yes",
        "ActiveState": "active",
    }
    container.start()
    assert container.status() == "running"
    container.end()
    container.delete().ok()
    assert not is_loaded(unit)


def test_the_default_name(systemd: Runtime, bundle: Bundle) -> None:
    """LNX-SYSD-02, LNX-SYSD-03: without cgroupsPath it is a scope in system.slice with the runtime's and own name."""
    bundle.sleep()
    container = systemd.create(bundle)
    unit = f"ringfence-{container.id}.scope"
    assert folder_of(container.pid) == f"/sys/fs/cgroup/system.slice/{unit}"
    container.delete("--force").ok()
    assert not is_loaded(unit)


def test_nested_slices(systemd: Runtime, bundle: Bundle) -> None:
    """LNX-SYSD-02: dashes nest slices."""
    name, unit = named(systemd, bundle, "rf-pods-a.slice")
    bundle.sleep()
    container = systemd.create(bundle, name=name)
    assert folder_of(container.pid) == f"/sys/fs/cgroup/rf.slice/rf-pods.slice/rf-pods-a.slice/{unit}"


def test_a_slice_is_the_unit(systemd: Runtime, bundle: Bundle) -> None:
    """LNX-SYSD-03, LNX-SYSD-04: a name that ends in `.slice` is the unit itself; delete stops it."""
    unit = f"rf-{systemd.new_id()}".replace("-", "_") + ".slice"
    bundle.linux["cgroupsPath"] = f"system.slice:ignored:{unit}"
    bundle.sleep()
    container = systemd.create(bundle)
    assert folder_of(container.pid) == f"/sys/fs/cgroup/{unit}"
    assert "system.slice" in shown(unit, "Wants")["Wants"]
    container.delete("--force").ok()
    assert not os.path.exists(f"/sys/fs/cgroup/{unit}")


@pytest.mark.parametrize("path", ["/absolute", "name", "a:b", "system.slice:a/b:c"])
def test_paths_that_name_no_unit(systemd: Runtime, bundle: Bundle, path: str) -> None:
    """LNX-SYSD-01, LNX-SYSD-02: anything but slice:prefix:name is refused, and nothing is left."""
    bundle.linux["cgroupsPath"] = path
    refused(systemd, bundle)


def test_properties_and_files(systemd: Runtime, bundle: Bundle) -> None:
    """LNX-SYSD-07, LNX-SYSD-09, LNX-SYSD-11: limits are properties of the unit, and written to the files."""
    name, unit = named(systemd, bundle)
    bundle.resources.update(
        {
            "memory": {"limit": 64 * MIB, "reservation": 32 * MIB, "swap": 80 * MIB},
            "cpu": {"shares": 200, "quota": 12345, "period": 100000, "cpus": "1", "mems": "0", "burst": 500},
            "pids": {"limit": 40},
        }
    )
    bundle.sleep()
    folder = folder_of(systemd.create(bundle, name=name).pid)
    found = shown(
        unit, "MemoryMax", "MemoryLow", "MemorySwapMax", "CPUWeight", "CPUQuotaPerSecUSec", "TasksMax", "AllowedCPUs"
    )
    assert found == {
        "MemoryMax": str(64 * MIB),
        "MemoryLow": str(32 * MIB),
        "MemorySwapMax": str(16 * MIB),
        "CPUWeight": "29",
        "CPUQuotaPerSecUSec": "130ms",
        "TasksMax": "40",
        "AllowedCPUs": "1",
    }
    files = {file: cgroup.read(folder, file) for file in ("memory.max", "cpu.max", "cpu.max.burst", "pids.max")}
    assert files == {"memory.max": str(64 * MIB), "cpu.max": "12345 100000", "cpu.max.burst": "500", "pids.max": "40"}


def test_unified_becomes_properties(systemd: Runtime, bundle: Bundle) -> None:
    """LNX-SYSD-08: what systemd has a property for is one, the rest is written to files only."""
    name, unit = named(systemd, bundle)
    bundle.resources["unified"] = {"memory.high": str(48 * MIB), "pids.max": "9", "memory.oom.group": "1"}
    bundle.sleep()
    folder = folder_of(systemd.create(bundle, name=name).pid)
    assert shown(unit, "MemoryHigh", "TasksMax") == {"MemoryHigh": str(48 * MIB), "TasksMax": "9"}
    assert cgroup.read(folder, "memory.oom.group") == "1"


def test_idle(systemd: Runtime, bundle: Bundle) -> None:
    """LNX-SYSD-10: idle wins over shares with a warning, and a later weight alone resets it."""
    name, unit = named(systemd, bundle)
    bundle.resources["cpu"] = {"idle": 1, "shares": 1024}
    bundle.sleep()
    folder = folder_of(systemd.create(bundle, name=name).pid)
    assert any("unable to apply both" in text for text in warnings(systemd))
    assert shown(unit, "CPUWeight")["CPUWeight"] == "idle"
    assert cgroup.read(folder, "cpu.idle") == "1"
    systemd.run("update", "--cpu-share", "1024", name).ok()
    assert shown(unit, "CPUWeight")["CPUWeight"] == "100"
    assert cgroup.read(folder, "cpu.idle") == "0"


def test_update(systemd: Runtime, bundle: Bundle) -> None:
    """LNX-UPD-04, LNX-SYSD-11: an update changes properties and files, also after systemd was reloaded."""
    name, unit = named(systemd, bundle)
    bundle.sleep()
    container = systemd.create(bundle, name=name)
    container.start()
    folder = folder_of(container.pid)
    systemd.run("update", "--memory", "50m", "--memory-swap", "60m", "--pids-limit", "33", name).ok()
    systemd.run("update", "--cpu-quota", "20000", name).ok()
    output("systemctl", "daemon-reload")
    found = shown(unit, "MemoryMax", "MemorySwapMax", "TasksMax", "CPUQuotaPerSecUSec")
    assert found == {
        "MemoryMax": str(50 * MIB),
        "MemorySwapMax": str(10 * MIB),
        "TasksMax": "33",
        "CPUQuotaPerSecUSec": "200ms",
    }
    assert cgroup.read(folder, "memory.max") == str(50 * MIB)
    assert cgroup.read(folder, "cpu.max") == "20000 100000"


def test_exec_after_a_reload(systemd: Runtime, bundle: Bundle) -> None:
    """LNX-EXEC-31: exec joins the unit's cgroup, also after `systemctl daemon-reload`."""
    bundle.sleep()
    container = systemd.started(bundle)
    output("systemctl", "daemon-reload")
    assert container.sh("cat /proc/self/cgroup").ok().out == container.sh("cat /proc/1/cgroup").ok().out
    assert container.exec("true").code == 0


def test_devices(systemd: Runtime, bundle: Bundle) -> None:
    """LNX-DEVC-11: DevicePolicy=strict with DeviceAllow= leads to the rules of the config, also after a reload."""
    name, unit = named(systemd, bundle)
    bundle.linux["devices"] = [
        {"path": "/dev/allowed", "type": "c", "major": 10, "minor": 229},
        {"path": "/dev/denied", "type": "c", "major": 10, "minor": 200},
    ]
    bundle.resources["devices"] = [
        {"allow": False, "access": "rwm"},
        {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rw"},
    ]
    bundle.sleep()
    container = systemd.create(bundle, name=name)
    container.start()
    found = shown(unit, "DevicePolicy", "DeviceAllow")
    assert found["DevicePolicy"] == "strict"
    script = "echo x >/dev/null && true </dev/allowed && ! true </dev/denied"
    assert container.sh(script).code == 0
    output("systemctl", "daemon-reload")
    assert container.sh(script).code == 0


def test_annotations(systemd: Runtime, bundle: Bundle) -> None:
    """LNX-SYSD-12, LNX-ANN-02: annotations set unit properties; seconds are understood."""
    name, unit = named(systemd, bundle)
    bundle.config["annotations"] = {
        "org.systemd.property.TimeoutStopSec": "uint64 77",
        "org.systemd.property.Description": "'of a test'",
    }
    bundle.sleep()
    systemd.create(bundle, name=name)
    assert shown(unit, "TimeoutStopUSec", "Description") == {
        "TimeoutStopUSec": "1min 17s",
        "Description": "of a test",
    }


def test_bad_annotations(systemd: Runtime, bundle: Bundle) -> None:
    """LNX-SYSD-12: a text that is no value is an error; so is a property that systemd does not know."""
    bundle.config["annotations"] = {"org.systemd.property.TimeoutStopSec": "'soon"}
    refused(systemd, bundle, "TimeoutStopSec")
    bundle.config["annotations"] = {"org.systemd.property.NoSuchThing": "true"}
    refused(systemd, bundle, "NoSuchThing")


def test_a_failed_unit_gives_up_its_name(systemd: Runtime, bundle: Bundle) -> None:
    """LNX-DEL-10: the unit is stopped and a failed one reset, so that the name is free again."""
    name, unit = named(systemd, bundle)
    bundle.config["annotations"] = {"org.systemd.property.CollectMode": "'inactive'"}
    bundle.sleep()
    for _ in range(2):
        container = systemd.create(bundle, name=name)
        container.start()
        container.end()
        container.delete().ok()
        assert not is_loaded(unit)


def test_a_name_in_use(systemd: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-24: a unit that somebody else's processes use is refused and left alone."""
    name, unit = named(systemd, bundle)
    bundle.sleep()
    first = systemd.create(bundle, name=name)
    systemd.refuses_bundle("container's cgroup is not empty", bundle)
    assert first.status() == "created"
    assert is_loaded(unit)


def test_run_leaves_no_unit(systemd: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-13: a run in the foreground leaves no unit; so does a failed one, and its name can be used again."""
    name, unit = named(systemd, bundle)
    bundle.args("/no/such/program")
    systemd.refuses_bundle("no such file or directory", bundle, verb="run")
    assert not is_loaded(unit)
    assert inside(systemd, bundle, "exit 0", name=name) == ""
    assert not is_loaded(unit)


def test_a_kept_container(systemd: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-13: with --keep the container stays, its unit is gone by itself."""
    name, unit = named(systemd, bundle)
    bundle.args("true")
    assert systemd.run_bundle(bundle, "--keep", name=name).code == 0
    assert systemd.container(name).status() == "stopped"
    wait_until(lambda: not is_loaded(unit), "the end of the unit")
    systemd.container(name).delete().ok()


def test_verbs_need_no_bus(systemd: Runtime, bundle: Bundle) -> None:
    """LNX-SYSD-04: state, pause, resume, ps, events and kill work by the recorded cgroup."""
    bundle.sleep()
    container = systemd.started(bundle)
    plain = systemd.globals()[:-1]
    assert json.loads(systemd.run("ps", "-f", "json", container.id, options=plain).ok().out) == [container.pid]
    systemd.run("pause", container.id, options=plain).ok()
    assert container.status() == "paused"
    systemd.run("resume", container.id, options=plain).ok()
    assert json.loads(systemd.run("events", "--stats", container.id, options=plain).ok().out)["data"]["pids"]
    systemd.run("kill", container.id, "KILL", options=plain).ok()
    container.reap()
    systemd.run("delete", container.id, options=plain).ok()
    assert not is_loaded(f"ringfence-{container.id}.scope")


def test_delete_after_a_killed_create(systemd: Runtime, bundle: Bundle) -> None:
    """LNX-DEL-05, LNX-DEL-10: delete --force removes the unit that a killed create has left."""
    bundle.hook("createRuntime", "/bin/sleep", "1000")
    bundle.sleep()
    bundle.write()
    name = systemd.new_id()
    unit = f"ringfence-{name}.scope"
    creating = systemd.spawn("create", "--bundle", bundle.path, name)
    wait_until(lambda: bool(members(unit)), "the unit")
    kill_quietly(creating.pid)
    creating.wait()
    systemd.run("delete", "--force", name).ok()
    assert not is_loaded(unit)


def members(unit: str) -> list[int]:
    """The processes of a scope in system.slice, none while it is not there."""
    folder = f"/sys/fs/cgroup/system.slice/{unit}"
    return cgroup.members(folder) if os.path.isdir(folder) else []
