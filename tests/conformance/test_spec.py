"""The config.json that ``spec`` writes."""

from __future__ import annotations

import json
import os
import stat
from typing import Any

import pytest

from tests.support import Process, Runtime
from tests.support.config import default_config
from tests.support.mark import unlike_runc


def written(runtime: Runtime, *options: str) -> dict[str, Any]:
    """What ``spec`` writes with ``options``."""
    folder = runtime.new_path("spec")
    os.mkdir(folder)
    runtime.run("spec", *options, cwd=folder).ok()
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        held: dict[str, Any] = json.load(file)
    return held


@pytest.mark.parametrize("options", [[], ["--bundle", "there"], ["-b", "there"]])
def test_where_it_is_written(runtime: Runtime, options: list[str]) -> None:
    """LNX-SPEC-01: config.json goes to the current folder or to ``--bundle``, with mode 0666 minus the umask."""
    folder = os.path.join(runtime.folder, "there" if options else ".")
    os.makedirs(folder, exist_ok=True)
    old = os.umask(0o027)
    try:
        runtime.run("spec", *options, cwd=runtime.folder).ok()
    finally:
        os.umask(old)
    assert stat.S_IMODE(os.stat(os.path.join(folder, "config.json")).st_mode) == 0o640


def test_a_missing_bundle(runtime: Runtime) -> None:
    """LNX-SPEC-01: a bundle folder that is not there is an error."""
    runtime.refuses("no such file or directory", "spec", "--bundle", runtime.folder + "/missing")


def test_an_existing_file_is_kept(runtime: Runtime) -> None:
    """LNX-SPEC-01: an existing config.json is not written over."""
    path = os.path.join(runtime.folder, "config.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write("mine")
    runtime.refuses("File config.json exists. Remove it first", "spec", cwd=runtime.folder)
    with open(path, encoding="utf-8") as file:
        assert file.read() == "mine"


@unlike_runc("writes ociVersion 1.0.2-dev")
def test_the_form_of_the_file(runtime: Runtime) -> None:
    """LNX-SPEC-02: JSON indented with one tab, no newline at the end, ociVersion as the runtime reports it."""
    runtime.run("spec", cwd=runtime.folder).ok()
    with open(os.path.join(runtime.folder, "config.json"), encoding="utf-8") as file:
        text = file.read()
    assert text == json.dumps(json.loads(text), indent="\t", ensure_ascii=False)
    assert text.startswith('{\n\t"ociVersion": "1.3.0",\n\t"process": {\n\t\t"terminal": true,')


def test_the_process(runtime: Runtime) -> None:
    """LNX-SPEC-03: the process of the written config."""
    process = written(runtime)["process"]
    capabilities = process.pop("capabilities")
    assert capabilities
    assert process == {
        "terminal": True,
        "user": {"uid": 0, "gid": 0},
        "args": ["sh"],
        "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
        "cwd": "/",
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
        "noNewPrivileges": True,
    }


@unlike_runc("writes ambient capabilities too")
def test_the_capabilities(runtime: Runtime) -> None:
    """LNX-SPEC-04: three capabilities in three sets, none inheritable, none ambient."""
    three = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
    held = written(runtime)["process"]["capabilities"]
    assert {kind: sorted(names) for kind, names in held.items() if names} == {
        "bounding": three,
        "effective": three,
        "permitted": three,
    }


def test_root_hostname_and_devices(runtime: Runtime) -> None:
    """LNX-SPEC-05: root, hostname and the device rule."""
    config = written(runtime)
    assert config["root"] == {"path": "rootfs", "readonly": True}
    assert config["hostname"] == os.path.basename(runtime.binary)
    assert config["linux"]["resources"] == {"devices": [{"allow": False, "access": "rwm"}]}


def test_the_mounts(runtime: Runtime) -> None:
    """LNX-SPEC-06: seven mounts in their order."""
    assert written(runtime)["mounts"] == [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        _mount("/dev", "tmpfs", "tmpfs", "nosuid strictatime mode=755 size=65536k"),
        _mount("/dev/pts", "devpts", "devpts", "nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5"),
        _mount("/dev/shm", "tmpfs", "shm", "nosuid noexec nodev mode=1777 size=65536k"),
        _mount("/dev/mqueue", "mqueue", "mqueue", "nosuid noexec nodev"),
        _mount("/sys", "sysfs", "sysfs", "nosuid noexec nodev ro"),
        _mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid noexec nodev relatime ro"),
    ]


def _mount(destination: str, kind: str, source: str, options: str) -> dict[str, Any]:
    return {"destination": destination, "type": kind, "source": source, "options": options.split()}


def test_the_namespaces(runtime: Runtime) -> None:
    """LNX-SPEC-07: five namespaces, and the cgroup one on a v2 host."""
    kinds = [entry["type"] for entry in written(runtime)["linux"]["namespaces"]]
    v2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
    assert kinds == ["pid", "network", "ipc", "uts", "mount"] + (["cgroup"] if v2 else [])


def test_masked_and_read_only_paths(runtime: Runtime) -> None:
    """LNX-SPEC-08: the paths below /proc and /sys that are masked and read-only."""
    linux = written(runtime)["linux"]
    masked = "acpi asound kcore keys latency_stats timer_list timer_stats sched_debug"
    assert linux["maskedPaths"] == [*(f"/proc/{name}" for name in masked.split()), "/sys/firmware", "/proc/scsi"]
    assert linux["readonlyPaths"] == ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


@unlike_runc("writes ambient capabilities and ociVersion 1.0.2-dev")
def test_nothing_else_is_written(runtime: Runtime) -> None:
    """LNX-SPEC-02, LNX-SPEC-03, LNX-SPEC-05: the written config is what the tests' own bundles start from."""
    expected = default_config()
    expected["process"]["terminal"] = True
    expected["hostname"] = os.path.basename(runtime.binary)
    assert written(runtime) == expected


def test_rootless(runtime: Runtime) -> None:
    """LNX-SPEC-09: ``--rootless`` swaps the network namespace for a user namespace with one id."""
    config = written(runtime, "--rootless")
    linux = config["linux"]
    kinds = [entry["type"] for entry in linux["namespaces"] if entry["type"] != "cgroup"]
    assert kinds == ["pid", "ipc", "uts", "mount", "user"]
    assert linux["uidMappings"] == [{"containerID": 0, "hostID": 0, "size": 1}]
    assert linux["gidMappings"] == [{"containerID": 0, "hostID": 0, "size": 1}]
    assert "resources" not in linux
    mounts = {entry["destination"]: entry for entry in config["mounts"]}
    assert mounts["/sys"] == _mount("/sys", "none", "/sys", "rbind nosuid noexec nodev ro")
    assert not any(word.startswith(("gid=", "uid=")) for entry in mounts.values() for word in entry.get("options", []))


def test_rootless_maps_the_callers_own_id(runtime: Runtime) -> None:
    """LNX-SPEC-09: the mapped id is the caller's, who needs no privilege."""
    folder = runtime.new_path("spec")
    os.mkdir(folder)
    os.chown(folder, 1234, 4321)
    out = runtime.new_path("out")
    user = ["/usr/bin/setpriv", "--reuid=1234", "--regid=4321", "--clear-groups"]
    Process([*user, runtime.binary, "spec", "--rootless"], out, out + ".err", env=runtime.env, cwd=folder).wait().ok()
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        linux = json.load(file)["linux"]
    assert linux["uidMappings"] == [{"containerID": 0, "hostID": 1234, "size": 1}]
    assert linux["gidMappings"] == [{"containerID": 0, "hostID": 4321, "size": 1}]
