"""Release candidates and 0.x; upgrades as a whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ringfence.jsontext import dumps
from ringfence.spec.load import load_config
from tests.unit.spec.upgrade.documents import HERE, converted, pre_draft, rc, sample, warned
from tests.unit.spec.upgrade.test_linux import CONFIG, runtime
from tests.unit.spec.upgrade.test_process import june, refused, sets

SETS = sets(["CAP_KILL"])


def test_flat_capabilities() -> None:
    """OLD-RC-01: a flat list, in linux or in process, becomes three sets; an object stays, in 1.x files too."""
    assert converted(rc("0.3.0", linux={"capabilities": ["CAP_KILL"]}))["process"]["capabilities"] == SETS
    assert converted(rc("0.4.0", process={"capabilities": ["CAP_KILL"]}))["process"]["capabilities"] == SETS
    assert converted(rc(process={"capabilities": {"ambient": []}}))["process"]["capabilities"] == {"ambient": []}
    today = {"ociVersion": "1.0.0", "process": {"capabilities": ["CAP_KILL"]}}
    assert converted(today)["process"]["capabilities"] == SETS


def test_places_of_0_3() -> None:
    """OLD-RC-02: what stood in linux goes to the process; 0.4 protected paths unasked."""
    given = {
        "rlimits": [{"type": 7, "hard": 1, "soft": 1}],
        "noNewPrivileges": True,
        "apparmorProfile": "a",
        "selinuxProcessLabel": "s",
    }
    made = converted(rc("0.3.0", linux=given, root={"path": "r", "readonly": True}))
    process = made["process"]
    assert process["rlimits"] == [{"type": "RLIMIT_NOFILE", "hard": 1, "soft": 1}]
    assert (process["noNewPrivileges"], process["apparmorProfile"], process["selinuxLabel"]) == (True, "a", "s")
    assert made["linux"]["maskedPaths"] == ["/proc/kcore"]
    four = converted(rc("0.4.0"))["linux"]
    assert four["maskedPaths"] == ["/proc/kcore", "/proc/latency_stats", "/proc/timer_stats", "/proc/sched_debug"]
    assert four["readonlyPaths"][0] == "/proc/asound"
    assert "maskedPaths" not in converted(rc("0.5.0"))["linux"]


def test_names_of_resources() -> None:
    """OLD-RC-03: names lose `blkio`; oomScoreAdj goes to the process, 0 is a value; Iops and IOPS are one."""
    given = {
        "disableOOMKiller": True,
        "oomScoreAdj": 0,
        "blockIO": {"blkioWeight": 5, "blkioLeafWeight": 6, "blkioThrottleReadIopsDevice": [{"major": 1}]},
    }
    made = converted(rc(linux={"resources": given}))
    assert made["process"]["oomScoreAdj"] == 0
    assert made["linux"]["resources"] == {
        "memory": {"disableOOMKiller": True},
        "blockIO": {"weight": 5, "leafWeight": 6, "throttleReadIOPSDevice": [{"major": 1}]},
    }
    assert "oomScoreAdj" not in converted(rc(linux={"resources": {"oomScoreAdj": None}}))["process"]


def test_unsigned_values() -> None:
    """OLD-RC-04: 2^63 and more is -1; 0 stays a value; nulls and 0 pids are unset."""
    given = {
        "memory": {"limit": 2**64 - 1, "reservation": 0, "swap": 2**63, "swappiness": 2**64 - 1, "kernelTCP": None},
        "cpu": {"quota": 2**64 - 1, "shares": 0},
        "pids": {"limit": 0},
        "network": {"classID": None},
    }
    assert converted(rc(linux={"resources": given}))["linux"]["resources"] == {
        "memory": {"limit": -1, "reservation": 0, "swap": -1},
        "cpu": {"quota": -1, "shares": 0},
        "network": {},
    }


def test_terminal_sizes_and_lists() -> None:
    """OLD-RC-06: a size of 0 is unset; lists stay, null is unset; a page limit needs both members."""
    assert "consoleSize" not in converted(rc(process={"consoleSize": {"height": 0, "width": 0}}))["process"]
    size = {"height": 5, "width": 6}
    assert converted(rc(process={"consoleSize": size}))["process"]["consoleSize"] == size
    pages = [{"pageSize": "2MB", "limit": 5}]
    assert converted(rc(linux={"resources": {"hugepageLimits": pages}, "mountLabel": None}))["linux"] == {
        "namespaces": [{"type": "mount"}, {"type": "pid"}],
        "resources": {"hugepageLimits": pages},
    }
    refused(rc(linux={"resources": {"hugepageLimits": [{"pageSize": "2MB"}]}}), "pageSize and limit")


def test_filters_and_types() -> None:
    """OLD-RC-07: name becomes names; null args and "" comments go; a type may be a number."""
    seccomp = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"name": "a", "action": "SCMP_ACT_ERRNO", "args": None, "comment": ""}],
    }
    made = converted(rc("1.0.0-rc1", linux={"seccomp": seccomp, "devices": [{"path": "/dev/x", "type": 99}]}))
    assert made["linux"]["seccomp"]["syscalls"] == [{"names": ["a"], "action": "SCMP_ACT_ERRNO"}]
    assert made["linux"]["devices"] == [{"type": "c", "path": "/dev/x"}]


def test_hooks_and_rules() -> None:
    """OLD-RC-08: empty hooks and timeouts of 0 go; no rule is added; a missing access is all of it."""
    assert "hooks" not in converted(rc(hooks={}))
    made = converted(rc(hooks={"prestart": [{"path": "/a", "timeout": 0}]}, solaris={"a": 1}))
    assert made["hooks"] == {"prestart": [{"path": "/a"}]}
    assert made["solaris"] == {"a": 1}
    assert "resources" not in converted(rc(linux={"resources": {"devices": None}}))["linux"]
    rules = converted(rc(linux={"resources": {"devices": [{"allow": False}]}}))["linux"]["resources"]["devices"]
    assert rules == [{"allow": False, "access": "rwm"}]


def test_the_sample() -> None:
    """OLD-UPGRADE-05, OLD-UPGRADE-06, OLD-UPGRADE-07, OLD-UPGRADE-08: the README's sample of 2015, to the letter."""
    expected = (HERE / "sample_upgraded.json").read_text()
    assert dumps(converted(sample()), indent="\t") + "\n" == expected
    assert warned(sample()) == []
    assert list(json.loads(expected)["linux"]["resources"]) == ["devices"]


DOCUMENTS: list[tuple[dict[str, Any], Any]] = [
    (sample(), None), (pre_draft(), None), (june(), None), (rc(), None), (rc("0.3.0"), None), (CONFIG, runtime()),
]  # fmt: skip


@pytest.mark.parametrize(("document", "second"), DOCUMENTS)
def test_a_second_upgrade_changes_nothing(document: dict[str, Any], second: Any) -> None:
    """OLD-UPGRADE-01, OLD-UPGRADE-03: the output is of today, loads, and comes out of another upgrade the same."""
    made = converted(document, second)
    load_config(dumps({**made, "process": {"cwd": "/", **made["process"]}}))
    assert made["ociVersion"] == "1.3.0"
    assert next(iter(made)) == "ociVersion"
    assert dumps(converted(made)) == dumps(made)
    assert warned(made) == []


def test_a_file_of_today_is_left_alone() -> None:
    """OLD-UPGRADE-03: a 1.x file comes out with equal content."""
    today = {"ociVersion": "1.0.2", "linux": {"x": None}, "annotations": {"a": "b"}}
    assert converted(today) == today
