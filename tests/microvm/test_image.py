"""Containers whose root is an image."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import Bundle, Runtime

MAKERS = {
    "ext4": ["mke2fs", "-q", "-t", "ext4", "-d", "{root}", "{image}", "16M"],
    "erofs": ["mkfs.erofs", "--quiet", "{image}", "{root}"],
    "squashfs": ["mksquashfs", "{root}", "{image}", "-comp", "gzip", "-quiet", "-no-progress"],
}


def made(bundle: Bundle, kind: str, tmp_path: Path) -> Path:
    """The bundle's root as an image; the folder is empty afterwards."""
    image = tmp_path / "image"
    words = [word.format(root=bundle.rootfs, image=image) for word in MAKERS[kind]]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(bundle.rootfs)
    Path(bundle.rootfs).mkdir()
    bundle.config["vm"] = {"image": {"path": str(image)}}
    return image


def digest(path: Path) -> str:
    """What tells whether it has been changed."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("kind", list(MAKERS))
def test_the_root_is_in_an_image(machines: Runtime, bundle: Bundle, tmp_path: Path, kind: str) -> None:
    """MVM-FILES-12: it is written to, with mount points that it has not got, and the file is as it was."""
    bundle.file("mark", "from the image")
    image = made(bundle, kind, tmp_path)
    before = digest(image)
    bundle.config["root"]["readonly"] = False
    volume = tmp_path / "volume"
    volume.mkdir()
    bundle.bind(str(volume), "/new/place")
    bundle.sh(
        "cat /mark; echo changed >/mark; cat /mark; echo out >/new/place/told; grep -c '^overlay / ' /proc/mounts"
    )
    told = machines.run_bundle(bundle).ok().out
    assert told == "from the imagechanged\n1\n"
    assert (volume / "told").read_text() == "out\n"
    assert digest(image) == before
    assert list(Path(bundle.rootfs).iterdir()) == []


def test_a_read_only_root_in_an_image(machines: Runtime, bundle: Bundle, tmp_path: Path) -> None:
    """MVM-FILES-12, MVM-SEC-02: the disk itself is read-only, whatever the guest's root tries."""
    image = made(bundle, "ext4", tmp_path)
    before = digest(image)
    bundle.config["root"]["readonly"] = True
    names = ["CAP_SYS_ADMIN", "CAP_MKNOD"]
    bundle.process["capabilities"] = {key: [*names] for key in ("bounding", "effective", "permitted")}
    bundle.sh(
        "mount -o remount,rw / ; touch /x; mknod /dev/disk b 254 0; dd if=/dev/zero of=/dev/disk count=1; echo end"
    )
    result = machines.run_bundle(bundle)
    assert result.out == "end\n"
    assert digest(image) == before


def test_an_image_beside_a_root(machines: Runtime, bundle: Bundle, tmp_path: Path) -> None:
    """MVM-FILES-14, MVM-LIST-01: the folder stays the root; list and state name the image."""
    shutil.copytree(bundle.rootfs, tmp_path / "kept")
    image = made(bundle, "ext4", tmp_path)
    shutil.rmtree(bundle.rootfs)
    (tmp_path / "kept").rename(bundle.rootfs)
    bundle.sleep()
    container = machines.started(bundle)
    assert container.sh("grep -c '^/dev/vda' /proc/mounts").out == "0\n"
    assert container.state()["ringfence"]["image"] == str(image)
    assert machines.run("list", "--all").ok().out.splitlines()[1].split()[-1] == str(image)


def test_a_raw_image_stays_raw(machines: Runtime, bundle: Bundle, tmp_path: Path) -> None:
    """MVM-FILES-13: a header of another format in it, which names a file of the host, means nothing."""
    image = made(bundle, "ext4", tmp_path)
    secret = tmp_path / "secret"
    secret.write_bytes(b"treasure" + bytes(1 << 20))
    evil = tmp_path / "evil"
    words = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(secret), str(evil), "1M"]
    subprocess.run(words, check=True)
    # The first 1024 bytes of ext4 are the boot loader's, which is where qcow2 has its header.
    with open(image, "r+b") as file:
        file.write(evil.read_bytes()[:1024])
    bundle.process["capabilities"] = {key: ["CAP_MKNOD"] for key in ("bounding", "effective", "permitted")}
    bundle.config["root"]["readonly"] = False
    bundle.linux["resources"]["devices"] = [{"allow": True, "access": "rwm"}]
    bundle.sh("mknod /dev/disk b 254 0; head -c 3 /dev/disk; grep -c treasure /dev/disk")
    assert machines.run_bundle(bundle).out == "QFI0\n"
