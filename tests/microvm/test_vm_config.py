"""What the object ``vm`` of config.json makes of a machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.conformance.inside import inside
from tests.support import Bundle, Runtime


def test_processors_memory_and_words_for_the_kernel(machines: Runtime, bundle: Bundle, kernel: str) -> None:
    """MVM-KERNEL-07, MVM-QEMU-14, MVM-QEMU-15: of a kernel that the configuration names."""
    wanted = min(2, os.cpu_count() or 1)
    bundle.config["vm"] = {
        "kernel": {"path": f"{kernel}/vmlinux", "parameters": ["unknown", "other.word=a b"]},
        "hwConfig": {"vcpus": wanted, "memory": 96 << 20},
    }
    told = inside(machines, bundle, "grep -c ^processor /proc/cpuinfo; grep MemTotal /proc/meminfo; cat /proc/cmdline")
    count, memory, line = told.splitlines()
    assert int(count) == wanted
    assert 64 << 10 < int(memory.split()[1]) < 96 << 10
    assert ' guest unknown "other.word=a b"' in line


def test_a_ramdisk_of_the_configurations_own(machines: Runtime, bundle: Bundle, kernel: str, tmp_path: Path) -> None:
    """MVM-KERNEL-08: it comes first and is unpacked, and its /init is none, not even as a folder or a link."""
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "init").symlink_to("/bin/sh")
    words = ["sh", "-c", "echo init | busybox cpio -o -H newc | gzip -c"]
    packed = subprocess.run(words, cwd=foreign, check=True, capture_output=True).stdout
    (tmp_path / "initrd").write_bytes(packed)
    bundle.config["vm"] = {"kernel": {"path": f"{kernel}/vmlinux", "initrd": str(tmp_path / "initrd")}}
    assert "rdinit=/init guest" in inside(machines, bundle, "cat /proc/cmdline")


def test_a_small_memory_limit(machines: Runtime, bundle: Bundle) -> None:
    """MVM-QEMU-15."""
    bundle.resources["memory"] = {"limit": 48 << 20}
    assert inside(machines, bundle, "echo here") == "here\n"


def test_a_field_that_is_not_supported_makes_no_container(machines: Runtime, bundle: Bundle) -> None:
    """MVM-CREATE-06."""
    bundle.config["vm"] = {"hypervisor": {"path": "/usr/bin/true"}}
    bundle.write()
    result = machines.run("run", "--bundle", bundle.path, machines.new_id())
    assert result.code == 1
    assert "a bundle may not name its hypervisor" in result.err
