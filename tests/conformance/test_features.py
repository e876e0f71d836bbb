"""--version and features."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest

from tests.support import Process, Runtime
from tests.support.mark import unlike_runc

OPTIONS = [
    "acl", "async", "atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec", "idmap", "iversion",
    "lazytime", "loud", "mand", "noacl", "noatime", "nodev", "nodiratime", "noexec", "noiversion", "nolazytime",
    "nomand", "norelatime", "nostrictatime", "nosuid", "nosymfollow", "private", "ratime", "rbind", "rdev",
    "rdiratime", "relatime", "remount", "rexec", "ridmap", "rnoatime", "rnodev", "rnodiratime", "rnoexec",
    "rnorelatime", "rnostrictatime", "rnosuid", "rnosymfollow", "ro", "rprivate", "rrelatime", "rro", "rrw",
    "rshared", "rslave", "rstrictatime", "rsuid", "rsymfollow", "runbindable", "rw", "shared", "silent", "slave",
    "strictatime", "suid", "symfollow", "sync", "tmpcopyup", "unbindable",
]  # fmt: skip
DATA = {"acl", "noacl"}
ACTIONS = {
    "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP",
}  # fmt: skip
OPERATORS = {
    "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE",
}  # fmt: skip


@pytest.fixture
def features(runtime: Runtime) -> dict[str, Any]:
    """What ``features`` prints."""
    held: dict[str, Any] = json.loads(runtime.run("features", options=[]).ok().out)
    return held


def test_the_version(runtime: Runtime) -> None:
    """LNX-FEAT-01: the lines of ``--version``, after the name the program was called by."""
    lines = runtime.run("--version", options=[]).ok().out.splitlines()
    assert re.fullmatch(rf"{os.path.basename(runtime.binary)} version \d+\.\d+\.\d+\S*", lines[0])
    assert [line.partition(": ")[0] for line in lines[1:3]] == ["commit", "spec"]


@unlike_runc("says 1.0.2-dev")
def test_the_version_of_the_specification(runtime: Runtime) -> None:
    """LNX-FEAT-01: the specification's version is 1.3.0."""
    assert "spec: 1.3.0" in runtime.run("--version", options=[]).ok().out.splitlines()


def test_called_as_runc(runtime: Runtime) -> None:
    """LNX-FEAT-01: called by the name runc it says ``runc version``, as client libraries expect."""
    link = os.path.join(runtime.folder, "runc")
    os.symlink(runtime.binary, link)
    out = runtime.new_path("out")
    result = Process([link, "--version"], out, out + ".err", env={}).wait().ok()
    assert result.out.startswith("runc version ")


def test_features_need_nothing(runtime: Runtime) -> None:
    """LNX-FEAT-02: JSON with an indent of 4 blanks, without root, environment or a state folder."""
    out = runtime.new_path("out")
    user = ["/usr/bin/setpriv", "--reuid=1234", "--regid=1234", "--clear-groups"]
    result = Process([*user, runtime.binary, "features"], out, out + ".err", env={}, cwd="/").wait().ok()
    assert result.out.rstrip("\n") == json.dumps(json.loads(result.out), indent=4)
    assert result.err == ""


@unlike_runc("knows versions up to 1.0.2-dev")
def test_versions(features: dict[str, Any]) -> None:
    """LNX-FEAT-03: the lowest and the highest version of the specification."""
    assert (features["ociVersionMin"], features["ociVersionMax"]) == ("1.0.0", "1.3.0")


def test_hooks(features: dict[str, Any]) -> None:
    """LNX-FEAT-04: six hooks in their order."""
    order = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
    assert features["hooks"] == order


@unlike_runc("knows fewer words")
def test_mount_options(features: dict[str, Any]) -> None:
    """LNX-FEAT-05: every word of the option table, sorted, no data options."""
    held = features["mountOptions"]
    assert held == sorted(held)
    assert set(held) - DATA == set(OPTIONS) - DATA


@unlike_runc("does not know time namespaces")
def test_namespaces(features: dict[str, Any]) -> None:
    """LNX-FEAT-06: eight namespaces, sorted."""
    names = ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"]
    assert features["linux"]["namespaces"] == names


def test_capabilities(features: dict[str, Any]) -> None:
    """LNX-FEAT-06: 41 capabilities in bit order."""
    held = features["linux"]["capabilities"]
    assert len(held) == 41
    assert (held[0], held[21], held[40]) == ("CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_CHECKPOINT_RESTORE")


@unlike_runc("does not tell rdma")
def test_cgroups(features: dict[str, Any]) -> None:
    """LNX-FEAT-07: v1, v2, systemd, systemdUser and rdma as booleans."""
    held = features["linux"]["cgroup"]
    assert set(held) == {"v1", "v2", "systemd", "systemdUser", "rdma"}
    assert all(isinstance(value, bool) for value in held.values())
    assert held["v1"]


@unlike_runc("does not tell flags")
def test_seccomp(features: dict[str, Any]) -> None:
    """LNX-FEAT-08: actions, operators, architectures and flags, sorted; SCMP_ACT_NOTIFY only if it works (FEAT-13)."""
    held = features["linux"]["seccomp"]
    assert held["enabled"] is True
    assert ACTIONS - {"SCMP_ACT_NOTIFY"} <= set(held["actions"]) <= ACTIONS
    assert set(held["operators"]) == OPERATORS
    assert {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_AARCH64"} <= set(held["archs"])
    known = ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC",
             "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]  # fmt: skip
    assert held["knownFlags"] == known
    assert set(held.get("supportedFlags", [])) <= set(known)
    for key in ("actions", "operators", "archs", "knownFlags"):
        assert held[key] == sorted(held[key]), key


@unlike_runc("does not tell the newer ones")
def test_other_features(features: dict[str, Any]) -> None:
    """LNX-FEAT-09: AppArmor, SELinux, intelRdt, id-mapped mounts and network devices."""
    linux = features["linux"]
    assert isinstance(linux["apparmor"]["enabled"], bool)
    assert isinstance(linux["selinux"]["enabled"], bool)
    assert {"enabled"} <= set(linux["intelRdt"]) <= {"enabled", "schemata", "monitoring"}
    assert isinstance(linux["mountExtensions"]["idmap"]["enabled"], bool)
    assert isinstance(linux["netDevices"]["enabled"], bool)


@unlike_runc("does not know memoryPolicy")
def test_memory_policy(features: dict[str, Any]) -> None:
    """LNX-FEAT-10: modes and flags of memoryPolicy."""
    held = features["linux"]["memoryPolicy"]
    modes = "BIND DEFAULT INTERLEAVE LOCAL PREFERRED PREFERRED_MANY WEIGHTED_INTERLEAVE"
    assert set(held["modes"]) == {f"MPOL_{name}" for name in modes.split()}
    assert set(held["flags"]) == {f"MPOL_F_{name}" for name in ("NUMA_BALANCING", "RELATIVE_NODES", "STATIC_NODES")}


def test_annotations(features: dict[str, Any]) -> None:
    """LNX-FEAT-11: versions of the runtime and of the seccomp library if it uses one, and checkpoints or none."""
    held = features["annotations"]
    assert all(isinstance(value, str) and value == value.strip() for value in held.values())
    assert held.get("io.github.seccomp.libseccomp.version") != ""
    assert any(key.endswith((".ringfence.version", ".runc.version")) for key in held)
    assert any(key.endswith(".commit") for key in held)
    assert next(value for key, value in held.items() if key.endswith(".checkpoint.enabled")) in ("true", "false")


@unlike_runc("does not tell them")
def test_unsafe_annotations(features: dict[str, Any]) -> None:
    """LNX-FEAT-12: annotations that may be unsafe to pass on."""
    assert {"bundle", "org.systemd.property.", "org.criu.config"} <= set(features["potentiallyUnsafeConfigAnnotations"])


@unlike_runc("says that it can make checkpoints though there is no CRIU", always=False)
def test_what_is_announced_is_there(features: dict[str, Any], runtime: Runtime) -> None:
    """LNX-FEAT-13: checkpoints are announced only when the command is there, every other feature has its own tests."""
    announced = [value for key, value in features["annotations"].items() if key.endswith(".checkpoint.enabled")]
    known = runtime.run("checkpoint", "--help", options=[]).code == 0
    assert announced == ["true" if known else "false"]
