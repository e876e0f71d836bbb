"""linux.namespaces."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.conformance.inside import inside, output, refused
from tests.support import Bundle, Container, Runtime

FILES = {
    "pid": "pid",
    "network": "net",
    "mount": "mnt",
    "ipc": "ipc",
    "uts": "uts",
    "user": "user",
    "cgroup": "cgroup",
    "time": "time",
}


def own(kind: str) -> str:
    """The namespace of the test process."""
    return os.readlink(f"/proc/self/ns/{FILES[kind]}")


def seen(runtime: Runtime, bundle: Bundle) -> dict[str, str]:
    """The program's namespaces by type."""
    script = "cd /proc/self/ns; for name in *; do echo $name $(readlink $name); done"
    lines = dict(line.split() for line in inside(runtime, bundle, script).splitlines())
    return {kind: lines[name] for kind, name in FILES.items()}


def test_each_type_makes_a_namespace(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-NS-01, LNX-NS-03: each listed type gives a new namespace. runc 1.1 does not know time."""
    bundle.user_namespace()
    for kind in ("cgroup", "time"):
        bundle.namespace(kind)
    assert [kind for kind, value in seen(runtime, bundle).items() if value == own(kind)] == []


@pytest.mark.parametrize("kind", ["network", "ipc", "uts", "pid", "cgroup", "user", "time"])
def test_a_type_not_listed_is_shared(runtime: Runtime, bundle: Bundle, kind: str) -> None:
    """LNX-NS-03: a type not listed is shared with the caller."""
    bundle.drop_namespace(kind)
    if kind == "uts":
        del bundle.config["hostname"]
    if kind == "ipc":
        bundle.config["mounts"] = [entry for entry in bundle.mounts if entry["type"] != "mqueue"]
    assert seen(runtime, bundle)[kind] == own(kind)


def test_unknown_type_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-NS-01: an unknown type is an error that names it."""
    bundle.namespace("bogus")
    refused(runtime, bundle, "bogus")


@pytest.mark.parametrize("kind", ["pid", "network", "mount", "user"])
def test_the_same_type_twice_is_refused(runtime: Runtime, bundle: Bundle, kind: str) -> None:
    """LNX-NS-02: the same type twice is an error."""
    bundle.linux["namespaces"] += [{"type": kind}, {"type": kind}]
    refused(runtime, bundle, "malformed spec file: duplicated ns")


@pytest.fixture
def helper() -> Iterator[subprocess.Popen[bytes]]:
    """A process with network, ipc and uts namespaces of its own; `lo` is down there."""
    script = "hostname helper; echo ready; exec sleep 1000"
    words = ["unshare", "--net", "--ipc", "--uts", "sh", "-c", script]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


@pytest.mark.parametrize("kind", ["network", "ipc", "uts"])
def test_joining_by_pid(runtime: Runtime, bundle: Bundle, helper: subprocess.Popen[bytes], kind: str) -> None:
    """LNX-NS-04: a namespace given as /proc/PID/ns/X is joined."""
    del bundle.config["hostname"]
    path = f"/proc/{helper.pid}/ns/{FILES[kind]}"
    bundle.namespace(kind, path)
    assert seen(runtime, bundle)[kind] == os.readlink(path)


def test_joining_by_file(runtime: Runtime, bundle: Bundle, helper: subprocess.Popen[bytes]) -> None:
    """LNX-NS-04: a namespace bind mounted on a file is joined."""
    path = runtime.new_path("net")
    with open(path, "w", encoding="ascii"):
        pass
    expected = os.readlink(f"/proc/{helper.pid}/ns/net")
    subprocess.run(["mount", "--bind", f"/proc/{helper.pid}/ns/net", path], check=True)
    try:
        bundle.namespace("network", path)
        assert seen(runtime, bundle)["network"] == expected
    finally:
        subprocess.run(["umount", path], check=True)


@pytest.mark.parametrize("path", ["/no/such/file", "/etc/passwd", "/proc/self/ns/uts"])
def test_bad_paths_are_refused(runtime: Runtime, bundle: Bundle, path: str) -> None:
    """LNX-NS-04: a path that is missing, or no namespace of that type, is an error."""
    bundle.namespace("network", path)
    refused(runtime, bundle)


def test_new_network_has_loopback(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-NS-05: a new network namespace has `lo` up with 127.0.0.1 and ::1, and nothing else."""
    out = inside(runtime, bundle, "ip addr show lo; ls /sys/class/net; ping -c 1 -W 1 127.0.0.1 >/dev/null; true")
    assert ",UP" in out
    assert "inet 127.0.0.1/8" in out
    assert "inet6 ::1/128" in out


def test_joined_network_is_left_as_it_is(runtime: Runtime, bundle: Bundle, helper: subprocess.Popen[bytes]) -> None:
    """LNX-NS-05: a joined network namespace is left as it is."""
    bundle.namespace("network", f"/proc/{helper.pid}/ns/net")
    assert ",UP" not in inside(runtime, bundle, "ip addr show lo")


def test_program_is_pid_1(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-NS-06: in a new pid namespace the program is pid 1, alone."""
    bundle.args("sh", "-c", "echo $$ $PPID; ls -d /proc/[0-9]*")
    assert output(runtime, bundle).split()[:2] == ["1", "0"]


def test_program_in_the_shared_pid_namespace(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-NS-06: in the host's pid namespace its pid is the one the host sees."""
    bundle.drop_namespace("pid")
    bundle.sh("echo $$; exec sleep 1000")
    container = runtime.started(bundle)
    assert container.wait_output("\n") == f"{container.pid}\n"


def test_cgroup_namespace_starts_in_the_cgroup(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-NS-07: in a new cgroup namespace /proc/self/cgroup shows `/` everywhere, for exec too."""
    bundle.namespace("cgroup")
    bundle.sh("cat /proc/self/cgroup; echo .; exec sleep 1000")
    container = runtime.started(bundle)
    for text in (container.wait_output(".\n").removesuffix(".\n"), container.sh("cat /proc/self/cgroup").ok().out):
        assert {line.split(":", 2)[2] for line in text.splitlines()} == {"/"}


@pytest.fixture
def other(runtime: Runtime, make_bundle: Callable[..., Bundle]) -> Container:
    """Another container, running."""
    bundle = make_bundle("first")
    bundle.sleep()
    return runtime.started(bundle)


def test_joining_another_container(runtime: Runtime, bundle: Bundle, other: Container) -> None:
    """LNX-NS-08: all namespaces of another container except mount can be joined together."""
    kinds = ["pid", "network", "ipc", "uts", "cgroup"]
    del bundle.config["hostname"]
    for kind in kinds:
        bundle.namespace(kind, f"/proc/{other.pid}/ns/{FILES[kind]}")
    bundle.args("sleep", "1234")
    container = runtime.started(bundle)
    shared = {kind: os.readlink(f"/proc/{container.pid}/ns/{FILES[kind]}") for kind in kinds}
    assert shared == {kind: os.readlink(f"/proc/{other.pid}/ns/{FILES[kind]}") for kind in kinds}
    assert "sleep 1234" in other.sh("ps").ok().out
    container.end()


def test_joining_a_container_with_a_user_namespace(
    runtime: Runtime, bundle: Bundle, make_bundle: Callable[..., Bundle]
) -> None:
    """LNX-NS-08: the user namespace too, without repeating its mappings. runc 1.1 wants them."""
    first = make_bundle("first")
    first.user_namespace()
    first.sleep()
    other = runtime.started(first)
    bundle.user_namespace()
    del bundle.linux["uidMappings"], bundle.linux["gidMappings"], bundle.config["hostname"]
    for kind in ("user", "pid", "network", "ipc", "uts"):
        bundle.namespace(kind, f"/proc/{other.pid}/ns/{FILES[kind]}")
    bundle.args("sleep", "1234")
    container = runtime.started(bundle)
    assert os.readlink(f"/proc/{container.pid}/ns/user") == os.readlink(f"/proc/{other.pid}/ns/user")
    assert "sleep 1234" in other.sh("ps").ok().out
    container.end()


def test_mount_namespace_path(runtime: Runtime, bundle: Bundle, other: Container) -> None:
    """LNX-NS-09: a mount namespace path gives an error or a fresh namespace, never a half-switched root."""
    mine = set(os.listdir(bundle.rootfs)) | {"mark"}
    bundle.file("/mark")
    bundle.namespace("mount", f"/proc/{other.pid}/ns/mnt")
    bundle.args("ls", "-A", "/")
    result = runtime.run_bundle(bundle)
    assert result.code == 1 or set(result.out.split()) == mine


def test_namespaces_of_different_owners(runtime: Runtime, bundle: Bundle, helper: subprocess.Popen[bytes]) -> None:
    """LNX-NS-10: a network namespace that the new user namespace does not own is joined all the same."""
    bundle.user_namespace()
    path = f"/proc/{helper.pid}/ns/net"
    bundle.namespace("network", path)
    bundle.config["mounts"] = [entry for entry in bundle.mounts if entry["type"] not in ("sysfs", "cgroup")]
    assert seen(runtime, bundle)["network"] == os.readlink(path)
