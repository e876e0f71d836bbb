"""Root switch, keyring, failures during create, and cgroups that are already there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.conformance.inside import in_own_mounts
from tests.support import Bundle, Runtime, cgroup, wait_until
from tests.support.mark import needs, unlike_runc
from tests.support.process import read_text


def test_no_pivot(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-21: with ``--no-pivot`` the container runs on its own root."""
    bundle.sh("ls /; test ! -e /work && cat /etc/passwd")
    result = runtime.run_bundle(bundle, "--no-pivot").ok()
    assert "alice" in result.out


def test_no_pivot_leaves_no_bare_proc(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-21: with ``--no-pivot`` a nested user namespace still cannot mount an unmasked /proc."""
    for kind in ("bounding", "effective", "permitted"):
        bundle.process["capabilities"][kind].append("CAP_SETFCAP")
    bundle.args("unshare", "-mrpf", "sh", "-c", "mount -t proc none /mnt && ls /mnt")
    result = runtime.run_bundle(bundle, "--no-pivot")
    assert result.code == 1
    assert "ermission denied" in result.err or "not permitted" in result.err


def show_keys(bundle: Bundle) -> None:
    """Let the container print the keys it possesses."""
    bundle.linux["maskedPaths"] = []
    bundle.sh("cat /proc/keys; sleep 1000")


@pytest.mark.skipif(not os.path.exists("/proc/keys"), reason="the kernel has no keyrings")
def test_a_session_keyring_of_its_own(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-22: init and exec join a session keyring named after the container."""
    show_keys(bundle)
    container = runtime.started(bundle)
    container.wait_output(f"_ses.{container.id}")
    assert f"_ses.{container.id}" in container.exec("cat", "/proc/keys").ok().out


@pytest.mark.skipif(not os.path.exists("/proc/keys"), reason="the kernel has no keyrings")
def test_no_new_keyring(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-LIFE-22: ``--no-new-keyring`` makes none."""
    show_keys(bundle)
    result = runtime.started(bundle, "--no-new-keyring")
    wait_until(lambda: result.exec("true").code == 0, "the container to run")
    assert f"_ses.{result.id}" not in result.output()


def fail_by_mount(bundle: Bundle) -> None:
    bundle.bind("/no/such/source", "/mnt")


def fail_by_program(bundle: Bundle) -> None:
    bundle.args("/no/such/program")


def fail_by_hook(bundle: Bundle) -> None:
    bundle.hook("createContainer", "/bin/false")


def fail_by_early_hook(bundle: Bundle) -> None:
    bundle.hook("prestart", "/bin/false")


def fail_by_limit(bundle: Bundle) -> None:
    bundle.resources["cpu"] = {"cpus": "4095"}


def fail_by_device(bundle: Bundle) -> None:
    bundle.linux["devices"] = [{"type": "q", "path": "/dev/x", "major": 1, "minor": 1}]


def fail_by_namespace(bundle: Bundle) -> None:
    bundle.namespace("network", "/proc/self/ns/uts")


def fail_by_cwd(bundle: Bundle) -> None:
    bundle.process["cwd"] = "/etc/passwd"


def fail_by_sysctl(bundle: Bundle) -> None:
    bundle.linux["sysctl"] = {"net.ipv4.no_such_key": "1"}


FAILURES = [
    fail_by_mount, fail_by_program, fail_by_hook, fail_by_early_hook, fail_by_limit, fail_by_device,
    fail_by_namespace, fail_by_cwd, fail_by_sysctl,
]  # fmt: skip


@pytest.mark.parametrize("verb", ["create", "run"])
@pytest.mark.parametrize("spoil", FAILURES)
def test_a_failed_create_undoes_everything(runtime: Runtime, bundle: Bundle, spoil: object, verb: str) -> None:
    """LNX-LIFE-23: whatever fails, nothing stays, and the id can be used again."""
    good = dict(bundle.config), dict(bundle.process), dict(bundle.linux), dict(bundle.resources), list(bundle.mounts)
    assert callable(spoil)
    spoil(bundle)
    bundle.write()
    name = runtime.new_id()
    runtime.refuses("", verb, "-b", bundle.path, name)
    bundle.config = {**good[0], "process": good[1], "linux": {**good[2], "resources": good[3]}, "mounts": good[4]}
    bundle.config.pop("hooks", None)
    bundle.linux["namespaces"] = [{"type": entry["type"]} for entry in bundle.namespaces]
    runtime.create(bundle, name=name)


@pytest.fixture
def used_cgroup(runtime: Runtime, bundle: Bundle) -> Iterator[str]:
    """A cgroup in every hierarchy that the bundle's cgroupsPath names; removed at the end."""
    path = f"/{runtime.token}-used"
    for name in cgroup.hierarchies():
        cgroup.make(name, path)
    bundle.linux["cgroupsPath"] = path
    yield path
    for name in cgroup.hierarchies():
        cgroup.remove(cgroup.hierarchies()[name] + path)


@unlike_runc("only warns")
@pytest.mark.parametrize("verb", ["create", "run"])
def test_a_cgroup_with_processes(runtime: Runtime, bundle: Bundle, used_cgroup: str, verb: str) -> None:
    """LNX-LIFE-24: a cgroup that has processes is refused, with their number."""
    folder = cgroup.make("" if cgroup.is_v2() else "pids", used_cgroup)
    sleeper = subprocess.Popen(["sleep", "1000"])
    for name in set(cgroup.hierarchies()) - {"cpuset"}:  # which takes no process before it has been given CPUs
        cgroup.write(cgroup.make(name, used_cgroup), "cgroup.procs", str(sleeper.pid))
    try:
        result = runtime.refuses_bundle("container's cgroup is not empty", bundle, verb=verb)
        assert "1 process" in result.err
        assert cgroup.members(folder) == [sleeper.pid]
    finally:
        sleeper.kill()
        sleeper.wait()


@pytest.mark.skipif("freezer" not in cgroup.hierarchies(), reason="needs the v1 freezer")
@pytest.mark.parametrize("verb", ["create", "run"])
def test_a_frozen_cgroup(runtime: Runtime, bundle: Bundle, used_cgroup: str, verb: str) -> None:
    """LNX-LIFE-25: a frozen cgroup is refused and left alone."""
    folder = cgroup.make("freezer", used_cgroup)
    cgroup.write(folder, "freezer.state", "FROZEN")
    runtime.refuses_bundle("container's cgroup unexpectedly frozen", bundle, verb=verb)
    assert cgroup.read(folder, "freezer.state") == "FROZEN"


@unlike_runc("says `unexpected EOF` or hangs in the OOM of its Go init")
@pytest.mark.parametrize("verb", ["create", "run"])
@needs("memory")
def test_too_little_memory(runtime: Runtime, bundle: Bundle, verb: str) -> None:
    """LNX-LIFE-26: an init killed for lack of memory is told as such."""
    bundle.resources["memory"] = {"limit": 4096, "swap": 4096}
    result = runtime.refuses_bundle("OOM-killed", bundle, verb=verb)
    told = "container init was OOM-killed (memory limit too low?)" in result.err
    assert told or "possibly OOM-killed" in result.err


@pytest.fixture
def own_mounts(runtime: Runtime) -> Iterator[int]:
    """The pid of a process with a mount namespace of its own, which the runtime is called in."""
    with in_own_mounts(runtime) as pid:
        yield pid


@unlike_runc("needs a /proc in the container's root")
def test_without_a_mount_namespace(runtime: Runtime, bundle: Bundle, own_mounts: int) -> None:
    """LNX-LIFE-27: the container runs in the caller's mount namespace, changed root, hooks once, no unmount."""
    bundle.drop_namespace("mount")
    bundle.config["mounts"] = []
    bundle.linux["maskedPaths"] = bundle.linux["readonlyPaths"] = []
    bundle.config["root"]["readonly"] = False
    mark = os.path.join(runtime.folder, "hooks")
    for kind in ("prestart", "createRuntime", "poststart", "poststop"):
        bundle.hook(kind, "/bin/sh", "-c", f"echo {kind} >> {mark}")
    bundle.sh("ls /etc; exit 5")
    before = read_text(f"/proc/{own_mounts}/mountinfo")
    result = runtime.run_bundle(bundle)
    assert (result.code, "passwd" in result.out) == (5, True), (result, runtime.errors())
    assert read_text(mark).split() == ["prestart", "createRuntime", "poststart", "poststop"]
    kept = {line.split(" ")[4] for line in before.splitlines()}
    assert kept <= {line.split(" ")[4] for line in read_text(f"/proc/{own_mounts}/mountinfo").splitlines()}
