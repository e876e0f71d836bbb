"""KVM that works, and KVM that only looks so."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from ringfence.initfile import INIT
from tests.microvm.helpers import qemu
from tests.support import Bundle, Runtime, wait_until

DEVICE = Path("/dev/kvm")
needs_device = pytest.mark.skipif(not DEVICE.exists(), reason="there is no /dev/kvm")


def probed() -> int:
    """How the probe ends."""
    return subprocess.run([INIT, "kvm"], check=False, timeout=60).returncode


@needs_device
def test_the_probe_tells_by_what_runs() -> None:
    """MVM-QEMU-05: where the processor has no virtualization a KVM that answers is never taken for one that works."""
    flags = Path("/proc/cpuinfo").read_text().split()
    assert probed() == 0 if {"vmx", "svm"} & {*flags} else probed() in (4, 5)


def test_the_probe_without_a_device(machines: Runtime) -> None:
    """MVM-QEMU-05."""
    words = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /dev && exec $0 kvm", INIT]
    assert subprocess.run(words, check=False).returncode == 3


def test_emulation_is_said_once(machines: Runtime, bundle: Bundle) -> None:
    """MVM-QEMU-04, MVM-ENG-07: in the log, when all has gone well; nothing on either stream."""
    bundle.args("true")
    results = [machines.run_bundle(bundle).ok() for _ in range(2)]
    assert [result.out + result.err for result in results] == ["", ""]
    said = [record["msg"] for record in machines.log_records() if record["level"] == "warning"]
    if probed() == 0:
        assert said == []
    else:
        assert len(said) == 1
        assert said[0].startswith("machines are emulated, which is slow: ")


def test_what_qemu_says_is_kept_where_it_is_wanted(machines: Runtime, bundle: Bundle) -> None:
    """MVM-QEMU-16: in two files of the container's id."""
    folder = Path(machines.new_path("logs"))
    folder.mkdir()
    plain = machines.globals
    machines.globals = lambda: [*plain(), "--hypervisor-log-dir", str(folder)]  # type: ignore[method-assign]
    bundle.sleep()
    container = machines.started(bundle)
    os.kill(qemu(container), signal.SIGTERM)
    wait_until(lambda: container.status() == "stopped", "the end")
    names = {name: folder / f"{container.id}-hypervisor.{name}" for name in ("stdout", "stderr")}
    assert names["stdout"].read_text() == ""
    assert "terminating on signal 15" in names["stderr"].read_text()
    assert {path.stat().st_mode & 0o777 for path in names.values()} == {0o640}


@needs_device
def test_a_machine_that_never_starts_is_started_without_kvm(machines: Runtime, bundle: Bundle) -> None:
    """MVM-QEMU-06: the verdict was wrong; the container runs all the same, and none is tried with KVM again."""
    if probed() == 0:
        pytest.skip("KVM works here")
    device = DEVICE.stat()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    cache = Path(machines.root, "@cache")
    cache.mkdir(parents=True)
    (cache / "kvm").write_text(f"{boot} {device.st_rdev} yes\n")
    bundle.sh("echo alive")
    assert machines.run_bundle(bundle).ok().out == "alive\n"
    container = machines.started(bundle)
    assert container.state()["ringfence"]["accelerator"] == "tcg"
    said = [record["msg"] for record in machines.log_records() if record["level"] == "warning"]
    assert len(said) == 1
    assert "the machine is emulated instead" in said[0]
