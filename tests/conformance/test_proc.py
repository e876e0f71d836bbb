"""/proc and /sys."""

from __future__ import annotations

import os

import pytest

from tests.conformance.inside import host_folder, inside, mounts_inside, refused, write_file
from tests.support import Bundle, Runtime


@pytest.mark.parametrize("name", ["proc", "sys"])
@pytest.mark.parametrize("target", ["/etc", "tmp", "/gone"])
def test_symlinked_mount_point_is_refused(runtime: Runtime, bundle: Bundle, name: str, target: str) -> None:
    """LNX-PROC-01: the mount points /proc and /sys must be plain folders (CVE-2019-19921)."""
    os.rmdir(os.path.join(bundle.rootfs, name))
    os.symlink(target, os.path.join(bundle.rootfs, name))
    refused(runtime, bundle, "must be mounted on ordinary directory")


def test_other_type_on_proc_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-PROC-02: on /proc no other type than proc is allowed. runc 1.1 does not look."""
    bundle.mounts[0] = {"destination": "/proc", "type": "tmpfs", "source": "tmpfs"}
    message = refused(runtime, bundle, "/proc")
    assert "cannot be mounted because it is" in message or "it is not of type proc" in message


def test_bind_of_something_else_on_proc_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-PROC-02: a bind on /proc whose source is not procfs is an error."""
    bundle.mounts[0] = {"destination": "/proc", "type": "bind", "source": host_folder(runtime), "options": ["rbind"]}
    message = refused(runtime, bundle, "/proc")
    assert "cannot be mounted because it is" in message or "it is not of type proc" in message


@pytest.mark.parametrize("place", ["/proc/sys", "/proc/self/attr", "/proc/sysrq-trigger", "/proc/1/../sys/kernel"])
@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
def test_mount_inside_proc_is_refused(runtime: Runtime, bundle: Bundle, place: str, kind: str) -> None:
    """LNX-PROC-03: nothing may be mounted inside /proc. runc 1.1 lets a tmpfs pass."""
    if kind == "bind":
        bundle.bind("/proc/version", place)
    else:
        bundle.mount(place, "tmpfs", "tmpfs")
    refused(runtime, bundle, "cannot be mounted because it is inside /proc")


def test_mount_inside_proc_through_a_symlink_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-PROC-03: a symlink in the rootfs is no way into /proc. runc 1.1 lets a tmpfs pass."""
    os.symlink("/proc/sys", os.path.join(bundle.rootfs, "link"))
    bundle.mount("/link", "tmpfs", "tmpfs")
    refused(runtime, bundle, "cannot be mounted because it is inside /proc")


def test_the_files_lxcfs_covers(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-PROC-03: the ten files that lxcfs needs may be covered; those of them that the kernel has."""
    names = (
        "cpuinfo diskstats meminfo stat swaps uptime loadavg slabinfo sys/kernel/ns_last_pid sys/crypto/fips_enabled"
    )
    present = [name for name in names.split() if os.path.exists(f"/proc/{name}")]
    source = write_file(runtime.new_path(), "covered\n")
    bundle.linux["readonlyPaths"] = []
    for name in present:
        bundle.bind(source, f"/proc/{name}")
    script = "cat " + " ".join(f"/proc/{name}" for name in present)
    assert inside(runtime, bundle, script) == "covered\n" * len(present)


def test_fresh_proc_and_sysfs(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-PROC-04: proc and sysfs show the container's pid and net namespaces."""
    script = "ls -d /proc/[0-9]*; ls /sys/class/net"
    lines = inside(runtime, bundle, script).split()
    assert lines[0] == "/proc/1"
    assert len([line for line in lines if line.startswith("/proc/")]) <= 3
    assert "lo" in lines
    assert "eth0" not in lines


def test_other_mounts_below_sys(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-PROC-04: mounts on other paths below /sys are allowed."""
    bundle.linux["maskedPaths"] = []
    bundle.mount("/sys/firmware", "tmpfs", "here")
    assert mounts_inside(runtime, bundle)["/sys/firmware"].source == "here"


def test_bind_of_proc(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-PROC-05: without an own pid namespace in a user namespace, a bind of /proc takes the place of proc."""
    bundle.user_namespace()
    bundle.drop_namespace("pid")
    options = ["rbind", "nosuid", "nodev", "noexec"]
    bundle.mounts[0] = {"destination": "/proc", "type": "none", "source": "/proc", "options": options}
    out = inside(runtime, bundle, f"test -d /proc/{os.getpid()} && cat /proc/self/mountinfo")
    assert " /proc " in out


def test_proc_of_a_shared_pid_namespace(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-PROC-04: with the host's pid namespace the host's processes are seen."""
    bundle.drop_namespace("pid")
    assert inside(runtime, bundle, f"test -d /proc/{os.getpid()} && echo seen") == "seen\n"
