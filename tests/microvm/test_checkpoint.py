"""A container whose machine holds all its state becomes files, and comes back from them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ringfence.jsontext import dumps, loads
from tests.microvm.harbour import Harbour
from tests.microvm.test_image import made
from tests.support import Bundle, Container, Runtime
from tests.support.poll import wait_until
from tests.support.process import read_text

COUNTER = "echo $$ >/pid; n=0; while :; do n=$((n+1)); echo $n >/next; mv /next /now; sleep 0.05; done"
READER = "echo $$ >/pid; while read word; do echo got $word; echo $word >/now; done"
PROCESS = "cat /pid; cut -d' ' -f22 /proc/$(cat /pid)/stat"
"""Number and start time of the program."""


@pytest.fixture
def saved(machines: Runtime, bundle: Bundle, tmp_path: Path) -> Path:
    """A folder for the images; the bundle's root is an image and its program counts."""
    made(bundle, "ext4", tmp_path)
    bundle.config["root"]["readonly"] = False
    bundle.sh(COUNTER)
    return tmp_path / "saved"


def count(container: Container) -> int:
    """How far the program has come."""
    return int(container.sh("test ! -e /now || cat /now").ok().out or 0)


def test_it_goes_on_where_it_was(machines: Runtime, bundle: Bundle, saved: Path) -> None:
    """MVM-CHECKPOINT-01, MVM-CHECKPOINT-03: pid, memory and files as they were, standard input and output new."""
    bundle.sh(READER)
    ends = os.pipe()
    container = machines.create(bundle, stdin=ends[0])
    container.start()
    os.write(ends[1], b"1\n")
    wait_until(lambda: read_text(container.output_path) == "got 1\n", "the program")
    pid = container.sh(PROCESS).ok().out
    machines.run("checkpoint", "--image-path", str(saved), container.id).ok()
    machines.refuses("does not exist", "state", container.id)
    assert sorted(path.name for path in saved.iterdir()) == ["machine.json", "machine.state"]
    process = machines.spawn("restore", "--bundle", bundle.path, "--image-path", str(saved), "back", stdin=ends[0])
    wait_until(lambda: machines.ids() == ["back"] and machines.container("back").status() == "running", "its return")
    assert machines.container("back").sh(f"{PROCESS}; cat /now").ok().out == f"{pid}1\n"
    os.write(ends[1], b"2\n")
    os.close(ends[1])
    assert process.wait().ok().out == "got 2\n"
    os.close(ends[0])


def test_it_may_go_on(machines: Runtime, bundle: Bundle, saved: Path) -> None:
    """MVM-CHECKPOINT-01: --leave-running; the second of two is from its own moment."""
    container = machines.started(bundle)
    wait_until(lambda: count(container) > 1, "the program")
    machines.run("checkpoint", "--leave-running", "--image-path", str(saved), container.id).ok()
    before = count(container)
    wait_until(lambda: count(container) > before, "the program again")
    machines.run("restore", "--detach", "--bundle", bundle.path, "--image-path", str(saved), "twin").ok()
    twin = machines.container("twin")
    assert twin.status() == container.status() == "running"
    assert count(twin) < count(container)


def test_what_is_not_the_same_is_refused(machines: Runtime, bundle: Bundle, saved: Path) -> None:
    """MVM-CHECKPOINT-03: by name; the files are anybody's, and no path is taken from them."""
    container = machines.started(bundle)
    machines.run("checkpoint", "--image-path", str(saved), container.id).ok()
    words = ("restore", "--detach", "--bundle", bundle.path, "--image-path", str(saved), "other")
    about, state = saved / "machine.json", saved / "machine.state"
    kept = loads(about.read_text())
    assert isinstance(kept, dict)
    for member, value, refusal in (
        ("qemu", "another", "made with another QEMU"),
        ("kernel", "0", "made with another kernel"),
        ("machine", "q35 tcg 512 MiB", "made with another machine"),
        ("image", "/etc/shadow", "made with another image"),
        ("version", [], "made with another form"),
        ("config", {}, "of config.json is not that of the checkpoint"),
        ("size", 1, "which a whole state of this machine has not"),
    ):
        about.write_text(dumps({**kept, member: value}))
        machines.refuses(refusal, *words)
    about.write_text("[]")
    machines.refuses("is no JSON object", *words)
    about.write_text(dumps(kept))
    bundle.process["cwd"] = "/bin"
    machines.refuses_bundle("process of config.json is not that", bundle, "--image-path", str(saved), verb="restore")
    bundle.process["cwd"] = "/"
    bundle.write()
    with open(state, "r+b") as file:
        file.write(b"nonsense" * 100)
    machines.refuses("the machine has ended: ", *words)
    state.unlink()
    state.symlink_to("/dev/zero")
    machines.refuses("is no file", *words)


def test_only_what_is_the_machines_is_kept(machines: Runtime, bundle: Bundle, saved: Path) -> None:
    """MVM-CHECKPOINT-02: what only CRIU does is refused by name, and a pause; it runs on."""
    container = machines.started(bundle)
    machines.refuses("cannot be checkpointed with --pre-dump", "checkpoint", "--pre-dump", container.id)
    machines.run("pause", container.id).ok()
    machines.refuses("while it is paused", "checkpoint", "--image-path", str(saved), container.id)
    machines.run("resume", container.id).ok()
    assert container.status() == "running"
    assert not saved.exists()


def test_a_network_of_its_own(machines: Runtime, bundle: Bundle, saved: Path, harbour: Harbour) -> None:
    """MVM-CHECKPOINT-03: the container comes back with what its new namespace has, and with nothing of the old one."""
    harbour.attach("eth0", 3)
    bundle.namespace("network", harbour.inside.path)
    container = machines.started(bundle)
    assert "10.77.3.2/24" in container.sh("busybox ip addr").out
    machines.run("checkpoint", "--image-path", str(saved), container.id).ok()
    harbour.inside("ip link del eth0")
    harbour.attach("eth0", 4)
    machines.run("restore", "--detach", "--bundle", bundle.path, "--image-path", str(saved), "back").ok()
    back = machines.container("back")
    told = back.sh("busybox ip addr; busybox ip route").out
    assert "10.77.4.2/24" in told
    assert "fd77:4::2/64" in told
    assert "77.3." not in told
    assert "fd77:3:" not in told
    assert harbour.outside("busybox ping -c 1 -W 5 10.77.4.2")
