"""What keeps a container to itself: capabilities, seccomp, namespaces, devices, read-only and masked paths."""

from __future__ import annotations

import json
import os
import stat

import pytest

from tests.engines.docker import Docker
from tests.engines.engine import Engine

CAP_KILL, CAP_NET_ADMIN, CAP_SYS_ADMIN = 5, 12, 21
# What docker gives (moby, oci/caps/defaults.go); podman takes its own list from containers.conf.
DOCKER_CAPABILITIES = 0xA80425FB
SIGUSR1 = 10


def mask(status: str, name: str) -> int:
    """A capability set of /proc/PID/status."""
    return int(status.split(f"{name}:")[1].split(maxsplit=1)[0], 16)


def sets(engine: Engine, *options: str) -> dict[str, int]:
    """The capability sets of a program."""
    status = engine.sh("cat /proc/self/status", *options).ok().out
    return {name: mask(status, name) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}


def test_default_capabilities(engine: Engine) -> None:
    found = sets(engine)
    assert found["CapPrm"] == found["CapEff"] == found["CapBnd"]
    assert found["CapAmb"] == 0
    assert found["CapEff"] >> CAP_KILL & 1
    assert not found["CapEff"] >> CAP_SYS_ADMIN & 1
    if engine.name == "docker":
        assert found["CapEff"] == DOCKER_CAPABILITIES


def test_dropping_all_capabilities_leaves_none(engine: Engine) -> None:
    assert sets(engine, "--cap-drop", "ALL") == dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), 0)
    assert engine.sh("chown 1:1 /tmp", "--cap-drop", "ALL").code != 0


def test_adding_one_capability_to_none_gives_that_one(engine: Engine) -> None:
    options = ["--cap-drop", "ALL", "--cap-add", "NET_ADMIN"]
    found = sets(engine, *options)
    assert [found[name] for name in ("CapPrm", "CapEff", "CapBnd")] == [1 << CAP_NET_ADMIN] * 3
    engine.sh("ip link set lo mtu 1234 && ip link show lo | grep -q 'mtu 1234'", *options).ok()
    assert engine.sh("ip link set lo mtu 1234").code != 0


def test_a_user_other_than_root_has_no_effective_capability(engine: Engine) -> None:
    found = sets(engine, "--user", "1234")
    assert (found["CapPrm"], found["CapEff"]) == (0, 0)
    assert found["CapBnd"] == sets(engine)["CapBnd"]


def test_no_new_privileges(engine: Engine) -> None:
    options = ["--security-opt", "no-new-privileges"]
    assert engine.sh("grep NoNewPrivs /proc/self/status", *options).ok().out.split() == ["NoNewPrivs:", "1"]
    assert engine.sh("grep NoNewPrivs /proc/self/status").ok().out.split() == ["NoNewPrivs:", "0"]


# seccomp


def test_the_default_seccomp_profile_is_in_force(engine: Engine) -> None:
    assert engine.sh("grep Seccomp: /proc/self/status").ok().out.split() == ["Seccomp:", "2"]


def test_dockers_seccomp_profile_refuses_a_user_namespace(docker: Docker) -> None:
    result = docker.sh("unshare -U true")
    assert result.code != 0
    assert "Operation not permitted" in result.err


def test_without_seccomp_a_user_namespace_can_be_made_if_the_host_lets_anybody(engine: Engine) -> None:
    without_privilege = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "unshare", "-U", "true"]
    allowed = engine.sandbox.run(*without_privilege).code == 0
    options = ["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"]
    result = engine.sh("grep Seccomp: /proc/self/status; unshare -U true", *options)
    assert result.out.split() == ["Seccomp:", "0"]
    assert (result.code == 0) is allowed


def test_a_seccomp_profile_of_the_users_own(engine: Engine) -> None:
    usr1 = {"index": 1, "value": SIGUSR1, "valueTwo": 0, "op": "SCMP_CMP_EQ"}
    rules = [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "args": []},
        {"names": ["kill"], "action": "SCMP_ACT_ERRNO", "args": [usr1]},
    ]
    path = engine.sandbox.new_path("seccomp")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}, file)
    script = "mkdir /tmp/new; trap 'echo usr2' USR2; kill -USR2 $$; kill -USR1 $$; exit 3"
    result = engine.sh(script, "--security-opt", f"seccomp={path}")
    assert (result.code, result.out) == (3, "usr2\n")
    assert result.err.count("Operation not permitted") == 2


# the file system


def test_a_read_only_root(engine: Engine) -> None:
    result = engine.sh("touch /new", "--read-only")
    assert result.code != 0
    assert "Read-only file system" in result.err
    assert engine.sh("grep ' / ' /proc/self/mounts", "--read-only").ok().out.split()[3].startswith("ro,")


def test_a_read_only_root_can_have_writable_places(engine: Engine) -> None:
    options = ["--read-only", "--tmpfs", "/scratch", "--volume", "/kept"]
    assert engine.sh("touch /scratch/a /kept/b && ls /scratch /kept", *options).ok().out.split() == [
        "/kept:",
        "b",
        "/scratch:",
        "a",
    ]


def test_parts_of_proc_and_sys_are_masked_or_read_only(engine: Engine) -> None:
    assert engine.sh("cat /proc/kcore /proc/keys /proc/timer_list 2> /dev/null | wc -c").ok().out.strip() == "0"
    for path in ("/proc/sys/kernel/domainname", "/proc/sysrq-trigger", "/sys/kernel/profiling"):
        result = engine.sh(f"echo > {path}")
        assert result.code != 0
        assert "Read-only file system" in result.err or "nonexistent directory" in result.err


def test_dev_has_the_default_devices_and_links(engine: Engine) -> None:
    wanted = ["fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty"]
    found = engine.sh("ls /dev; echo x > /dev/null; head -c 3 /dev/zero | wc -c; echo x > /dev/full").out.split()
    assert set(wanted) <= set(found)
    assert not [name for name in found if name.startswith(("sd", "vd", "nvme", "mem", "kmsg"))]
    assert found[-1] == "3"


@pytest.fixture
def kmsg(engine: Engine) -> str:
    """A node of the kernel's log, which containers do not get by default and may open for writing without privilege."""
    path = engine.sandbox.new_path("kmsg")
    os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 11))
    return path


@pytest.mark.parametrize(("access", "allowed"), [("w", True), ("rwm", True), ("r", False)])
def test_a_device_is_given_with_the_wanted_access(engine: Engine, kmsg: str, access: str, allowed: bool) -> None:
    result = engine.sh(": > /dev/given", "--device", f"{kmsg}:/dev/given:{access}")
    assert (result.code == 0) is allowed
    assert ("Operation not permitted" in result.err) is not allowed


@pytest.mark.parametrize(("rule", "allowed"), [("c 1:11 rwm", True), ("c *:* w", True), ("c 1:12 rwm", False)])
def test_a_node_made_inside_can_be_opened_only_if_a_rule_allows_it(engine: Engine, rule: str, allowed: bool) -> None:
    options = ["--cap-add", "MKNOD", "--device-cgroup-rule", rule]
    result = engine.sh("mknod /tmp/kmsg c 1 11 || exit 9; : > /tmp/kmsg", *options)
    assert (result.code == 0) is allowed, result
    assert ("/tmp/kmsg: Operation not permitted" in result.err) is not allowed


# namespaces


def test_a_container_sees_its_own_processes_only(engine: Engine) -> None:
    assert engine.sh("echo $$; ls /proc | grep -c '^[0-9]'").ok().out.split()[0] == "1"
    assert "dockerd" not in engine.sh("ps").ok().out


def test_network_none_has_a_loopback_only(engine: Engine) -> None:
    script = "ls /sys/class/net; ping -c 1 127.0.0.1 > /dev/null && echo alive"
    assert engine.sh(script, "--network", "none", "--cap-add", "NET_RAW").ok().out.split() == ["lo", "alive"]


def test_network_host_is_the_engines_network(engine: Engine) -> None:
    assert sorted(engine.sh("ls /sys/class/net", "--network", "host").ok().out.split()) == engine.sandbox.links()


@pytest.mark.parametrize(("option", "kind"), [("network", "net"), ("pid", "pid"), ("ipc", "ipc")])
def test_a_namespace_of_another_container_is_joined(engine: Engine, option: str, kind: str) -> None:
    script = f"readlink /proc/self/ns/{kind}"
    other = engine.running("--ipc", "shareable")
    wanted = other.sh(script).ok().out
    assert engine.sh(script, f"--{option}", f"container:{other.id}").ok().out == wanted
    assert engine.sh(script).ok().out != wanted


@pytest.mark.parametrize("kind", ["ipc", "uts", "pid"])
def test_a_namespace_of_the_host_is_shared(engine: Engine, kind: str) -> None:
    script = f"readlink /proc/self/ns/{kind}"
    host = engine.sandbox.run("sh", "-c", script).ok().out
    assert engine.sh(script, f"--{kind}", "host").ok().out == host


def test_a_private_cgroup_namespace_hides_the_path(engine: Engine) -> None:
    rows = engine.sh("cat /proc/self/cgroup", "--cgroupns", "private").ok().out.split()
    assert {row.split(":", 2)[2] for row in rows} == {"/"}


def test_the_hosts_cgroup_namespace_shows_the_path(engine: Engine) -> None:
    rows = engine.sh("cat /proc/self/cgroup", "--cgroupns", "host").ok().out
    assert f"/{engine.sandbox.token}/" in rows
