"""Whole plans, kept as text: a change to one is seen in review. UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ringfence.errors import RingfenceError
from ringfence.host.facts import Host
from ringfence.plan import inside, mounts
from tests.unit.namespaces.machines import V1_HOST, V2_HOST, plain_config, plan_for, shown

GOLDEN = Path(__file__).parent / "golden"


def mapped() -> dict[str, Any]:
    """A container with a user namespace, an id-mapped volume and a joined network."""
    config = plain_config()
    config["linux"]["namespaces"].append({"type": "user"})
    config["linux"]["namespaces"][1] = {"type": "network", "path": "/run/netns/blue"}
    config["linux"]["uidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    config["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    config["mounts"].append({"destination": "/data", "source": "/srv/data", "options": ["rbind", "idmap", "ro"]})
    config["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 128}]
    return config


def full() -> dict[str, Any]:
    """A container that asks for much."""
    config = plain_config()
    process = config["process"]
    process.update(terminal=True, consoleSize={"height": 24, "width": 80}, oomScoreAdj=100, cwd="/srv/app")
    process["user"] = {"uid": 1000, "gid": 1000, "umask": 0o77, "additionalGids": [5, 6]}
    process["scheduler"] = {"policy": "SCHED_BATCH", "nice": 5}
    process["ioPriority"] = {"class": "IOPRIO_CLASS_IDLE"}
    config["domainname"] = "example.org"
    config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "4096"}
    config["linux"]["devices"] = [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o660}]
    config["linux"]["resources"]["memory"] = {"limit": 64 << 20}
    config["linux"]["resources"]["pids"] = {"limit": 20}
    config["linux"]["netDevices"] = {"dummy7": {"name": "eth%d"}}
    config["linux"]["rootfsPropagation"] = "rslave"
    config["mounts"].append({"destination": "/w", "source": "site", "options": ["bind", "ro", "nosuid", "rprivate"]})
    config["hooks"] = {
        "createRuntime": [{"path": "/usr/bin/net", "args": ["net", "up"], "timeout": 5}],
        "createContainer": [{"path": "/usr/bin/inner"}],
        "startContainer": [{"path": "/bin/inside", "env": ["A=1"]}],
    }
    return config


CASES: dict[str, tuple[dict[str, Any], Host]] = {
    "plain-v1": (plain_config(), V1_HOST),
    "plain-v2": (plain_config(), V2_HOST),
    "mapped-v1": (mapped(), V1_HOST),
    "full-v1": (full(), V1_HOST),
}


@pytest.mark.parametrize("name", CASES)
def test_the_plan_is_the_one_on_record(name: str) -> None:
    config, host = CASES[name]
    made = shown(plan_for(config, host))
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(made)
    assert made == path.read_text()


@pytest.mark.parametrize("name", CASES)
def test_the_same_input_gives_the_same_bytes(name: str) -> None:
    config, host = CASES[name]
    assert plan_for(config, host).encode() == plan_for(config, host).encode()


def test_only_root_moves_network_devices() -> None:
    """LNX-NET-01: an unprivileged caller is refused, by the name of the field."""
    config = plain_config()
    config["linux"]["netDevices"] = {"eth7": {}}
    host = Host(**{**dict(V2_HOST.items()), "uid": 1000})
    with pytest.raises(RingfenceError) as caught:
        plan_for(config, host)
    assert caught.value.field == "/linux/netDevices"


def test_labels_on_a_host_with_selinux() -> None:
    """LNX-LSM-02, LNX-LSM-03, LNX-LIFE-22: process, keyring, and new file systems but the kernel's own."""
    config = plain_config()
    config["process"]["selinuxLabel"] = "u:r:t:s0:c1,c2"
    config["linux"]["mountLabel"] = "u:object_r:f:s0:c1,c2"
    config["mounts"].append({"destination": "/data", "source": "/srv", "options": ["rbind"]})
    plan = plan_for(config, Host(**{**dict(V2_HOST.items()), "selinux": True}))
    labelled = {step.target: step.options[-1:] for step in plan.inside if isinstance(step, mounts.MountFilesystem)}
    context = ("context=u:object_r:f:s0:c1,c2",)
    assert {target for target, last in labelled.items() if last == context} >= {"/dev", "/dev/pts", "/dev/shm"}
    assert {target for target, last in labelled.items() if last != context} == {
        "/proc",
        "/sys",
        "/dev/mqueue",
        "/sys/fs/cgroup",
    }
    rows = [f"{row.verb} {row.text}" for row in plan.rows() if row.phase == "inside"]
    assert "label /dev/mqueue u:object_r:f:s0:c1,c2" in rows
    labels = [step for step in plan.inside if isinstance(step, (inside.SetExecLabel, inside.JoinKeyring))]
    assert [getattr(step, "attribute", "join") for step in labels] == ["keycreate", "join", "keycreate", "exec"]
    assert all(step.label for step in plan.inside if isinstance(step, mounts.MaskPath))
