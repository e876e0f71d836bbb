"""What the lab's disk is made of; its digest names the cached disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

SUITE = "bookworm"
"""The last release whose Xen is 4.17; its Python is 3.11."""
XEN = "4.17"
FILES = Path(__file__).resolve().parent / "files"

PACKAGES = (
    f"xen-hypervisor-{XEN}-amd64", f"xen-utils-{XEN}", "xen-utils-common", "xenstore-utils", "qemu-system-xen",
    "containernetworking-plugins", "busybox-static", "python3", "python3-pytest", "iproute2", "iputils-ping",
    "bridge-utils", "kmod", "bash", "dash", "coreutils", "util-linux", "mount", "sed", "grep", "mawk", "findutils",
    "procps", "psmisc", "e2fsprogs", "tar", "libseccomp2", "libc-bin", "perl-base",
)  # fmt: skip
KERNEL = "linux-image-amd64"

FIRST_MODULES = ("virtio_pci", "virtio_blk", "ext4")
"""What the first ramdisk of dom0 needs to find the disk."""
MODULES = (
    *FIRST_MODULES, "xen-evtchn", "xen-gntdev", "xen-gntalloc", "xenfs", "xen-privcmd", "xen-blkback", "xen-netback",
    "loop", "bridge", "veth", "dummy", "overlay", "squashfs", "erofs", "fuse",
)  # fmt: skip
LEFT_OUT = (
    "usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/lintian", "usr/share/bug",
    "usr/share/zoneinfo", "usr/share/icons", "usr/lib/x86_64-linux-gnu/gconv",
    "var/cache", "var/lib/apt",
)  # fmt: skip

DOM0_MEMORY = 448
MEMORY = 1280
XEN_LINE = (
    "console=com1 com1=115200,8n1 loglvl=warning guest_loglvl=warning noreboot "
    f"dom0_mem={DOM0_MEMORY}M,max:{DOM0_MEMORY}M"
)
# norandmaps: see tests/guest/recipe.py; python3 starts in half the time.
KERNEL_LINE = "console=hvc0 quiet mitigations=off norandmaps"


def digest() -> str:
    """A name for what this recipe makes."""
    told = hashlib.sha256(repr((SUITE, XEN, PACKAGES, KERNEL, FIRST_MODULES, MODULES, LEFT_OUT)).encode())
    for path in sorted([*FILES.iterdir(), FILES.parent / "build.py"]):
        told.update(path.name.encode() + path.read_bytes())
    return f"xen-{told.hexdigest()[:16]}"
