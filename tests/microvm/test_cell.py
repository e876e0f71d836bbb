"""What QEMU's process sees of the host."""

from __future__ import annotations

import os

from tests.microvm.helpers import field, qemu
from tests.support import Bundle, Runtime
from tests.support.process import read_text

FOLDERS = {"bin", "dev", "etc", "lib", "lib64", "proc", "usr"}


def test_a_root_of_its_own(machines: Runtime, bundle: Bundle) -> None:
    """MVM-QEMU-09: its program, libraries and devices, read-only; no state folder, no rootfs, no secrets."""
    bundle.sleep()
    container = machines.started(bundle)
    root = f"/proc/{qemu(container)}/root"
    assert {*os.listdir(root)} <= FOLDERS
    assert {*os.listdir(f"{root}/dev")} == {"null", "random", "urandom"}
    assert {*os.listdir(f"{root}/etc")} <= {"ld.so.cache"}
    mounts = [line.split() for line in read_text(f"/proc/{qemu(container)}/mountinfo").splitlines()]
    assert all("ro" in mount[5].split(",") for mount in mounts if mount[4] != "/proc")
    assert not [mount for mount in mounts if container.id in mount[3] or bundle.rootfs in mount[3]]


def test_it_is_alone(machines: Runtime, bundle: Bundle) -> None:
    """MVM-QEMU-09: its /proc shows no foreign process, and its session is its own."""
    bundle.sleep()
    pid = qemu(machines.started(bundle))
    assert [name for name in os.listdir(f"/proc/{pid}/root/proc") if name.isdigit()] == ["1"]
    assert field(pid, "NSpid").split() == [str(pid), "1"]
    assert os.getsid(pid) == pid


def test_its_descriptors(machines: Runtime, bundle: Bundle) -> None:
    """MVM-QEMU-09: of those that it started with each has its place; none leads to a folder of the host."""
    bundle.sleep()
    pid = qemu(machines.started(bundle))
    links = [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]
    named = {link for link in links if link.startswith("/") and not link.startswith("/memfd:")}
    assert {os.path.basename(link) for link in named} <= {"null", "tun", "vmlinux"}
