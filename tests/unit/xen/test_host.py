"""What is decided by looking at the host: kernels, sizes, what may be named, the toolstack's commands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ringfence.container import domain, kernel, toolstack
from ringfence.container.domain import Asking, wanted_for
from ringfence.container.domain_birth import open_tty
from ringfence.container.image_kernel import copied
from ringfence.container.packed import check_packed, packed
from ringfence.drivers.linux.context import Context
from ringfence.drivers.xen.wanted import Tools, Wanted
from ringfence.errors import RingfenceError
from ringfence.settings import XenSettings
from tests.support import wait_until
from tests.support.process import alive
from tests.unit.namespaces.machines import V2_HOST, plain_config
from tests.unit.xen.samples import config_of
from tests.xen.tools.guest import entries


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle with a root."""
    (tmp_path / "rootfs/boot").mkdir(parents=True)
    return tmp_path


def decided(bundle: Path, change: dict[str, Any], settings: XenSettings | None = None, **asking: Any) -> Wanted:
    """What this host decides for a configuration."""
    context = Context("web", str(bundle), f"{bundle}/rootfs", (), {})
    asked = Asking("/run/ringfence/web", "/run/ringfence", **asking)
    return wanted_for(config_of(change), V2_HOST, context, settings or XenSettings(), asked)


def with_env(*env: str) -> dict[str, Any]:
    """A configuration with these variables."""
    return {"process": {**plain_config()["process"], "env": list(env)}}


def refused(bundle: Path, change: dict[str, Any], settings: XenSettings | None = None) -> RingfenceError:
    """What is said of what may not be."""
    with pytest.raises(RingfenceError) as caught:
        decided(bundle, change, settings)
    return caught.value


def test_who_names_the_kernel(bundle: Path) -> None:
    """XEN-VM-01, XEN-VM-02, XEN-COMPAT-05: config.json, the image, the administrator, ringfence; they may be mixed."""
    (bundle / "rootfs/boot/k").write_bytes(b"\x7fELF")
    own = decided(bundle, {})
    assert own.origins == ("", "")
    told = decided(bundle, {}, XenSettings(kernel="/a", ramdisk="/r"))
    assert (told.kernel, told.initrd, told.origins) == ("/a", "/r", ("xen.kernel", "xen.ramdisk"))
    image = decided(bundle, with_env("RUNX_KERNEL=/boot/k"), XenSettings(ramdisk="/r", image_kernels=True))
    assert (image.kernel, image.initrd) == ("/run/ringfence/web/kernel", "/r")
    assert image.origins == ("/process/env/0", "xen.ramdisk")
    assert (image.copies, image.tag) == ((("/boot/k", "/run/ringfence/web/kernel"),), "share_dir")
    both = {**with_env("RUNX_KERNEL=/boot/k"), "vm": {"kernel": {"path": "/v", "initrd": "/i"}}}
    named = decided(bundle, both, XenSettings(image_kernels=True))
    assert (named.kernel, named.initrd, named.copies) == ("/v", "/i", ())


@pytest.mark.parametrize(
    ("machine", "field"),
    [
        ({"kernel": {"path": "relative"}}, "/vm/kernel/path"),
        ({"kernel": {"path": "/elsewhere/k"}}, "/vm/kernel/path"),
        ({"kernel": {"path": "/srv/k", "initrd": "/srv/../etc/i"}}, "/vm/kernel/initrd"),
        ({"kernel": {"path": "/srv/k"}, "image": {"path": "/i", "format": "qcow2"}}, "/vm/image/format"),
        ({"kernel": {"path": "/srv/k"}, "image": {"path": "i"}}, "/vm/image/path"),
        ({"kernel": {"path": "/srv/k"}, "hypervisor": {"path": "/usr/bin/xl"}}, "/vm/hypervisor/path"),
        (
            {"kernel": {"path": "/srv/k"}, "hypervisor": {"path": "/usr/sbin/xl", "parameters": ["-x"]}},
            "/vm/hypervisor/parameters",
        ),
        ({"kernel": {"path": "/srv/k"}, "hwConfig": {"memory": 1}}, "/vm/hwConfig/memory"),
    ],
)
def test_what_config_json_may_name(bundle: Path, machine: dict[str, Any], field: str) -> None:
    """XEN-VM-02, XEN-VM-04, XEN-VM-06, XEN-VM-08."""
    assert refused(bundle, {"vm": machine}, XenSettings(vm_folders=("/srv",))).field == field


def test_an_image_is_the_root_of_an_empty_folder(bundle: Path) -> None:
    """XEN-VM-05: else it is a disk beside the root, which nobody may write to."""
    machine = {"vm": {"kernel": {"path": "/k"}, "image": {"path": "/i"}}}
    beside = decided(bundle, machine)
    assert (beside.root, beside.image, beside.image_readonly) == ("share", "/i", True)
    (bundle / "rootfs/boot").rmdir()
    root = decided(bundle, {**machine, "root": {"path": "rootfs"}})
    assert (root.root, root.image_readonly) == ("image", False)


def test_an_images_own_kernel(bundle: Path) -> None:
    """XEN-ENV-04: off by default; no link leads out; a private copy is booted."""
    (bundle / "rootfs/boot/k").write_bytes(b"\x7fELF kernel")
    os.symlink("/boot/k", bundle / "rootfs/inside")
    os.symlink("/etc/hostname", bundle / "rootfs/outside")
    os.mkfifo(bundle / "rootfs/fifo")
    told = refused(bundle, with_env("RUNX_KERNEL=/boot/k"))
    assert "xen.image-kernels" in told.hint
    assert refused(bundle, with_env("X=1", "RUNX_RAMDISK=/boot/k")).field == "/process/env/1"
    allowed = XenSettings(image_kernels=True)
    for path in ("outside", "../../../../etc/hostname", "nothing", "fifo", "boot", "/proc/self/exe"):
        assert refused(bundle, with_env(f"RUNX_KERNEL={path}"), allowed).field == "/process/env/0"
    decided(bundle, with_env("RUNX_KERNEL=../../boot/k"), allowed)
    copied(f"{bundle}/rootfs", "inside", f"{bundle}/copy")
    assert (bundle / "copy").read_bytes() == b"\x7fELF kernel"


def test_sizes_of_runx(bundle: Path) -> None:
    """XEN-COMPAT-03, XEN-NET-09: its defaults; pvcalls only where the kernel's file says so."""
    own = bundle / "vmlinux"
    own.write_bytes(b"\x7fELF")
    settings = XenSettings(kernel=str(own))
    asked = {"memory": 1024, "vcpus": 2, "pvcalls": True}
    told = decided(bundle, {}, settings, **asked)
    assert (told.sizes.memory, told.sizes.vcpus, told.pvcalls) == (1024, 2, False)
    assert "has no pvcalls" in refused(bundle, {}, XenSettings(kernel=str(own), pvcalls=True)).attempted
    (bundle / "vmlinux.features").write_text("pvcalls\n")
    assert decided(bundle, {}, settings, **asked).pvcalls
    assert not decided(bundle, {}, settings).pvcalls
    assert decided(bundle, {}, XenSettings(kernel=str(own), pvcalls=True)).pvcalls


def test_a_small_root_in_the_ramdisk(bundle: Path) -> None:
    """XEN-ROOTFS-05: modes, owners, links and device numbers; one that is too large is told with both sizes."""
    root = bundle / "rootfs"
    (root / "p").write_bytes(b"program")
    os.chmod(root / "p", 0o4755)
    os.symlink("../x", root / "l")
    assert decided(bundle, {}, XenSettings(root="ramdisk")).root == "ramdisk"
    held = entries(packed(str(root)))
    assert (held["packed/p"], held["packed/l"], "packed/boot" in held) == (b"program", b"../x", True)
    at = packed(str(root)).index(b"packed/p\0") - 110
    assert int(packed(str(root))[at + 14 : at + 22], 16) == 0o104755
    (root / "large").write_bytes(bytes(2 << 20))
    with pytest.raises(RingfenceError, match=r"3 MiB, more than the 1 MiB"):
        check_packed(str(root), 1)


def test_why_there_can_be_no_domain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """XEN-CREATE-09: no control device, no xl, one that cannot be executed."""
    monkeypatch.setattr(toolstack, "CONTROL", (f"{tmp_path}/none", f"{tmp_path}/control"))
    tools = Tools(f"{tmp_path}/xl", "/bin/true")
    assert "no dom0 of Xen" in toolstack.unavailable(tools)
    (tmp_path / "control").write_text("")
    assert f"{tmp_path}/xl is not there" in toolstack.unavailable(tools)
    (tmp_path / "xl").write_text("")
    assert "cannot be executed" in toolstack.unavailable(tools)
    (tmp_path / "xl").chmod(0o755)
    assert toolstack.unavailable(tools) == ""
    with pytest.raises(RingfenceError, match="not available") as caught:
        toolstack.check_available(Tools("/nowhere/xl"))
    assert "dom0" in caught.value.hint


def script(folder: Path, text: str) -> str:
    """A program."""
    path = folder / "xl"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_how_a_command_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XEN-CREATE-08: its own group, a fixed environment, nothing to read, bounded output."""
    monkeypatch.setenv("SECRET", "1")
    text = "read line || echo empty; env | sort; ps -o pgid= -p $$; echo $$; head -c 400000 /dev/zero >&2; exit 3"
    answer = toolstack.run((script(tmp_path, text),), 30)
    first, *rest = answer.output.split("\n")
    assert (first, answer.code, len(answer.said)) == ("empty", 3, toolstack.MOST_SAID)
    assert "SECRET=1" not in rest
    assert "LC_ALL=C" in rest
    assert rest[-3].strip() == rest[-2].strip()


def test_a_command_that_hangs(tmp_path: Path) -> None:
    """XEN-CREATE-08, XEN-ERR-12: it is killed with its group, and named; no word of it is a code for engines."""
    path = script(tmp_path, f"sleep 1000 & echo $! > {tmp_path}/pid; wait")
    with pytest.raises(RingfenceError, match="has not come to its end within 1 seconds") as caught:
        toolstack.run((path, "list"), 1)
    assert "xenstored" in caught.value.hint
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: not alive(pid), "the end of its group")


def test_what_a_command_leaves_behind_is_not_waited_for(tmp_path: Path) -> None:
    """XEN-CREATE-02: xl create leaves a device model running, which may hold what xl was given."""
    answer = toolstack.run((script(tmp_path, f"sleep 1000 & echo $! > {tmp_path}/pid; echo made"),), 30)
    assert (answer.code, answer.output) == (0, "made\n")
    os.kill(int((tmp_path / "pid").read_text()), 9)


@pytest.mark.parametrize(
    "name", ["/dev/pts/../null", "/dev/null", "/dev/pts/x", "/dev/pts/99999", "", "pts/1", "/dev/pts/-1"]
)
def test_what_is_no_console(name: str) -> None:
    """XEN-CONSOLE-02: only a terminal of devpts by its number."""
    with pytest.raises(RingfenceError):
        open_tty(name)


def test_a_console() -> None:
    """XEN-CONSOLE-02."""
    master, peer = os.openpty()
    name = os.ttyname(peer)
    descriptor = open_tty(name)
    assert os.ttyname(descriptor) == name
    for one in (master, peer, descriptor):
        os.close(one)


def test_own_kernel_or_the_distributions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """XEN-VM-01: with its modules; explain needs neither."""
    monkeypatch.setattr(domain, "OWN", f"{tmp_path}/own")
    monkeypatch.setattr(domain, "STOCK", f"{tmp_path}/stock")
    assert domain.own_kernel() == (f"{tmp_path}/own", "")
    (tmp_path / "stock").write_text("")
    assert domain.own_kernel() == (f"{tmp_path}/stock", kernel.MODULES)
