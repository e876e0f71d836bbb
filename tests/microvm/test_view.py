"""What engines find when they enter the mount namespace of the process that stands for a container."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.conformance.inside import write_file
from tests.microvm.helpers import field, named, qemu
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


def test_the_daemon_sees_the_share_alone(machines: Runtime, bundle: Bundle) -> None:
    """MVM-FILES-03, MVM-SEC-03: a root, mounts and processes of its own, and a system call filter."""
    bundle.sleep()
    container = machines.started(bundle)
    serving = named(container, "virtiofsd")[-1]
    assert field(serving, "Seccomp") == "2"
    assert field(serving, "NoNewPrivs") == "1"
    assert len(field(serving, "NSpid").split()) > 1
    assert sorted(os.listdir(f"/proc/{serving}/root/root")) == sorted(os.listdir(bundle.rootfs))
    assert set(os.listdir(f"/proc/{serving}/root")) == {"root"}


def test_only_root_reaches_the_supervisor(machines: Runtime, bundle: Bundle) -> None:
    """MVM-SUPERVISOR-08: by a socket of mode 0600, and it looks at who has connected."""
    bundle.sleep()
    container = machines.started(bundle)
    path = os.path.join(container.state_folder, "control.sock")
    assert os.stat(path).st_mode & 0o777 == 0o600
    os.chmod(path, 0o666)
    for folder in (container.state_folder, machines.root, machines.folder, os.path.dirname(machines.folder)):
        os.chmod(folder, 0o755)
    listing = "bytes(6) + bytes([11, 0])"  # a frame LIST, which root would get an answer to
    ask = f"import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.send({listing})"
    told = f"{ask}; print(s.recv(8))"
    words = ["setpriv", "--reuid=1234", "--regid=1234", "--clear-groups", sys.executable, "-I", "-c", told, path]
    assert subprocess.run(words, capture_output=True, text=True, check=False).stdout in ("b''\n", "")
    assert container.status() == "running"
