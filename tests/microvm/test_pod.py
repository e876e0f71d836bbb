"""Pods: a sandbox's machine and the containers in it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

from tests.microvm.harbour import Harbour
from tests.microvm.helpers import named
from tests.support import Bundle, Container, Runtime, wait_until
from tests.support.process import alive

TYPE, SANDBOX = "io.kubernetes.cri.container-type", "io.kubernetes.cri.sandbox-id"
SHARED = {"network": "net", "ipc": "ipc", "uts": "uts"}


class Pod:
    """A sandbox that waits, and how containers get into it, as containerd makes them."""

    def __init__(self, runtime: Runtime, make_bundle: Callable[[str], Bundle], network: str) -> None:
        self.runtime = runtime
        self.make_bundle = make_bundle
        self.count = 0
        bundle = make_bundle("sandbox")
        bundle.config["hostname"] = "pod"
        bundle.namespace("network", network)
        bundle.config["annotations"] = {TYPE: "sandbox"}
        bundle.sleep()
        self.sandbox = runtime.started(bundle)

    def bundle(self, script: str) -> Bundle:
        """A bundle of a container in it."""
        self.count += 1
        bundle = self.make_bundle(f"container{self.count}")
        del bundle.config["hostname"]
        for kind, name in SHARED.items():
            bundle.namespace(kind, f"/proc/{self.sandbox.pid}/ns/{name}")
        bundle.config["annotations"] = {TYPE: "container", SANDBOX: self.sandbox.id}
        bundle.config["root"]["readonly"] = False
        bundle.sh(script)
        return bundle

    def started(self, script: str) -> Container:
        """A container of it that runs."""
        return self.runtime.started(self.bundle(script))


@pytest.fixture
def pod(machines: Runtime, make_bundle: Callable[[str], Bundle], harbour: Harbour) -> Pod:
    """A pod with nothing in it but its sandbox."""
    harbour.attach("eth0", 1)
    return Pod(machines, make_bundle, harbour.inside.path)


def test_containers_live_in_the_sandboxes_machine(pod: Pod) -> None:
    """MVM-POD-02, MVM-POD-04: network, ipc and name are shared; root, mounts, pids and cgroup are each one's own."""
    data = os.path.join(pod.runtime.folder, "data")
    os.mkdir(data)
    first = pod.bundle(
        "hostname; ls /sys/class/net; nc -l -p 7000 -e /bin/echo hello & echo mine >/data/it; sleep 1000"
    )
    first.bind(data, "/data")
    one = pod.runtime.started(first)
    one.wait_output("pod\neth0\nlo\n")
    assert named(one, "qemu-system-x86_64") == []
    two = pod.started("nc 127.0.0.1 7000; ls /data; echo $$; cat /proc/self/cgroup; sleep 1000")
    two.wait_output("0::/")
    assert two.output().splitlines()[:2] == ["hello", "1"]
    assert "0::/member-" in two.output()
    assert "/data: No such file" in two.error_output()
    with open(os.path.join(data, "it"), encoding="utf-8") as file:
        assert file.read() == "mine\n"
    names = [container.exec("readlink", f"/proc/self/ns/{kind}").ok().out for kind in ("uts", "ipc", "net")
             for container in (pod.sandbox, one, two)]  # fmt: skip
    assert [len(set(names[at : at + 3])) for at in (0, 3, 6)] == [1, 1, 1]
    for kind in ("pid", "mnt"):
        assert len({box.exec("readlink", f"/proc/self/ns/{kind}").ok().out for box in (pod.sandbox, one, two)}) == 3


def test_each_has_its_own_life(pod: Pod) -> None:
    """MVM-POD-03: pid, state, output, status, signals, exec, pause; the end of one leaves the others alone."""
    one = pod.runtime.create(pod.bundle("echo out; echo err >&2; trap 'exit 5' TERM; while :; do sleep 0.1; done"))
    two = pod.started("sleep 1000")
    assert (one.status(), two.status()) == ("created", "running")
    assert one.output() == ""
    one.start()
    one.wait_output("out\n")
    told = one.state()
    assert told["ringfence"]["sandbox"] == pod.sandbox.id
    assert len({one.pid, two.pid, pod.sandbox.pid}) == 3
    assert one.exec("sh", "-c", "echo in; exit 3").code == 3
    assert "sleep" in pod.runtime.run("ps", two.id).ok().out
    assert "trap" not in pod.runtime.run("ps", two.id).ok().out
    pod.runtime.run("pause", one.id).ok()
    assert (one.status(), two.status(), pod.sandbox.status()) == ("paused", "running", "running")
    assert two.exec("echo", "there").ok().out == "there\n"
    pod.runtime.run("resume", one.id).ok()
    stats = json.loads(pod.runtime.run("events", "--stats", two.id).ok().out)
    assert stats["data"]["pids"]["current"] >= 1
    pod.runtime.run("kill", one.id, "TERM").ok()
    assert one.reap() == 5
    assert (two.status(), pod.sandbox.status()) == ("running", "running")
    one.delete()
    pod.runtime.run("kill", two.id, "KILL").ok()
    wait_until(lambda: two.status() == "stopped", "the end of the second")
    assert pod.sandbox.exec("echo", "still").ok().out == "still\n"


def test_the_end_of_the_sandbox_ends_all(pod: Pod) -> None:
    """MVM-POD-03: by 137; they can be deleted in any order."""
    boxes = [pod.started("sleep 1000") for _ in range(2)]
    pod.runtime.run("kill", pod.sandbox.id, "KILL").ok()
    assert [box.reap() for box in boxes] == [137, 137]
    pod.sandbox.delete()
    for box in boxes:
        assert not alive(box.pid)
        box.delete()


def test_files_go_with_the_container(pod: Pod) -> None:
    """MVM-POD-04: what the machine saw of it is not held any longer, however it ended; nor does another see it."""
    one = pod.started("echo ready; sleep 1000")
    one.wait_output("ready\n")
    share = os.path.join(pod.sandbox.state_folder, "share")
    assert len(os.listdir(share)) == 2
    pod.runtime.run("kill", one.id, "KILL").ok()
    wait_until(lambda: len(os.listdir(share)) == 1, "the end of its files")


def test_what_is_no_sandbox(pod: Pod) -> None:
    """MVM-POD-06: unknown, stopped, no sandbox; each is named."""
    refuses = pod.runtime.refuses_bundle
    bundle = pod.bundle("true")
    bundle.config["annotations"][SANDBOX] = "nobody"
    refuses("the sandbox nobody: container does not exist", bundle)
    other = pod.started("sleep 1000")
    bundle.config["annotations"][SANDBOX] = other.id
    refuses(f"the container {other.id} is no sandbox with a machine", bundle)
    bundle.config["annotations"][SANDBOX] = pod.sandbox.id
    machine = [pid for name in ("qemu-system-x86_64", "virtiofsd") for pid in named(pod.sandbox, name)]
    pod.sandbox.end()
    other.reap()
    wait_until(lambda: not any(map(alive, machine)), "the end of the machine")
    refuses("is stopped", bundle)


def test_a_foreign_pod_cannot_be_entered(pod: Pod) -> None:
    """MVM-POD-06: whoever names another's sandbox has not been given its namespaces."""
    bundle = pod.bundle("true")
    bundle.namespace("network")
    pod.runtime.refuses_bundle(f"the container has not the network of the sandbox {pod.sandbox.id}", bundle)
    bundle.namespace("network", "/proc/self/ns/net")
    pod.runtime.refuses_bundle("is not that of the sandbox", bundle)


def test_one_that_does_not_fit(pod: Pod) -> None:
    """MVM-POD-05: both figures are named."""
    bundle = pod.bundle("true")
    bundle.linux["resources"] = {"memory": {"limit": 8 << 30}}
    pod.runtime.refuses_bundle("a memory limit of 8589934592 bytes is more than the 512 MiB", bundle)
