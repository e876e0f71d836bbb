"""The file hypervisor.args of Clear Containers, with real machines."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.conformance.inside import in_own_mounts
from tests.microvm.helpers import other_etc, qemu
from tests.support import Bundle, Runtime
from tests.support.process import read_text
from tests.unit.microvm.test_arguments import STOCK

EARLY = """\
qemu-system-x86_64
-machine
pc,accel=kvm,kernel_irqchip # the old board
-m
256
-kernel
@KERNEL@
-append
@KERNEL_PARAMS@
-fsdev
local,security_model=none,id=workload,path=@WORKLOAD_DIR@
-device
virtio-9p-pci,fsdev=workload,mount_tag=rootfs
@NETDEV@
@NETDEV_PARAMS@
@NETDEVICE@
@NETDEVICE_PARAMS@
"""


@pytest.fixture
def written(runtime: Runtime, kernel: str, workdir: str, request: pytest.FixtureRequest) -> Iterator[Runtime]:
    """The runtime as cc-oci-runtime, where /etc has such a file."""
    plain, over = runtime.globals(), f"{workdir}/over"
    runtime.globals = lambda: ["--personality", "cc-oci-runtime", *plain]  # type: ignore[method-assign]
    with open(f"{workdir}/args", "w", encoding="utf-8") as file:
        file.write(request.param)
    place = f"mkdir {over}/upper/cc-oci-runtime && cp {workdir}/args {over}/upper/cc-oci-runtime/hypervisor.args"
    with in_own_mounts(runtime, *other_etc(over, place)):
        yield runtime


def image(bundle: Bundle, folder: str) -> None:
    """Give the bundle's machine an image, as its system disk."""
    path = f"{folder}/image"
    with open(path, "wb") as file:
        file.truncate(4 << 20)
        file.seek(1024 + 56)
        file.write(b"\x53\xef")
    bundle.config["vm"] = {"image": path}


@pytest.mark.parametrize("written", [STOCK], indirect=True)
def test_the_stock_file(written: Runtime, bundle: Bundle, workdir: str) -> None:
    """MVM-CCOR-06, 08, 09, 22: version 2's file starts a container; its sockets are there, its sizes in force."""
    image(bundle, workdir)
    bundle.sh("grep MemTotal /proc/meminfo; grep -c processor /proc/cpuinfo; cat /proc/cmdline; sleep 1000")
    container = written.started(bundle)
    container.wait_output("guest")
    told = container.output()
    assert int(told.split()[1]) > 1_900_000
    assert told.splitlines()[1] == "2"
    assert "ip=::::::" in told
    words = read_text(f"/proc/{qemu(container)}/cmdline").split("\0")
    assert words[words.index("-machine") + 1] == "q35,kernel_irqchip=on,nvdimm=on"
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect(f"{container.state_folder}/hypervisor.sock")
        assert "QMP" in json.loads(monitor.makefile().readline())
    assert container.exec("echo", "in").ok().out == "in\n"
    attached = written.spawn("attach", container.id, stdin=subprocess.DEVNULL)
    time.sleep(0.5)
    assert attached.running()
    container.end()
    assert attached.wait().code == 0


@pytest.mark.parametrize("written", [EARLY], indirect=True)
def test_an_early_file(written: Runtime, bundle: Bundle) -> None:
    """MVM-CCOR-07, MVM-CCOR-08: it shares the folder by itself; without a network its lines go."""
    bundle.sh("echo here; exit 5")
    told = written.run_bundle(bundle)
    assert (told.code, told.out) == (5, "here\n")


@pytest.mark.parametrize("written", ["/usr/bin/qemu-system-x86_64\n-initrd\n/x\n"], indirect=True)
def test_what_cannot_be_is_named_and_nothing_stays(written: Runtime, bundle: Bundle) -> None:
    """MVM-CCOR-08."""
    bundle.write()
    refused = written.run("run", "--bundle", bundle.path, written.new_id())
    assert refused.code == 1
    assert "hypervisor.args, line 2: -initrd cannot be: the ramdisk is ringfence's own" in refused.err


@pytest.mark.parametrize("written", [STOCK], indirect=True)
def test_explain_tells_what_is_read_otherwise(written: Runtime, bundle: Bundle, workdir: str) -> None:
    """MVM-CCOR-09."""
    image(bundle, workdir)
    bundle.write()
    told = written.run("explain", "--bundle", bundle.path).ok().out
    assert "note: hypervisor.args, line 5: pc-lite is read as q35" in told
    assert "note: hypervisor.args, line 5: nvdimm is read as nvdimm=on" in told
