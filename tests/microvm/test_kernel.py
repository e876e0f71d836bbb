"""The kernel that was built, and what a guest on it can do."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

from guest import own
from tests.conformance.inside import inside
from tests.support import Bundle, Runtime

EVERY = ("bounding", "effective", "permitted")


def test_it_is_what_qemu_and_xen_boot(kernel: str) -> None:
    """MVM-KERNEL-01, MVM-KERNEL-02: ELF with the notes of PVH, stripped, and a bzImage; Xen's notes are there too."""
    notes = subprocess.run(
        ["readelf", "--notes", "--sections", f"{kernel}/vmlinux"], capture_output=True, text=True, check=True
    ).stdout
    assert "0x00000012" in notes  # XEN_ELFNOTE_PHYS32_ENTRY, xen/include/public/elfnote.h
    assert ".symtab" not in notes
    assert Path(kernel, "bzImage").read_bytes()[0x202:0x206] >= b"\x0c\x02"


def test_every_wanted_option_survived(kernel: str) -> None:
    """MVM-KERNEL-02: also in what was kept of the configuration."""
    assert own.lost(own.wanted(platform.machine()), Path(kernel, "config").read_text(encoding="ascii")) == []


def test_what_the_guests_kernel_has(machines: Runtime, bundle: Bundle) -> None:
    """MVM-KERNEL-04: file systems, controllers and namespaces; and what it does not have."""
    bundle.process["capabilities"] = {kind: ["CAP_SYS_ADMIN", "CAP_NET_ADMIN"] for kind in EVERY}
    bundle.mount("/mnt", "cgroup", "cgroup", "ro")
    bundle.linux["maskedPaths"] = []
    script = """
cat /proc/filesystems /mnt/cgroup.controllers; ls /proc/self/ns /proc/net; cat /proc/swaps
cat /proc/sys/kernel/unprivileged_bpf_disabled; ls /sys/class/net; ls /proc/modules /dev/mem 2>&1; true"""
    told = inside(machines, bundle, script)
    words = set(told.split())
    assert {"overlay", "virtiofs", "9p", "erofs", "ext4", "tmpfs", "mqueue", "cgroup2"} <= words
    assert {"cpu", "cpuset", "io", "memory", "pids", "user", "time", "ipc", "uts", "if_inet6", "packet"} <= words
    assert "dummy0" not in words
    assert told.count("No such file") == 2
