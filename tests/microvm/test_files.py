"""The container's files, and what else holds inside."""

from __future__ import annotations

import os

import pytest

from tests.support import Bundle, Runtime


@pytest.fixture
def shared(bundle: Bundle) -> Bundle:
    """A bundle with a writable root."""
    bundle.config["root"]["readonly"] = False
    return bundle


def test_the_root_is_shared_live(machines: Runtime, shared: Bundle) -> None:
    """MVM-FILES-01: what either side writes the other sees, owners and modes included."""
    shared.process["capabilities"] = {kind: ["CAP_CHOWN"] for kind in ("bounding", "effective", "permitted")}
    shared.sleep()
    container = machines.started(shared)
    container.sh("echo inner >/made; chmod 640 /made; chown 7:8 /made").ok()
    held = os.stat(os.path.join(shared.rootfs, "made"))
    assert (held.st_mode & 0o777, held.st_uid, held.st_gid) == (0o640, 7, 8)
    with open(os.path.join(shared.rootfs, "outer"), "w", encoding="utf-8") as file:
        file.write("outer\n")
    assert container.sh("cat /outer").ok().out == "outer\n"


def test_a_read_only_root_is_so_on_the_host(machines: Runtime, bundle: Bundle) -> None:
    """MVM-FILES-05, MVM-SEC-02: root of the guest with every right may remount it, and still cannot write."""
    names = ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"]
    bundle.process["capabilities"] = dict.fromkeys(("bounding", "effective", "permitted"), names)
    bundle.config["root"]["readonly"] = True
    bundle.sh("mount -o remount,rw,bind / ; touch /written && echo wrote")
    result = machines.run_bundle(bundle)
    assert "wrote" not in result.out
    assert not os.path.exists(os.path.join(bundle.rootfs, "written"))


def test_bind_mounts(machines: Runtime, shared: Bundle) -> None:
    """MVM-FILES-04, MVM-FILES-06: folders and single files, writable or not, one share for all of them."""
    folder = machines.new_path("volume")
    os.mkdir(folder)
    single = machines.new_path("single")
    for path in (os.path.join(folder, "one"), single):
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{os.path.basename(path)}\n")
    shared.bind(folder, "/volume")
    shared.bind(folder, "/fixed", "ro")
    shared.bind(single, "/etc/single")
    shared.sh(
        "cat /volume/one /fixed/one /etc/single; echo two >/volume/two; touch /fixed/three 2>/dev/null || echo no"
    )
    result = machines.run_bundle(shared)
    assert result.out == f"one\none\n{os.path.basename(single)}\nno\n"
    assert sorted(os.listdir(folder)) == ["one", "two"]


def test_a_hundred_bind_mounts(machines: Runtime, shared: Bundle) -> None:
    """MVM-FILES-04: they cost no device."""
    folder = machines.new_path("volume")
    os.mkdir(folder)
    for number in range(100):
        shared.bind(folder, f"/volumes/{number}")
    shared.sh("ls /volumes | wc -l; grep -c ' /volumes/' /proc/mounts")
    assert machines.run_bundle(shared).out.split() == ["100", "100"]


def test_links_do_not_leave_the_share(machines: Runtime, shared: Bundle) -> None:
    """MVM-FILES-07, MVM-SEC-03: a link of the image to a path of the host means the guest's."""
    secret = machines.new_path("secret")
    with open(secret, "w", encoding="utf-8") as file:
        file.write("secret")
    os.symlink(secret, os.path.join(shared.rootfs, "link"))
    os.symlink("../../../../../../.." + secret, os.path.join(shared.rootfs, "dots"))
    shared.sh("cat /link; cat /dots; ln -s / /up; ls /up/up/up/root 2>/dev/null; true")
    assert "secret" not in machines.run_bundle(shared).out


def test_nothing_of_ours_is_in_the_root(machines: Runtime, shared: Bundle) -> None:
    """MVM-FILES-08: but for the mount points of the configuration."""
    before = set(os.listdir(shared.rootfs))
    shared.args("true")
    assert machines.run_bundle(shared).code == 0
    assert set(os.listdir(shared.rootfs)) - before <= {"proc", "dev", "sys", "tmp"}


def test_the_process_is_as_configured(machines: Runtime, bundle: Bundle) -> None:
    """MVM-GUEST-01, MVM-GUEST-02, MVM-GUEST-03: arguments, environment, ids, capabilities, limits, byte for byte."""
    bundle.process["env"] = ["A=1", "B=two words", "C=", "PATH=/bin"]
    bundle.process["user"] = {"uid": 70000, "gid": 8, "additionalGids": [9, 4000000000], "umask": 0o27}
    bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]
    bundle.process["oomScoreAdj"] = 300
    bundle.process["cwd"] = "/made/for/it"
    bundle.args(
        "sh", "-c", 'env; id -u; id -G; umask; ulimit -Sn; cat /proc/self/oom_score_adj; pwd; echo "$@"', "x", "a b"
    )
    lines = machines.run_bundle(bundle).out.splitlines()
    assert {"A=1", "B=two words", "C="} <= set(lines)
    assert not any(line.startswith(("HOSTNAME", "TERM", "BOOT_IMAGE")) for line in lines)
    assert lines[-7:] == ["70000", "8 9 4000000000", "0027", "100", "300", "/made/for/it", "a b"]


def test_namespaces_inside(machines: Runtime, bundle: Bundle) -> None:
    """MVM-GUEST-05, MVM-GUEST-12: process 1 of its own, no init of ours in sight; loopback is up."""
    bundle.sh("echo $$; ps | wc -l; ls /dev; cat /sys/class/net/lo/flags")
    out = machines.run_bundle(bundle).out
    assert out.startswith("1\n")
    assert "vport" not in out
    assert "hvc" not in out
    assert out.endswith("0x9\n")


def test_protected_paths(machines: Runtime, bundle: Bundle) -> None:
    """MVM-GUEST-07: masked and read-only paths hold."""
    bundle.linux["maskedPaths"] = ["/proc/cpuinfo", "/proc/sys"]
    bundle.sh("wc -c </proc/cpuinfo; ls /proc/sys | wc -l")
    assert machines.run_bundle(bundle).out.split() == ["0", "0"]


def test_the_memory_limit_is_the_guests(machines: Runtime, bundle: Bundle) -> None:
    """MVM-GUEST-10, MVM-QEMU-15: memory.max is the configured figure, and a hog is killed inside."""
    bundle.namespace("cgroup")
    bundle.resources["memory"] = {"limit": 48 << 20}
    bundle.resources["pids"] = {"limit": 30}
    bundle.sh("cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max; exec tail /dev/zero")
    result = machines.run_bundle(bundle)
    assert (result.code, result.out) == (137, f"{48 << 20}\n30\n")


def test_a_filter_of_system_calls(machines: Runtime, bundle: Bundle) -> None:
    """MVM-GUEST-04: the same program as behind the first wall."""
    rules = [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}
    bundle.sh("mkdir /tmp/x 2>&1; grep Seccomp: /proc/self/status")
    out = machines.run_bundle(bundle).out
    assert "not supported" in out
    assert "2" in out.splitlines()[-1]


def test_host_name_and_sysctl(machines: Runtime, bundle: Bundle) -> None:
    """MVM-GUEST-09: the host's kernel is not touched, so every key may be set."""
    bundle.config["hostname"] = "inner"
    bundle.linux["sysctl"] = {"net.ipv4.ip_forward": "1"}
    bundle.sh("hostname; cat /proc/sys/net/ipv4/ip_forward")
    assert machines.run_bundle(bundle).out == "inner\n1\n"
