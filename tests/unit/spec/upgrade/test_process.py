"""process, root, mounts, namespaces, capabilities of 2015."""

from __future__ import annotations

from typing import Any

import pytest

from ringfence.errors import RingfenceError
from tests.unit.spec.upgrade.documents import converted, pre_draft, warned


def refused(document: dict[str, Any], text: str) -> None:
    with pytest.raises(RingfenceError) as caught:
        converted(document)
    assert text in caught.value.attempted


def sets(names: list[str]) -> dict[str, list[str]]:
    """The three sets that a list of 2015 becomes."""
    return dict.fromkeys(("bounding", "effective", "permitted"), names)


def process(**changes: Any) -> dict[str, Any]:
    held: dict[str, Any] = converted(pre_draft(process=changes))["process"]
    return held


def test_plain_members() -> None:
    """OLD-PROC-01: terminal, args and env keep their names; an absent terminal is none, a null env empty."""
    assert process(terminal=True)["terminal"] is True
    assert process()["terminal"] is False
    assert process(env=None)["env"] == []
    assert process(args=["a", "b"], env=["X=1"])["args"] == ["a", "b"]
    words: list[str] | None
    for words in (None, []):
        refused(pre_draft(process={"args": words}), "args must not be empty")
    refused(pre_draft(process={"env": ["NOTHING"]}), "invalid environment 'NOTHING'")


@pytest.mark.parametrize(("cwd", "made"), [("", "/"), (None, "/"), ("/a", "/a"), ("a/b", "/a/b")])
def test_working_directories(cwd: str | None, made: str) -> None:
    """OLD-PROC-02: "" and absent are /, a relative one is taken from there with a warning."""
    assert process(cwd=cwd)["cwd"] == made
    assert len(warned(pre_draft(process={"cwd": cwd}))) == (1 if cwd == "a/b" else 0)


def test_users() -> None:
    """OLD-PROC-03: ids keep their meaning, absent is 0, negative an error; groups keep their order."""
    assert process(user={"uid": 5})["user"] == {"uid": 5, "gid": 0}
    assert process(user={"additionalGids": [9, 3]})["user"]["additionalGids"] == [9, 3]
    assert "additionalGids" not in process(user={"additionalGids": None})["user"]
    refused(pre_draft(process={"user": {"uid": -1}}), "process.user.uid")
    refused(pre_draft(process={"user": {"additionalGids": [-1]}}), "process.user.additionalGids[0]")


def test_home_is_not_set() -> None:
    """OLD-PROC-04: HOME is left to the container's own /etc/passwd, as with every configuration."""
    assert process(env=["A=b"])["env"] == ["A=b"]


def test_rlimits() -> None:
    """OLD-PROC-05: a type is a number of x86 or a name, 0 is a value, 2^64-1 unlimited, null adds nothing."""
    limits = [{"type": number, "hard": 2, "soft": 0} for number in range(16)]
    made = converted(pre_draft(linux={"rlimits": limits}))["process"]["rlimits"]
    names = "CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE NICE RTPRIO RTTIME"
    assert [entry["type"] for entry in made] == [f"RLIMIT_{name}" for name in names.split()]
    assert all((entry["hard"], entry["soft"]) == (2, 0) for entry in made)
    text = converted(pre_draft(linux={"rlimits": [{"type": "RLIMIT_CORE", "hard": 2**64 - 1, "soft": 1}]}))
    assert text["process"]["rlimits"] == [{"type": "RLIMIT_CORE", "hard": 2**64 - 1, "soft": 1}]
    assert "rlimits" not in converted(pre_draft(linux={"rlimits": None}))["process"]
    refused(pre_draft(linux={"rlimits": [{"type": 16, "hard": 1, "soft": 1}]}), "wrong rlimit value: 16")


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("", {"uid": 0, "gid": 0}),
        ("daemon", {"uid": 1, "gid": 1}),
        ("1", {"uid": 1, "gid": 1}),
        ("1:1", {"uid": 1, "gid": 1}),
        ("alice", {"uid": 1000, "gid": 1001, "additionalGids": [1005]}),
        ("alice:daemon", {"uid": 1000, "gid": 1}),
        ("777", {"uid": 777, "gid": 0}),
    ],
)
def test_users_by_name(text: str, user: dict[str, Any]) -> None:
    """OLD-PROC-06: a name is resolved in the container's own files, with its groups when none is named."""
    assert process(user=text)["user"] == user


def test_unknown_users() -> None:
    """OLD-PROC-06, OLD-UPGRADE-04: a name that cannot be resolved is an error that names it."""
    refused(pre_draft(process={"user": "nobody"}), "'nobody'")
    refused(pre_draft(process={"user": "alice:none"}), "'none'")


def june(**changes: Any) -> dict[str, Any]:
    """A container.json of June 2015."""
    return {
        "version": "0.1",
        "os": "linux",
        "arch": "amd64",
        "processes": [{"tty": True, "user": "daemon", "args": ["sh"], "env": ["A=b"], "cwd": ""}],
        "root": {"path": "/rootfs", "readonly": False},
        "cpus": 1.1,
        "memory": 1024,
        "hostname": "june",
        "namespaces": [{"type": "process"}, {"type": "mount"}, {"type": "uts"}],
        "capabilities": ["KILL"],
        "devices": ["null"],
        "mounts": [{"type": "proc", "source": "proc", "destination": "/proc", "options": ""}],
        **changes,
    }


def test_june() -> None:
    """OLD-PROC-06, OLD-ROOT-01, OLD-NS-01, OLD-CAP-01, OLD-RES-09: everything at the top finds its place."""
    made = converted(june())
    assert made["process"]["terminal"] is True
    assert made["process"]["user"] == {"uid": 1, "gid": 1}
    assert made["root"] == {"path": "rootfs", "readonly": False}
    assert made["linux"]["namespaces"] == [{"type": "pid"}, {"type": "mount"}, {"type": "uts"}]
    assert made["process"]["capabilities"]["effective"] == ["CAP_KILL"]
    assert made["linux"]["resources"]["cpu"] == {"quota": 110000, "period": 100000}
    assert made["linux"]["resources"]["memory"] == {"limit": 1073741824}
    assert not {"os", "arch", "version", "processes", "cpus", "memory"} & made.keys()
    processes: Any
    for processes in ([], [{}, {}]):
        refused(june(processes=processes), "runc only supports one(1) process for the container")


def test_roots() -> None:
    """OLD-ROOT-01: the path stays as it is, "" and missing are errors, an absent readonly is false."""
    assert converted(pre_draft())["root"] == {"path": "rootfs", "readonly": False}
    assert converted(pre_draft(root={"path": "/srv/root"}))["root"]["path"] == "/srv/root"
    for path in ("", None):
        refused(pre_draft(root={"path": path}), "root.path")


def test_read_only_roots() -> None:
    """OLD-ROOT-02: a read-only root protects paths and sysfs; a writable one does not; both need a mount namespace."""
    mounts = [{"type": "sysfs", "source": "sysfs", "destination": "/sys", "options": ""}]
    made = converted(pre_draft(root={"path": "r", "readonly": True}, mounts=mounts))
    assert made["linux"]["maskedPaths"] == ["/proc/kcore"]
    assert made["linux"]["readonlyPaths"] == ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"]
    assert made["mounts"][0]["options"] == ["ro"]
    open_one = converted(pre_draft(mounts=mounts))
    assert not {"maskedPaths", "readonlyPaths"} & open_one["linux"].keys()
    assert "options" not in open_one["mounts"][0]
    alone = pre_draft(root={"path": "r", "readonly": True}, linux={"namespaces": [{"type": "pid"}]})
    refused(alone, "unable to restrict sys entries without a private MNT namespace")


def test_hostnames() -> None:
    """OLD-ROOT-03: a host name stays, "" is unset."""
    assert converted(pre_draft(hostname="x"))["hostname"] == "x"
    assert "hostname" not in converted(pre_draft(hostname=""))


@pytest.mark.parametrize(
    ("given", "made"), [("", "rprivate"), (None, "rprivate"), ("slave", "slave"), ("rshared", "rshared")]
)
def test_propagation(given: str | None, made: str) -> None:
    """OLD-ROOT-04: absent is rprivate, what 2015 did; known words stay."""
    assert converted(pre_draft(linux={"rootfsPropagation": given}))["linux"]["rootfsPropagation"] == made


def test_unknown_propagation() -> None:
    """OLD-ROOT-04: other words are refused."""
    refused(pre_draft(linux={"rootfsPropagation": "x"}), "rootfsPropagation=x is not supported")


def mounted(**entry: Any) -> dict[str, Any]:
    given = {"type": "tmpfs", "source": "tmpfs", "destination": "/x", **entry}
    held: dict[str, Any] = converted(pre_draft(mounts=[given]))["mounts"][0]
    return held


@pytest.mark.parametrize(
    ("text", "words"),
    [("", None), (None, None), (" a , b,,a ", ["a", "b", "a"]), ("size=65536k,mode=755", ["size=65536k", "mode=755"])],
)
def test_option_texts(text: str | None, words: list[str] | None) -> None:
    """OLD-MOUNT-01: a text is split at commas, blanks trimmed, empty words dropped, order and repeats kept."""
    assert mounted(options=text).get("options") == words


def test_option_words_are_kept() -> None:
    """OLD-MOUNT-02: every word stays as it is, for the table of words and the file system to read."""
    text = "async,defaults,noatime,rprivate,strictatime,unbindable,strange=1"
    assert mounted(options=text)["options"] == text.split(",")


def test_binds() -> None:
    """OLD-MOUNT-03: type bind means the option too; a missing source is an error."""
    assert mounted(type="bind", source="data", options="ro") == {
        "destination": "/x", "type": "bind", "source": "data", "options": ["bind", "ro"],
    }  # fmt: skip
    assert mounted(type="bind", options="rbind,ro")["options"] == ["rbind", "ro"]
    refused(pre_draft(mounts=[{"type": "bind", "destination": "/x"}]), "mounts[0].source")


def test_targets_and_sources() -> None:
    """OLD-MOUNT-04: a relative target is taken from / with a warning, an empty source is the type's name."""
    document = pre_draft(mounts=[{"type": "proc", "source": "", "destination": "proc"}])
    assert converted(document)["mounts"] == [{"destination": "/proc", "type": "proc", "source": "proc"}]
    assert len(warned(document)) == 1


def test_cgroup_mounts() -> None:
    """OLD-MOUNT-05: type cgroup stays, with its options."""
    assert mounted(type="cgroup", source="cgroup", options="ro")["options"] == ["ro"]


def test_terminals_in_user_namespaces() -> None:
    """OLD-MOUNT-06: gid=5 is dropped, with a warning, where the group has no mapping; newinstance stays."""
    mounts = [{"type": "devpts", "source": "devpts", "destination": "/dev/pts", "options": "newinstance,gid=5"}]
    small = {"uidMappings": [{"hostID": 1000, "containerID": 0, "size": 1}]}
    small["gidMappings"] = small["uidMappings"]
    document = pre_draft(mounts=mounts, linux=small)
    assert converted(document)["mounts"][0]["options"] == ["newinstance"]
    assert len(warned(document)) == 1
    assert converted(pre_draft(mounts=mounts))["mounts"][0]["options"] == ["newinstance", "gid=5"]


def test_namespaces() -> None:
    """OLD-NS-01, OLD-NS-02: process is pid; "" and null are new ones, other paths are joined."""
    given = [{"type": "process", "path": ""}, {"type": "mount", "path": None}, {"type": "network", "path": "/n"}]
    made = converted(pre_draft(linux={"namespaces": given}))["linux"]["namespaces"]
    assert made == [{"type": "pid"}, {"type": "mount"}, {"type": "network", "path": "/n"}]


@pytest.mark.parametrize("kind", ["mnt", "net", "bogus"])
def test_unknown_namespaces(kind: str) -> None:
    """OLD-NS-01: an unknown type is named."""
    refused(pre_draft(linux={"namespaces": [{"type": kind}]}), f'namespace {{"{kind}" ""}} does not exist')


@pytest.mark.parametrize("namespaces", [None, [], [{"type": "pid"}]])
def test_mounts_are_never_made_on_the_host(namespaces: Any) -> None:
    """OLD-NS-02: without a mount namespace it is an error, never a mount on the host."""
    refused(pre_draft(linux={"namespaces": namespaces}), "mount")


def test_namespaces_given_twice() -> None:
    """OLD-NS-03: the last entry counts, at the place of the first, with a warning."""
    given = [{"type": "process"}, {"type": "mount"}, {"type": "pid", "path": "/p"}]
    document = pre_draft(linux={"namespaces": given})
    assert converted(document)["linux"]["namespaces"] == [{"type": "pid", "path": "/p"}, {"type": "mount"}]
    assert len(warned(document)) == 1


def test_capabilities() -> None:
    """OLD-CAP-01: names get CAP_ and upper case, once each, in three sets."""
    made = converted(pre_draft(linux={"capabilities": ["kill", "CAP_KILL", "SYS_ADMIN"]}))["process"]["capabilities"]
    assert made == sets(["CAP_KILL", "CAP_SYS_ADMIN"])


@pytest.mark.parametrize("names", [None, []])
def test_no_capabilities(names: Any) -> None:
    """OLD-CAP-02: null, [] and absent are none; nothing newer is added."""
    made = converted(pre_draft(linux={"capabilities": names}))
    assert made["process"]["capabilities"] == sets([])
    assert "noNewPrivileges" not in made["process"]
    assert "seccomp" not in made["linux"]


def test_unknown_capabilities() -> None:
    """OLD-CAP-03: a name unknown to us is kept; the run warns of it as of every other."""
    made = converted(pre_draft(linux={"capabilities": ["FUTURE"]}))
    assert made["process"]["capabilities"]["bounding"] == ["CAP_FUTURE"]
