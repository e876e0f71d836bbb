"""devices, resources, id maps, sysctl, hooks, seccomp of 2015; the pair of files."""

from __future__ import annotations

from typing import Any

import pytest

from ringfence.errors import RingfenceError
from tests.unit.spec.upgrade.documents import converted, pre_draft, warned
from tests.unit.spec.upgrade.test_process import june, refused


def linux(**changes: Any) -> dict[str, Any]:
    held: dict[str, Any] = converted(pre_draft(linux=changes))["linux"]
    return held


def limits(**changes: Any) -> dict[str, Any]:
    """The resources without the device rules."""
    held: dict[str, Any] = linux(resources=changes)["resources"]
    return {name: value for name, value in held.items() if name != "devices"}


def test_devices_by_name() -> None:
    """OLD-DEV-01: six names are the same everywhere, others are copied from the host's node."""
    made = linux(devices=["null", "net/tun"])["devices"]
    assert made == [
        {"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 438, "uid": 0, "gid": 0},
        {"path": "/dev/net/tun", "type": "c", "major": 10, "minor": 200, "fileMode": 0o660, "uid": 0, "gid": 5},
    ]
    refused(pre_draft(linux={"devices": ["none"]}), "/dev/none")
    for name in ("", "../etc", "/etc/x"):
        refused(pre_draft(linux={"devices": [name]}), "linux.devices[0]")


def test_devices_as_objects() -> None:
    """OLD-DEV-02: a type may be the number of its letter, permissions are the access, the mode keeps its bits."""
    given = {
        "path": "/dev/x",
        "type": 99,
        "major": 7,
        "minor": 8,
        "permissions": "r",
        "fileMode": 8630,
        "uid": 1,
        "gid": 2,
    }
    made = linux(devices=[given, {"path": "/dev/y", "type": 98, "major": 1, "minor": 2, "fileMode": 0}])
    assert made["devices"][0] == {
        "path": "/dev/x", "type": "c", "major": 7, "minor": 8, "fileMode": 438, "uid": 1, "gid": 2,
    }  # fmt: skip
    assert made["devices"][1]["type"] == "b"
    assert made["devices"][1]["fileMode"] == 0
    rules = made["resources"]["devices"]
    assert rules[1] == {"allow": True, "type": "c", "major": 7, "minor": 8, "access": "r"}
    assert rules[2]["access"] == "rwm"


def test_owners_in_a_user_namespace() -> None:
    """OLD-DEV-03: with uid mappings the container's root owns every device."""
    maps = [{"hostID": 1, "containerID": 0, "size": 9}]
    made = linux(devices=["net/tun"], uidMappings=maps, gidMappings=maps)["devices"][0]
    assert (made["uid"], made["gid"]) == (0, 0)


def test_device_rules() -> None:
    """OLD-DEV-04: nothing, then the listed devices, then those that were always allowed."""
    access = {"allow": True, "type": "c", "access": "rwm"}
    implied = [
        {"allow": True, "type": "c", "access": "m"},
        {"allow": True, "type": "b", "access": "m"},
        {**access, "major": 5, "minor": 1},
        {**access, "major": 4, "minor": 0},
        {**access, "major": 4, "minor": 1},
        {**access, "major": 136},
        {**access, "major": 5, "minor": 2},
        {**access, "major": 10, "minor": 200},
    ]
    assert linux(devices=None)["resources"]["devices"] == [{"allow": False, "access": "rwm"}, *implied]
    made = linux(devices=["full"])["resources"]["devices"]
    assert made[1] == {"allow": True, "type": "c", "major": 1, "minor": 7, "access": "rwm"}
    assert made[2:] == implied


def test_unset_marks() -> None:
    """OLD-RES-01: a value that equals its mark for unset is left out, and so is an object of such values."""
    assert (
        limits(memory={"limit": 0, "swappiness": -1}, cpu={"shares": 0, "cpus": ""}, blockIO={"blkioWeight": 0}) == {}
    )


def test_memory() -> None:
    """OLD-RES-02: 0 is unset, -1 unlimited, swap only when positive, kernel with a warning."""
    given = {"limit": -1, "reservation": 5, "swap": -1, "kernel": 7}
    assert limits(memory=given)["memory"] == {"limit": -1, "reservation": 5, "kernel": 7}
    assert warned(pre_draft(linux={"resources": {"memory": given}})) == [
        "linux.resources.memory.kernel: no current kernel enforces it"
    ]
    assert limits(memory={"limit": 5, "swap": 9, "kernel": -1})["memory"] == {"limit": 5, "swap": 9}


def test_swappiness() -> None:
    """OLD-RES-03: -1 and absent are unset, 0 is a value, others are refused; v2 has no file for it."""
    assert limits(memory={"swappiness": 0})["memory"] == {"swappiness": 0}
    document = pre_draft(linux={"resources": {"memory": {"swappiness": 60}}})
    assert warned(document) == []
    assert len(warned(document, unified=True)) == 1
    text = "invalid value:101. valid memory swappiness range is 0-100"
    refused(pre_draft(linux={"resources": {"memory": {"swappiness": 101}}}), text)


def test_oom_killer() -> None:
    """OLD-RES-04: the switch goes to memory; without effect on v2, with a warning."""
    assert limits(disableOOMKiller=True) == {"memory": {"disableOOMKiller": True}}
    assert limits(disableOOMKiller=False) == {}
    assert len(warned(pre_draft(linux={"resources": {"disableOOMKiller": True}}), unified=True)) == 1


def test_cpu() -> None:
    """OLD-RES-05: 0 and "" are unset; a quota of -1 is none, other negatives are refused."""
    given = {
        "shares": 5,
        "quota": -1,
        "period": 7,
        "realtimeRuntime": 8,
        "realtimePeriod": 9,
        "cpus": "0-1",
        "mems": "0",
    }
    assert limits(cpu=given)["cpu"] == given
    for name in ("shares", "period", "realtimeRuntime"):
        refused(pre_draft(linux={"resources": {"cpu": {name: -1}}}), f"linux.resources.cpu.{name}")
    refused(pre_draft(linux={"resources": {"cpu": {"quota": -2}}}), "linux.resources.cpu.quota")


def test_block_devices() -> None:
    """OLD-RES-06: texts of MAJ:MIN VALUE, several of them apart by newline or comma, become objects."""
    made = limits(
        blockIO={
            "blkioWeight": 300,
            "blkioWeightDevice": "8:0 100\n8:16 200",
            "blkioThrottleReadBpsDevice": "8:0 1, 8:16 2",
            "blkioThrottleWriteBpsDevice": "8:0 3",
            "blkioThrottleReadIopsDevice": "8:0 4",
            "blkioThrottleWriteIopsDevice": "",
        }
    )["blockIO"]
    assert made == {
        "weight": 300,
        "weightDevice": [{"major": 8, "minor": 0, "weight": 100}, {"major": 8, "minor": 16, "weight": 200}],
        "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1}, {"major": 8, "minor": 16, "rate": 2}],
        "throttleWriteBpsDevice": [{"major": 8, "minor": 0, "rate": 3}],
        "throttleReadIOPSDevice": [{"major": 8, "minor": 0, "rate": 4}],
    }
    for text in ("8 1", "8:0", "a:b 1"):
        refused(pre_draft(linux={"resources": {"blockIO": {"blkioWeightDevice": text}}}), "blkioWeightDevice")


def test_huge_pages_and_pids() -> None:
    """OLD-RES-07: a limit of 0 huge pages is one, negative is refused; 0 pids is unset."""
    assert limits(hugepageLimits=[{"pageSize": "2MB", "limit": 0}]) == {
        "hugepageLimits": [{"pageSize": "2MB", "limit": 0}]
    }
    assert limits(hugepageLimits=None, pids={"limit": 0}) == {}
    assert limits(pids={"limit": -1}, blockIO={"blkioLeafWeight": 0}) == {"pids": {"limit": -1}}
    refused(pre_draft(linux={"resources": {"hugepageLimits": [{"pageSize": "2MB", "limit": -1}]}}), "limit")


def test_network() -> None:
    """OLD-RES-08: a class is a number in decimal or hex of 32 bits; priorities stay; v2 has nothing for them."""
    given = {"classId": "0x100001", "priorities": [{"name": "eth0", "priority": 5}]}
    assert limits(network=given)["network"] == {"classID": 1048577, "priorities": [{"name": "eth0", "priority": 5}]}
    assert limits(network={"classId": "12"})["network"] == {"classID": 12}
    assert limits(network={"classId": "", "priorities": None}) == {}
    refused(pre_draft(linux={"resources": {"network": {"classId": "0x100000000"}}}), "32 bits")
    refused(pre_draft(linux={"resources": {"network": {"priorities": [{"name": "a", "priority": -1}]}}}), "priority")
    assert len(warned(pre_draft(linux={"resources": {"network": given}}), unified=True)) == 1


def test_junes_resources() -> None:
    """OLD-RES-09: flat names go home; a quota that is given beats `cpus`."""
    flat = {
        "memoryReservation": 1, "memorySwap": 2, "kernelMemory": 3, "cpuShares": 4, "cpuQuota": 5, "cpuPeriod": 6,
        "cpusetCpus": "0", "cpusetMems": "0", "blkioWeight": 300, "hugetlbLimit": [{"pageSize": "2MB", "limit": 1}],
        "disableOOMKiller": True, "netClsClassid": "7", "netPrioIfpriomap": [{"interface": "eth0", "priority": 8}],
    }  # fmt: skip
    made = converted(june(resources=flat, memory=0))["linux"]["resources"]
    made.pop("devices")
    assert made == {
        "memory": {"reservation": 1, "swap": 2, "kernel": 3, "disableOOMKiller": True},
        "cpu": {"shares": 4, "quota": 5, "period": 6, "cpus": "0", "mems": "0"},
        "blockIO": {"weight": 300},
        "hugepageLimits": [{"pageSize": "2MB", "limit": 1}],
        "network": {"classID": 7, "priorities": [{"name": "eth0", "priority": 8}]},
    }
    assert "cpu" not in converted(june(cpus=0))["linux"]["resources"]


def test_id_maps() -> None:
    """OLD-UID-01: every spelling is understood; the plural counts when both are filled, with a warning."""
    entry = {"hostID": 1000, "containerID": 0, "size": 10}
    for uid, gid in (("uidMappings", "gidMappings"), ("uidMapping", "gidMapping")):
        made = linux(**{uid: [entry], gid: [entry]})
        assert made["uidMappings"] == [{"containerID": 0, "hostID": 1000, "size": 10}] == made["gidMappings"]
    july = linux(uidMappings=[{"from": 0, "to": 5, "count": 6}], gidMappings=[{"from": 0, "to": 5, "count": 6}])
    assert july["uidMappings"] == [{"containerID": 0, "hostID": 5, "size": 6}]
    maps = {"uid": {"from": 0, "to": 1, "count": 2}, "gid": {"from": 3, "to": 4, "count": 5}}
    assert converted(june(userMapping=maps))["linux"]["gidMappings"] == [{"containerID": 3, "hostID": 4, "size": 5}]
    both = {"uidMappings": [entry], "uidMapping": [{**entry, "hostID": 7}], "gidMappings": [entry]}
    assert linux(**both)["uidMappings"][0]["hostID"] == 1000
    assert len(warned(pre_draft(linux=both))) == 1
    assert "uidMappings" not in linux(uidMappings=None, gidMappings=[])


def test_maps_make_a_user_namespace() -> None:
    """OLD-UID-02: a uid list adds the namespace, once; a size of 0 or less is refused."""
    entry = {"hostID": 1000, "containerID": 0, "size": 10}
    made = linux(uidMappings=[entry], gidMappings=[entry])
    assert made["namespaces"][-1] == {"type": "user"}
    given = [{"type": "user"}, {"type": "mount"}]
    assert linux(uidMappings=[entry], gidMappings=[entry], namespaces=given)["namespaces"] == given
    assert {"type": "user"} not in linux(gidMappings=[entry])["namespaces"]
    for size in (0, -1):
        refused(pre_draft(linux={"uidMappings": [{**entry, "size": size}]}), "size")


def test_sysctls() -> None:
    """OLD-SYSCTL-01: both spellings, `sysctl` wins, numbers become texts."""
    made = linux(sysctl={"a.b": 1, "c.d": "x"}, systemProperties={"c.d": "y", "e.f": "z"})
    assert made["sysctl"] == {"c.d": "x", "e.f": "z", "a.b": "1"}
    assert converted(june(systemProperties={"k.l": "1"}))["linux"]["sysctl"] == {"k.l": "1"}
    assert "sysctl" not in linux(sysctl=None, systemProperties={})
    refused(pre_draft(linux={"sysctl": {"a": True}}), "linux.sysctl.a")


def test_hooks() -> None:
    """OLD-HOOKS-01: lists stay, null and [] are none; a null environment is an empty one."""
    hooks = {"prestart": [{"path": "/bin/a", "env": None}], "poststop": [], "poststart": None}
    made = converted(pre_draft(hooks=hooks))["hooks"]
    assert made == {"prestart": [{"path": "/bin/a", "args": ["/bin/a"], "env": []}]}
    assert "hooks" not in converted(pre_draft(hooks=None))


@pytest.mark.parametrize(
    ("args", "made"),
    [(None, ["/bin/a"]), (["x"], ["/bin/a", "x"]), (["a", "x"], ["a", "x"]), (["/bin/a", "x"], ["/bin/a", "x"])],
)
def test_hook_arguments(args: Any, made: list[str]) -> None:
    """OLD-HOOKS-02: the arguments of the pre-draft had no argv[0]; later ones stand as they are."""
    document = pre_draft(hooks={"prestart": [{"path": "/bin/a", "args": args}]})
    assert converted(document)["hooks"]["prestart"][0]["args"] == made


CONFIG = {
    "version": "0.2.0",
    "platform": {"os": "linux", "arch": "amd64"},
    "process": {"args": ["sh"], "env": ["A=b"], "user": {}, "cwd": "/"},
    "root": {"path": "rootfs", "readonly": False},
    "mounts": [{"name": "proc", "path": "/proc"}, {"name": "tmp", "path": "/tmp"}],
    "linux": {"capabilities": ["CAP_KILL"]},
}


def runtime(**changes: Any) -> dict[str, Any]:
    return {
        "mounts": {
            "tmp": {"type": "tmpfs", "source": "tmpfs", "options": ["ro"]},
            "proc": {"type": "proc", "source": "proc", "options": None},
        },
        "hooks": {"poststart": [{"path": "/bin/a", "args": ["x"]}]},
        "linux": {"namespaces": [{"type": "mount", "path": ""}], "cgroupsPath": "", **changes},
    }


def test_named_mounts() -> None:
    """OLD-RUNTIMEJSON-01: in the order of config.json; a missing name is an error, an unused one a warning."""
    made = converted(CONFIG, runtime())
    assert made["mounts"] == [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["ro"]},
    ]
    more = runtime()
    more["mounts"]["unused"] = {"type": "tmpfs", "source": "x"}
    assert any("mounts.unused" in text for text in warned(CONFIG, more))
    del more["mounts"]["tmp"]
    with pytest.raises(RingfenceError, match='Mount with Name "tmp" not found in runtime config'):
        converted(CONFIG, more)


def test_sections_of_both_files() -> None:
    """OLD-RUNTIMEJSON-02, OLD-HOOKS-02: each section comes from its file, or from the other."""
    made = converted(CONFIG, runtime())
    assert made["process"]["capabilities"]["bounding"] == ["CAP_KILL"]
    assert made["hooks"]["poststart"] == [{"path": "/bin/a", "args": ["x"], "env": []}]
    swapped = {**CONFIG, "hooks": {"prestart": [{"path": "/bin/b"}]}}
    other = runtime(capabilities=["CAP_CHOWN"])
    del other["hooks"]
    assert converted({**swapped, "linux": {}}, other)["process"]["capabilities"]["bounding"] == ["CAP_CHOWN"]
    assert "prestart" in converted(swapped, other)["hooks"]


def test_the_second_file() -> None:
    """OLD-DETECT-05: without runtime.json the pair is not whole; beside another form it is ignored with one warning."""
    with pytest.raises(RingfenceError, match=r"JSON runtime config file runtime\.json not found"):
        converted(CONFIG)
    assert len(warned(pre_draft(), runtime())) == 1


def test_labels_and_filters() -> None:
    """OLD-RUNTIMEJSON-03: labels go to the process, "" is unset; a filter of nothing is none."""
    more = runtime(
        apparmorProfile="profile",
        selinuxProcessLabel="",
        cgroupsPath="/x",
        seccomp={
            "defaultAction": "SCMP_ACT_ALLOW",
            "architectures": ["SCMP_ARCH_X86"],
            "syscalls": [
                {"name": "a", "action": "SCMP_ACT_ERRNO", "args": None},
                {
                    "name": "b",
                    "action": "SCMP_ACT_ERRNO",
                    "args": [
                        {"index": 0, "value": 1, "valueTwo": 0, "op": "SCMP_CMP_EQ"},
                        {"index": 1, "value": 2, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"},
                    ],
                },
            ],
        },
    )
    made = converted(CONFIG, more)
    assert made["process"]["apparmorProfile"] == "profile"
    assert "selinuxLabel" not in made["process"]
    assert made["linux"]["cgroupsPath"] == "/x"
    first, second = made["linux"]["seccomp"]["syscalls"]
    assert first == {"names": ["a"], "action": "SCMP_ACT_ERRNO"}
    assert [entry.get("valueTwo") for entry in second["args"]] == [None, 0]
    empty = runtime(seccomp={"defaultAction": "", "syscalls": []})
    assert not {"seccomp", "cgroupsPath"} & converted(CONFIG, empty)["linux"].keys()
