"""What the guest's disk is made of; its digest names the cached disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

SUITE = "trixie"
FILES = Path(__file__).resolve().parent / "files"

PACKAGES = (
    "systemd-sysv", "dbus", "dbus-user-session", "libpam-systemd", "systemd-container", "kmod", "apparmor",
    "python3", "python3-jeepney", "python3-pytest", "python3-hypothesis", "python3-jsonschema",
    "runc", "crun", "podman", "containerd", "conmon", "criu", "netavark", "aardvark-dns", "catatonit", "passt",
    "fuse-overlayfs", "slirp4netns", "golang-github-containers-common", "uidmap", "nftables", "iptables",
    "busybox-static", "iproute2", "procps", "util-linux", "strace", "jq", "libseccomp2",
)  # fmt: skip
KERNEL = "linux-image-cloud-amd64"

MASKED_UNITS = (
    # What a boot under emulation should not pay for: apparmor.service alone takes 24 s (it compiles every profile).
    "apparmor.service", "ldconfig.service", "netavark-dhcp-proxy.service", "netavark-dhcp-proxy.socket",
    "modprobe@.service", "kmod-static-nodes.service", "tmp.mount", "run-lock.mount", "timers.target", "paths.target",
    "containerd.service", "podman.service", "podman.socket", "podman-restart.service", "podman-auto-update.timer",
    "systemd-binfmt.service", "systemd-firstboot.service", "systemd-hibernate-clear.service",
    "systemd-journal-catalog-update.service", "systemd-journal-flush.service", "systemd-machine-id-commit.service",
    "systemd-modules-load.service", "systemd-pcrmachine.service", "systemd-pcrphase.service",
    "systemd-pcrphase-sysinit.service", "systemd-pcrproduct.service", "systemd-pcrnvdone.service",
    "systemd-tpm2-setup.service", "systemd-tpm2-setup-early.service", "systemd-pstore.service",
    "systemd-random-seed.service", "systemd-remount-fs.service", "systemd-sysctl.service", "systemd-sysusers.service",
    "systemd-tmpfiles-setup.service", "systemd-tmpfiles-setup-dev.service", "systemd-tmpfiles-setup-dev-early.service",
    "systemd-update-done.service", "systemd-udev-trigger.service", "systemd-udevd.service",
    "systemd-udevd-control.socket", "systemd-udevd-kernel.socket", "systemd-udevd-varlink.socket",
    "systemd-creds.socket", "systemd-hostnamed.socket", "systemd-importd.socket", "systemd-initctl.socket",
    "systemd-sysext.socket", "systemd-pcrextend.socket", "systemd-pcrlock.socket",
    "systemd-ask-password-console.path", "dev-hugepages.mount", "dev-mqueue.mount", "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
    "proc-sys-fs-binfmt_misc.automount",
)  # fmt: skip

UNITS = {
    "ringfence-tests.target": "[Unit]\nRequires=basic.target ringfence-tests.service\nAfter=basic.target\n",
    "ringfence-tests.service": (
        "[Unit]\nAfter=basic.target\n"
        "[Service]\nType=oneshot\nExecStart=/usr/local/sbin/guest-main\nDelegate=yes\n"
        "LimitNOFILE=20000:524288\n"
        'ExecStopPost=/bin/sh -c "echo o >/proc/sysrq-trigger"\n'
    ),
    "user@.service.d/delegate.conf": "[Service]\nDelegate=cpu cpuset io memory pids\n",
}
JOURNAL = "[Journal]\nStorage=volatile\n"
MANAGER = "[Manager]\nDefaultTimeoutStartSec=600\nDefaultTimeoutStopSec=600\n"
USER = "tester"

# norandmaps: QEMU before 8.0 keeps translated code by its virtual address, so that every process of a program that is
# loaded elsewhere each time is translated anew: a fork and exec of true(1) takes 15 ms with it, 44 ms without.
KERNEL_LINE = (
    "root=/dev/nvme0n1 rw systemd.unit=ringfence-tests.target systemd.show_status=0 quiet panic=-1 no_timer_check "
    "mitigations=off norandmaps lsm=landlock,yama,apparmor console=ttyS0"
)


def digest() -> str:
    """A name for what this recipe makes."""
    told = hashlib.sha256(repr((SUITE, PACKAGES, KERNEL, MASKED_UNITS, UNITS, JOURNAL, MANAGER, USER)).encode())
    for path in sorted([*FILES.iterdir(), FILES.parent / "build.py"]):
        told.update(path.name.encode() + path.read_bytes())
    return told.hexdigest()[:16]
