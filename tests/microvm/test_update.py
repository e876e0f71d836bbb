"""Changing limits while a container lives."""

from __future__ import annotations

import pytest

from tests.support import Bundle, Container, Runtime, wait_until

MIB = 1 << 20
HOLD = "head -c 20000000 /dev/zero > /work/held; echo held; sleep 1000"


@pytest.fixture
def limited(machines: Runtime, bundle: Bundle) -> Container:
    """A container with limits, which sees its cgroup at /mnt and has 20 MB in use."""
    bundle.resources["memory"] = {"limit": 64 * MIB}
    bundle.resources["pids"] = {"limit": 30}
    bundle.namespace("cgroup")
    bundle.mount("/mnt", "cgroup", "cgroup", "ro")
    bundle.mount("/work", "tmpfs", "tmpfs")
    bundle.sh(HOLD)
    container = machines.started(bundle)
    wait_until(lambda: container.output() == "held\n", "the program")
    return container


def shown(container: Container) -> list[str]:
    """The limits of memory and processes, as its guest has them."""
    return container.sh("cat /mnt/memory.max /mnt/pids.max").ok().out.split()


def test_limits_of_memory_and_processes(machines: Runtime, limited: Container) -> None:
    """MVM-UPDATE-01, MVM-UPDATE-02: the guest's cgroup has the new ones at once, and again and again."""
    for number in range(40, 60):
        machines.run("update", "--memory", str(number * MIB), "--pids-limit", str(number), limited.id).ok()
    assert shown(limited) == [str(59 * MIB), "59"]
    machines.run("update", "--memory", str(128 * MIB), limited.id).ok()
    assert shown(limited) == [str(128 * MIB), "59"]


def test_less_than_is_in_use_is_refused(machines: Runtime, limited: Container) -> None:
    """MVM-UPDATE-01: with both figures, and the container lives on under its old limits."""
    machines.refuses("bytes of memory, more than 1048576", "update", "--memory", "1048576", limited.id)
    assert shown(limited) == [str(64 * MIB), "30"]


def test_more_than_the_machine_has_is_refused(machines: Runtime, limited: Container) -> None:
    """MVM-UPDATE-01: it has the limit that it was made with, and 64 MiB."""
    words = f"a memory limit of {129 * MIB} bytes is more than the 128 MiB that the machine has"
    machines.refuses(words, "update", "--memory", str(129 * MIB), "--pids-limit", "50", limited.id)
    assert shown(limited) == [str(64 * MIB), "30"]


def test_what_cannot_be_changed_is_named(machines: Runtime, limited: Container) -> None:
    """MVM-UPDATE-03: and nothing else of the call is."""
    words = ("update", "--pids-limit", "50", "--memory-swap", "200000000", limited.id)
    machines.refuses("behind a microVM memory swap cannot be changed while it runs", *words)
    machines.refuses("behind a microVM block io", "update", "--blkio-weight", "500", "--pids-limit", "9", limited.id)
    assert shown(limited) == [str(64 * MIB), "30"]


def test_a_paused_container_is_not_asked(machines: Runtime, limited: Container) -> None:
    """MVM-UPDATE-02: it says so and does not hang; the processors' time is the host's and may be changed."""
    machines.run("pause", limited.id).ok()
    machines.refuses("the container is paused", "update", "--pids-limit", "50", limited.id)
    machines.run("update", "--cpu-quota", "50000", limited.id).ok()
    machines.run("resume", limited.id).ok()
    assert shown(limited)[1] == "30"
