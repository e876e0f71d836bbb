"""What engines find when they enter the mount namespace of the process that stands for a container."""

from __future__ import annotations

import os
import subprocess

from tests.conformance.inside import write_file
from tests.microvm.helpers import named, qemu
from tests.support import Bundle, Runtime
from tests.support.process import read_text


def entered(pid: int, script: str) -> str:
    """What a shell of the container's own prints in the mount namespace of a process."""
    words = ["/usr/bin/nsenter", "-t", str(pid), "--mount", "--", "/bin/sh", "-c", script]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout


def test_only_the_containers_files_are_there(machines: Runtime, bundle: Bundle) -> None:
    """MVM-FILES-06, MVM-SEC-02: its root with its volumes, live, and nothing of the host."""
    bundle.config["root"]["readonly"] = False
    folder = machines.new_path("volume")
    os.mkdir(folder)
    write_file(os.path.join(folder, "mark"), "of the volume\n")
    single = write_file(machines.new_path("single"), "of the file\n")
    bundle.bind(folder, "/data")
    bundle.bind(single, "/etc/single", "ro")
    bundle.sleep()
    container = machines.started(bundle)
    told = entered(
        container.pid, f"cat /data/mark /etc/single; ls {machines.root}; echo new > /data/new; echo no > /etc/single"
    )
    assert told == "of the volume\nof the file\n"
    assert container.sh("cat /data/new /etc/single").ok().out == "new\nof the file\n"
    mounts = read_text(f"/proc/{container.pid}/mountinfo")
    assert machines.root not in mounts.replace(bundle.rootfs, "")


def test_the_machine_never_looks_there(machines: Runtime, bundle: Bundle) -> None:
    """MVM-QEMU-09, MVM-SEC-05: CVE-2019-14271: a library of the image cannot be loaded into QEMU or the daemon."""
    bundle.sleep()
    container = machines.started(bundle)
    own = os.readlink(f"/proc/{container.pid}/ns/mnt")
    others = [qemu(container), *named(container, "virtiofsd")]
    assert len(others) > 1
    assert all(os.readlink(f"/proc/{pid}/ns/mnt") != own for pid in others)
