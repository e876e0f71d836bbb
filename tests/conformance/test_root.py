"""root.path and root.readonly."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.conformance.inside import host_folder, inside, mount_table, output, own_mounts, refused
from tests.support import Bundle, Runtime
from tests.support.process import read_text
from tests.support.rootfs import make_rootfs


@pytest.mark.parametrize("path", ["rootfs", "./rootfs", "other/../rootfs"])
def test_relative_path_is_below_the_bundle(runtime: Runtime, bundle: Bundle, path: str) -> None:
    """LNX-ROOT-01: a relative root.path is below the bundle."""
    bundle.config["root"]["path"] = path
    bundle.file("/etc/mark", "here")
    assert inside(runtime, bundle, "cat /etc/mark") == "here"


def test_dot_makes_the_bundle_the_rootfs(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ROOT-01: `.` is allowed, the bundle is the root file system then."""
    make_rootfs(bundle.path)
    bundle.config["root"]["path"] = "."
    assert "config.json" in inside(runtime, bundle, "ls /").split()


def test_absolute_path(runtime: Runtime, bundle: Bundle, make_bundle: Callable[..., Bundle]) -> None:
    """LNX-ROOT-01: an absolute root.path is taken as it is."""
    bundle.config["root"]["path"] = make_bundle("elsewhere").rootfs
    assert inside(runtime, bundle, "echo seen") == "seen\n"


def test_missing_folder_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ROOT-02: a missing root folder is named as an invalid rootfs."""
    bundle.config["root"]["path"] = "nowhere"
    refused(runtime, bundle, "invalid rootfs: ", "no such file or directory")


def test_symlinked_root_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ROOT-02: a root.path that is a symlink is refused."""
    os.symlink("rootfs", os.path.join(bundle.path, "link"))
    bundle.config["root"]["path"] = "link"
    refused(runtime, bundle, "invalid rootfs: not an absolute path, or a symlink")


def test_readonly_root_leaves_other_mounts_alone(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ROOT-03: with root.readonly `/` is read-only, while tmpfs mounts and binds keep their own setting."""
    bundle.bind(host_folder(runtime), "/mnt", "rw")
    bundle.mount("/tmp", "tmpfs", "tmpfs")
    script = "touch /x /mnt/x /tmp/x /dev/x 2>&1; ls /x /mnt/x /tmp/x /dev/x 2>/dev/null"
    bundle.sh(script)
    out = runtime.run_bundle(bundle).out
    assert "touch: /x: Read-only file system" in out
    assert out.splitlines()[1:] == ["/dev/x", "/mnt/x", "/tmp/x"]
    assert not os.path.exists(os.path.join(bundle.rootfs, "x"))


def test_writable_root(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ROOT-03: without root.readonly the program writes to the folder on the host."""
    bundle.config["root"] = {"path": "rootfs"}
    inside(runtime, bundle, "echo text >/made")
    assert read_text(os.path.join(bundle.rootfs, "made")) == "text\n"


def test_empty_readonly_rootfs(runtime: Runtime, make_bundle: Callable[..., Bundle]) -> None:
    """LNX-ROOT-04: read-only is applied last, so mount targets, devices and cwd appear in an empty rootfs."""
    bundle = make_bundle("empty", rootfs=False)
    bundle.bind("/bin/busybox", "/bin/busybox", "ro")
    bundle.process["cwd"] = "/work/here"
    bundle.args("busybox", "sh", "-c", "busybox ls -d /dev/null /proc/self /work/here /sys/kernel; busybox touch /x")
    result = runtime.run_bundle(bundle)
    assert result.out.split() == ["/dev/null", "/proc/self", "/sys/kernel", "/work/here"]
    assert "Read-only file system" in result.err


@pytest.fixture
def overlay(bundle: Bundle) -> Iterator[str]:
    """The bundle's rootfs as lower folder of an overlay, as engines prepare it; the folder of changes."""
    layers = {name: os.path.join(bundle.path, name) for name in ("upper", "work", "merged")}
    for path in layers.values():
        os.mkdir(path)
    options = f"lowerdir={bundle.rootfs},upperdir={layers['upper']},workdir={layers['work']}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, layers["merged"]], check=True)
    bundle.config["root"] = {"path": "merged"}
    yield layers["upper"]
    subprocess.run(["umount", layers["merged"]], check=True)


def test_overlay_root(runtime: Runtime, bundle: Bundle, overlay: str) -> None:
    """LNX-ROOT-05: an overlay mount prepared by the engine is a good root."""
    inside(runtime, bundle, "echo text >/made")
    assert read_text(os.path.join(overlay, "made")) == "text\n"


def test_mounts_below_the_rootfs_are_taken_along(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ROOT-05: the rootfs folder is bound onto itself recursively."""
    target = os.path.join(bundle.rootfs, "mnt")
    subprocess.run(["mount", "-t", "tmpfs", "below", target], check=True)
    try:
        bundle.file("/mnt/mark", "below")
        assert inside(runtime, bundle, "cat /mnt/mark") == "below"
    finally:
        subprocess.run(["umount", target], check=True)


def test_readonly_root_without_a_mount_namespace(runtime: Runtime, bundle: Bundle, overlay: str) -> None:
    """LNX-ROOT-03: without a mount namespace the mount of the host that is the root keeps its flags.

    runc 1.1 changes them.
    """
    bundle.config["root"]["readonly"] = True
    bundle.drop_namespace("mount")
    bundle.config["mounts"] = []
    bundle.linux.update(maskedPaths=[], readonlyPaths=[])
    bundle.args("/bin/true")
    runtime.run_bundle(bundle)
    assert not own_mounts()[os.path.join(bundle.path, "merged")].readonly


def test_nothing_of_the_host_is_reachable(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ROOT-06: after the switch the old root is gone from the mount table, and cwd is inside the new root."""
    out = inside(runtime, bundle, "readlink /proc/self/cwd; ls -d /../../etc/passwd; cat /proc/self/mountinfo")
    cwd, passwd, table = out.split("\n", 2)
    assert (cwd, passwd) == ("/", "/../../etc/passwd")
    mounts = mount_table(table)
    assert mounts["/"].root.endswith("/bundle/rootfs")
    known = {entry["destination"] for entry in bundle.mounts}
    known |= {*bundle.linux["maskedPaths"], *bundle.linux["readonlyPaths"], "/"}
    assert {point for point in mounts if not point.startswith("/sys/fs/cgroup/")} <= known


def test_root_of_init_is_the_rootfs(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-ROOT-06: seen from the host, the program's root is the rootfs and nothing above it."""
    bundle.file("/only-here")
    bundle.args("ls", "/proc/self/root/..")
    assert output(runtime, bundle).split() == sorted(os.listdir(bundle.rootfs))
