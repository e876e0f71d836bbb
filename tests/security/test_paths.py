"""Paths in an image, or in a volume another container changes meanwhile, that lead to the host."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.conformance.inside import host_folder, inside
from tests.conformance.test_safety import Swapper
from tests.security.outside import SECRET, Outside
from tests.support import Bundle, Runtime
from tests.support.mark import unlike_runc

ROUNDS = 12


@contextmanager
def swapping(folder: str, target: str) -> Iterator[None]:
    """``folder``/place is a folder, or a link to ``target``, changing all the time."""
    swapper = Swapper(folder, target)
    try:
        yield
    finally:
        swapper.close()


LEADING_OUT = ("{outside}", "../../../../../../../..{outside}", "/proc/1/root{outside}", "/proc/self/root{outside}")


@pytest.mark.parametrize("target", LEADING_OUT, ids=["absolute", "dots", "init", "self"])
@pytest.mark.parametrize("kind", ["tmpfs", "bind", "file", "cwd", "device", "masked"])
def test_links_on_the_way(runtime: Runtime, bundle: Bundle, outside: Outside, target: str, kind: str) -> None:
    """CVE-2019-18837, CVE-2024-45310: a link in the image on the way to what is made or mounted."""
    os.symlink(target.format(outside=outside.path), os.path.join(bundle.rootfs, "link"))
    bundle.config["root"]["readonly"] = False
    if kind == "tmpfs":
        bundle.mount("/link/deep/er", "tmpfs", "tmpfs")
    elif kind == "bind":
        bundle.bind(host_folder(runtime, "volume"), "/link/deep")
    elif kind == "file":
        bundle.bind(bundle.file("/etc/hosts", "x"), "/link/hosts")
    elif kind == "cwd":
        bundle.process["cwd"] = "/link/deep"
    elif kind == "device":
        bundle.linux["devices"] = [{"path": "/link/node", "type": "c", "major": 1, "minor": 3}]
    else:
        bundle.linux["maskedPaths"] = ["/link/secret"]
    bundle.sh("cat /link/secret; true")
    assert SECRET not in runtime.run_bundle(bundle).out
    outside.assert_untouched()


@unlike_runc("CVE-2024-45310 came later", always=False)
@pytest.mark.parametrize("kind", ["tmpfs", "bind", "file", "cwd", "device"])
def test_a_destination_that_changes_meanwhile(runtime: Runtime, bundle: Bundle, outside: Outside, kind: str) -> None:
    """CVE-2021-30465, CVE-2024-45310: a volume where a folder and a link to the host take turns during create.

    Nothing is made in the host's folder, and the container never sees it.
    """
    volume = host_folder(runtime, "volume")
    bundle.bind(volume, "/volume", "rbind")
    if kind == "tmpfs":
        bundle.mount("/volume/place/deep/er", "tmpfs", "tmpfs")
    elif kind == "bind":
        bundle.bind(host_folder(runtime, "second"), "/volume/place/deep")
    elif kind == "file":
        bundle.bind(bundle.file("/etc/hosts", "x"), "/volume/place/hosts")
    elif kind == "cwd":
        bundle.process["cwd"] = "/volume/place/deep"
    else:
        bundle.linux["devices"] = [{"path": "/volume/place/node", "type": "c", "major": 1, "minor": 3}]
    bundle.sh(f"cat {outside.secret} /volume/place/secret")
    with swapping(volume, outside.path):
        results = [runtime.run_bundle(bundle) for _ in range(ROUNDS)]
    assert not [result for result in results if SECRET in result.out]
    outside.assert_untouched()


def test_a_mount_is_never_made_on_the_host(runtime: Runtime, bundle: Bundle, outside: Outside) -> None:
    """CVE-2021-30465: the mount point turns into a link to the host's root; what is mounted stays in the container."""
    volume = host_folder(runtime, "volume")
    bundle.bind(volume, "/volume", "rbind")
    bundle.mount("/volume/place", "tmpfs", "tmpfs")
    bundle.sh(f"cat {outside.secret}; ls /volume")
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        before = file.read()
    with swapping(volume, "/"):
        results = [runtime.run_bundle(bundle) for _ in range(ROUNDS)]
    assert not [result for result in results if SECRET in result.out]
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        assert sorted(file.read().splitlines()) == sorted(before.splitlines())


def test_what_is_covered_cannot_be_uncovered(runtime: Runtime, bundle: Bundle, outside: Outside) -> None:
    """CVE-2021-30465 and its like: with all that root inside may do, the host's root is not below the container's."""
    for held in bundle.process["capabilities"].values():
        held.extend(["CAP_SYS_ADMIN", "CAP_SYS_CHROOT", "CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE"])
    script = f"umount -l / ; umount -l /proc; cd ../../../..; cat .{outside.secret}; mkdir -p /dev/shm/c; "
    script += f"chroot /dev/shm/c /bin/true; cat {outside.secret} /proc/1/root{outside.secret}; true"
    assert SECRET not in inside(runtime, bundle, script)


@pytest.mark.parametrize("target", ["/", "/proc/1/root", "../../../../../.."])
def test_a_root_that_is_a_link(runtime: Runtime, bundle: Bundle, outside: Outside, target: str) -> None:
    """CVE-2024-54867's kin: a rootfs in the bundle that is a link to the host is the caller's own to give; "/" is not.

    Whatever the runtime makes of it, nothing is made or removed there.
    """
    os.rename(bundle.rootfs, bundle.rootfs + ".old")
    os.symlink(target, bundle.rootfs)
    bundle.mount(os.path.join(outside.path, "deep"), "tmpfs", "tmpfs")
    bundle.config["root"]["path"] = "rootfs/nothing"
    bundle.args("true")
    runtime.run_bundle(bundle)
    outside.assert_untouched()
