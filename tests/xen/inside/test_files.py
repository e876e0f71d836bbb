"""Where the files of a container come from, and what can be done to them."""

from __future__ import annotations

import os
import shutil

from tests.support import Bundle
from tests.xen.inside.dom0 import Dom0, output

ODD = "a b,c=d'e\"f\ng"


def test_volumes(dom0: Dom0) -> None:
    """XEN-ROOTFS-01, XEN-ROOTFS-06, XEN-ROOTFS-07, XEN-CFG-03: folders and a file, with any name, read-only in dom0."""
    bundle = dom0.bundle(
        "cat /ro/file /one; echo new >/rw/new; chown 5:6 /rw/new; ls /one.d 2>/dev/null;"
        "echo x >/ro/x || echo no; mount -o remount,rw /ro 2>/dev/null; echo x >/ro/x || echo no;"
        "mount -t tmpfs | grep -c /scratch; cat /rw/live"
    )
    bundle.config["root"]["readonly"] = False
    for kind in ("bounding", "effective", "permitted"):
        bundle.process["capabilities"][kind] = ["CAP_SYS_ADMIN", "CAP_CHOWN"]
    sources = {name: os.path.join(dom0.folder, f"{name}-{ODD}") for name in ("ro", "rw", "one")}
    for name in ("ro", "rw"):
        os.mkdir(sources[name])
    for path, text in (
        (sources["ro"] + "/file", "shared\n"),
        (sources["one"], "single\n"),
        (sources["rw"] + "/live", "live\n"),
    ):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    bundle.bind(sources["ro"], "/ro", "ro")
    bundle.mount("/scratch", "tmpfs", "tmpfs", "nosuid")
    bundle.bind(sources["rw"], "/rw")
    bundle.bind(sources["one"], "/one")
    ended = dom0.runtime.run_bundle(bundle)
    assert ended.out.splitlines() == ["shared", "single", "no", "no", "1", "live"], ended
    held = os.stat(sources["rw"] + "/new")
    assert (held.st_uid, held.st_gid) == (5, 6)
    assert os.listdir(sources["ro"]) == ["file"]


def test_a_readonly_root(dom0: Dom0) -> None:
    """XEN-ROOTFS-03, XEN-ROOTFS-02: it holds against a root who may mount."""
    bundle = dom0.bundle("echo x >/new || echo no; mount -o remount,rw / ; echo x >/new || echo no; ls /new")
    for kind in ("bounding", "effective", "permitted"):
        bundle.process["capabilities"][kind] = ["CAP_SYS_ADMIN"]
    ended = dom0.runtime.run_bundle(bundle)
    assert ended.out.splitlines() == ["no", "no"], ended
    assert not os.path.exists(os.path.join(bundle.rootfs, "new"))


def test_block_roots(dom0: Dom0) -> None:
    """XEN-ROOTFS-04, XEN-VM-04, XEN-VM-05: a disk that is the root, written in place or not at all."""
    bundle = dom0.bundle("echo written >/new && cat /new; grep ' / ' /proc/mounts | cut -d' ' -f1,3; ls /bin/sh")
    image = os.path.join(dom0.folder, "disk.img")
    output("mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-d", bundle.rootfs, image, "16M")
    output("sh", "-c", f"rm -rf {bundle.rootfs}/*")
    bundle.config["root"]["readonly"] = False
    bundle.config["vm"] = {"image": {"path": image, "format": "raw"}}
    ended = dom0.runtime.run_bundle(bundle)
    assert ended.out.splitlines() == ["written", "/dev/xvda ext4", "/bin/sh"], ended
    bundle.config["root"]["readonly"] = True
    ended = dom0.runtime.run_bundle(bundle)
    assert ended.out.splitlines()[-2:] == ["/dev/xvda ext4", "/bin/sh"], ended
    assert "Read-only" in ended.err, ended
    assert "written" in output("debugfs", "-R", "cat /new", image)


def test_a_packed_root(dom0: Dom0) -> None:
    """XEN-ROOTFS-05: what is written vanishes, and modes, links and owners are kept."""
    dom0.settings(root="ramdisk", memory=160)
    bundle = Bundle(os.path.join(dom0.folder, "packed"), rootfs=False)
    bundle.sh("busybox stat -c '%a %u' /mode /bin/busybox; busybox readlink /link; echo x >/new && busybox cat /new")
    for name in ("bin", "dev", "proc", "sys"):
        os.mkdir(os.path.join(bundle.rootfs, name))
    shutil.copy("/bin/busybox", os.path.join(bundle.rootfs, "bin/busybox"))
    os.symlink("busybox", os.path.join(bundle.rootfs, "bin/sh"))
    bundle.config["root"]["readonly"] = False
    os.chmod(bundle.file("mode"), 0o4751)
    os.symlink("mode", os.path.join(bundle.rootfs, "link"))
    ended = dom0.runtime.run_bundle(bundle)
    assert ended.out.splitlines() == ["4751 0", "755 0", "mode", "x"], ended
    assert not os.path.exists(os.path.join(bundle.rootfs, "new"))


def test_a_source_that_is_missing(dom0: Dom0) -> None:
    """XEN-ERR-08, XEN-CREATE-05: xl says nothing of it, so it is looked for before."""
    bundle = dom0.bundle()
    bundle.bind(os.path.join(dom0.folder, "missing"), "/data")
    dom0.runtime.refuses_bundle("no such file or directory", bundle)
    assert "/mounts/" in dom0.runtime.log_records()[-1]["field"]
