"""Masked and read-only paths, and what a masked file is covered with."""

from __future__ import annotations

import os
import stat

import pytest

from tests.conformance.inside import inside
from tests.security.outside import SECRET, Outside
from tests.support import Bundle, Runtime
from tests.support.mark import unlike_runc


@unlike_runc("CVE-2025-31133 came later", always=False)
@pytest.mark.parametrize("target", ["/hostfile", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/etc/passwd"])
def test_a_null_device_that_is_a_link(runtime: Runtime, image_dev: Bundle, outside: Outside, target: str) -> None:
    """CVE-2025-31133: /dev/null of the image is a link, so a mask lays open for writing what it leads to.

    The mask is the device 1:3 or nothing: what lies under it stays out of reach, and the target as it was.
    """
    os.symlink(target, os.path.join(image_dev.rootfs, "dev/null"))
    image_dev.bind(outside.secret, "/hostfile", "ro")
    image_dev.linux["maskedPaths"] = ["/proc/timer_list", "/proc/kcore"]
    image_dev.linux["readonlyPaths"] = ["/proc/sys", "/proc/sysrq-trigger"]
    image_dev.sh("cat /proc/timer_list; (echo '|/evil' >/proc/timer_list) 2>&-; cat /proc/sys/kernel/core_pattern")
    with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as file:
        before = file.read()
    result = runtime.run_bundle(image_dev)
    assert result.code == 1 or result.out == before, result


@unlike_runc("CVE-2025-31133 came later", always=False)
@pytest.mark.parametrize("kind", ["file", "fifo", "zero", "folder"])
def test_a_null_device_that_is_something_else(runtime: Runtime, image_dev: Bundle, kind: str) -> None:
    """CVE-2025-31133, CVE-2025-62161: neither does a file, FIFO or other device of that name become a mask."""
    path = os.path.join(image_dev.rootfs, "dev/null")
    if kind == "file":
        image_dev.file("/dev/null", "evil")
    elif kind == "folder":
        os.mkdir(path)
    else:
        kinds = {"fifo": stat.S_IFIFO, "zero": stat.S_IFCHR}
        os.mknod(path, kinds[kind] | 0o666, os.makedev(1, 5))
    image_dev.linux["maskedPaths"] = ["/proc/timer_list"]
    image_dev.sh("head -c 100 /proc/timer_list; stat -c %t:%T /proc/timer_list")
    result = runtime.run_bundle(image_dev)
    assert result.code == 1 or result.out == "1:3\n", result


@pytest.mark.parametrize("link", ["/evil", "/etc/evil"])
def test_a_masked_path_that_is_a_link(runtime: Runtime, bundle: Bundle, outside: Outside, link: str) -> None:
    """CVE-2025-62596: a mask follows a link of the image no further than the container's root."""
    os.symlink(f"../../../../../../..{outside.secret}", bundle.rootfs + link)
    bundle.linux["maskedPaths"] = [link, f"{link}/more"]
    bundle.linux["readonlyPaths"] = [link]
    bundle.args("true")
    runtime.run_bundle(bundle)
    with open(outside.secret, encoding="utf-8") as file:
        assert file.read() == SECRET


def test_a_read_only_root_stays_so(runtime: Runtime, bundle: Bundle) -> None:
    """CVE-2026-115521: the image's own /proc/self/fd leads the closing of the root astray."""
    bundle.config["mounts"] = [entry for entry in bundle.mounts if entry["destination"] != "/proc"]
    bundle.linux["maskedPaths"] = bundle.linux["readonlyPaths"] = []
    os.mkdir(os.path.join(bundle.rootfs, "decoy"))
    os.makedirs(os.path.join(bundle.rootfs, "proc/self/fd"))
    for number in range(3, 32):
        os.symlink("/decoy", os.path.join(bundle.rootfs, f"proc/self/fd/{number}"))
    os.symlink("/proc/self", os.path.join(bundle.rootfs, "proc/thread-self"))
    bundle.sh("touch /made 2>/dev/null || echo closed")
    result = runtime.run_bundle(bundle)
    assert result.code == 1 or result.out == "closed\n"
    assert not os.path.exists(os.path.join(bundle.rootfs, "made"))


def test_read_only_binds_are_never_writable(runtime: Runtime, bundle: Bundle, outside: Outside) -> None:
    """CVE-2026-115521: ro of a bind is there from the first moment, for a process that waits for it too."""
    bundle.bind(outside.path, "/outside", "rbind", "ro")
    script = "touch /outside/made 2>/dev/null; mount -o remount,rw /outside 2>/dev/null; touch /outside/made; true"
    for held in bundle.process["capabilities"].values():
        held.append("CAP_DAC_OVERRIDE")
    assert inside(runtime, bundle, script) == ""
