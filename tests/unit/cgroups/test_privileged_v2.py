"""The same code on a machine with cgroup v2 alone, in cgroups of these tests alone."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.cgroups.compile import compile_cgroup, compile_ownership, compile_update
from ringfence.cgroups.manager import Cgroup
from ringfence.cgroups.oom import OomWatch
from ringfence.cgroups.paths import locate
from ringfence.cgroups.perform import perform
from ringfence.cgroups.restore import remember, restore
from ringfence.errors import RingfenceError
from ringfence.host.facts import V2
from ringfence.host.probe import probe
from ringfence.spec.types import (
    BlockIOResources,
    CPUResources,
    DeviceRule,
    MemoryResources,
    PidsResources,
    Resources,
)
from tests.support.poll import wait_until

HOST = probe()
MEBIBYTE = 1 << 20

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or HOST.cgroup_mode != V2, reason="needs root and cgroup v2")


class Container:
    """A cgroup below a parent that the test makes too, and whatever processes a test puts there."""

    def __init__(self, name: str):
        self.dirs = locate(HOST, f"/{name}/inner", "unused")
        self.path = Path(self.dirs[0].path)
        self.group = Cgroup(self.dirs)
        self.children: list[subprocess.Popen[bytes]] = []

    def limit(self, resources: Resources) -> None:
        for step in compile_cgroup(HOST, self.dirs, resources):
            perform(step)

    def update(self, resources: Resources) -> None:
        for step in compile_update(HOST, self.dirs, resources):
            perform(step)

    def read(self, file: str) -> str:
        return (self.path / file).read_text().strip()

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """A process in the container."""
        script = ("sh", "-c", f'echo 0 > {self.path}/cgroup.procs; exec "$@"', "sh", *words)
        child = subprocess.Popen(script, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.children.append(child)
        command = "".join(f"{word}\0" for word in words).encode()
        cmdline = Path(f"/proc/{child.pid}/cmdline")
        wait_until(lambda: child.poll() is not None or cmdline.read_bytes() == command, "the program runs")
        return child

    def errno_of(self, action: Callable[[], object]) -> int:
        """How an action inside ends: 0 or the kernel's error number."""
        pid = os.fork()
        if pid == 0:
            try:
                (self.path / "cgroup.procs").write_text("0")
                action()
            except OSError as error:
                os._exit(error.errno or 255)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.fixture
def container() -> Iterator[Container]:
    made = Container(f"ringfence-test-{os.getpid()}")
    yield made
    for child in made.children:
        child.kill()
        child.wait()
    made.group.remove(kill=True)
    assert not made.path.exists()
    if made.path.parent.exists():
        made.path.parent.rmdir()


def test_every_limit_is_in_force(container: Container) -> None:
    """LNX-CG-05, LNX-CG2-01, LNX-CG2-02, LNX-CG2-03, LNX-CG2-05, LNX-CG2-06, LNX-CG2-07, LNX-CG2-10."""
    container.limit(
        Resources(
            cpu=CPUResources(shares=1024, quota=50000, period=100000, burst=1000, cpus="0", mems="0"),
            memory=MemoryResources(limit=64 * MEBIBYTE, swap=96 * MEBIBYTE, reservation=MEBIBYTE),
            pids=PidsResources(limit=0),
            unified={"memory.high": str(60 * MEBIBYTE), "pids.max": "9"},
        )
    )
    root = Path(HOST.hierarchies[0].mount)
    assert container.read("cgroup.controllers") == (root / "cgroup.controllers").read_text().strip()
    values = {
        "cpu.weight": "100",
        "cpu.max": "50000 100000",
        "cpu.max.burst": "1000",
        "cpuset.cpus": "0",
        "memory.max": str(64 * MEBIBYTE),
        "memory.swap.max": str(32 * MEBIBYTE),
        "memory.low": str(MEBIBYTE),
        "memory.high": str(60 * MEBIBYTE),
        "pids.max": "9",
    }
    assert {name: container.read(name) for name in values} == values


def test_idle_and_weight_in_either_order(container: Container) -> None:
    """LNX-CG2-06, LNX-UPD-11."""
    container.limit(Resources(cpu=CPUResources(idle=1, shares=200)))
    assert container.read("cpu.idle") == "1"
    container.update(Resources(cpu=CPUResources(idle=0, shares=200)))
    assert (container.read("cpu.idle"), container.read("cpu.weight")) == ("0", "29")


def test_weight_of_block_io(container: Container) -> None:
    """LNX-CG2-08."""
    container.limit(Resources())
    if not (container.path / "io.weight").exists() and not (container.path / "io.bfq.weight").exists():
        pytest.skip("this kernel has neither io.weight nor io.bfq.weight")
    container.update(Resources(block_io=BlockIOResources(weight=750)))
    shown = container.read("io.bfq.weight" if (container.path / "io.bfq.weight").exists() else "io.weight")
    assert shown in ("default 750", "default 7475")


def test_unknown_files_are_tried_and_controllers_that_are_off_are_named(container: Container) -> None:
    """LNX-CG2-10."""
    with pytest.raises(RingfenceError, match=r"this kernel has no memory\.unknown"):
        container.limit(Resources(unified={"memory.unknown": "1"}))
    with pytest.raises(RingfenceError, match="cannot set net limit: container could not join or create cgroup"):
        container.limit(Resources(unified={"net.max": "1"}))


def test_what_a_failed_update_changed_comes_back(container: Container) -> None:
    """LNX-UPD-18."""
    container.limit(Resources(memory=MemoryResources(limit=64 * MEBIBYTE), cpu=CPUResources(quota=2000, period=4000)))
    bad = Resources(
        memory=MemoryResources(limit=32 * MEBIBYTE), cpu=CPUResources(quota=9000), unified={"pids.max": "no number"}
    )
    steps = compile_update(HOST, container.dirs, bad)
    before = remember(steps)
    with pytest.raises(RingfenceError, match="invalid argument"):
        for step in steps:
            perform(step)
    restore(before)
    assert container.read("memory.max") == str(64 * MEBIBYTE)
    assert container.read("cpu.max") == "2000 4000"


def test_a_limit_below_the_usage_is_rejected(container: Container) -> None:
    """LNX-UPD-16."""
    container.limit(Resources(memory=MemoryResources(limit=64 * MEBIBYTE)))
    container.start("sleep", "1000")
    wait_until(lambda: int(container.read("memory.current")) > 4096, "some memory is used")
    with pytest.raises(RingfenceError, match="rejecting memory limit 4096 < usage"):
        container.update(Resources(memory=MemoryResources(limit=4096, check_before_update=True)))
    assert container.read("memory.max") == str(64 * MEBIBYTE)


def test_a_used_or_frozen_cgroup_is_refused(container: Container) -> None:
    """LNX-LIFE-24, LNX-LIFE-25."""
    container.limit(Resources())
    container.group.freeze()
    with pytest.raises(RingfenceError, match="container's cgroup unexpectedly frozen"):
        container.limit(Resources())
    container.group.thaw()
    container.start("sleep", "1000")
    with pytest.raises(RingfenceError, match=r"container's cgroup is not empty: 1 process\(es\) found"):
        container.limit(Resources())


def test_freezing_stops_and_thawing_lets_go(container: Container) -> None:
    """LNX-PPR-05, LNX-PPR-07, LNX-PPR-08."""
    container.limit(Resources())
    child = container.start("sh", "-c", "while :; do /bin/true; done")
    container.group.freeze()
    assert "frozen 1" in container.read("cgroup.events").splitlines()
    container.group.thaw()
    wait_until(lambda: "frozen 0" in container.read("cgroup.events").splitlines(), "thawed")
    assert child.poll() is None


def test_killing_ends_a_frozen_container_that_forks(container: Container) -> None:
    """LNX-KILL-06, LNX-KILL-08, LNX-KILL-09."""
    container.limit(Resources())
    child = container.start("sh", "-c", "for i in 1 2 3 4; do (while :; do /bin/true; done)& done; wait")
    wait_until(lambda: len(container.group.processes()) > 4, "every loop runs")
    container.group.freeze()
    container.group.kill_all()
    assert child.wait() == -signal.SIGKILL
    assert container.group.end_all()


def test_threaded_sub_cgroups_are_removed_with_their_processes(container: Container) -> None:
    """LNX-DEL-08."""
    container.limit(Resources())
    domain = container.path / "domain"
    domain.mkdir()
    child = container.start("sleep", "1000")
    (domain / "cgroup.procs").write_text(str(child.pid))
    for name in ("one", "two"):
        (domain / name).mkdir()
        (domain / name / "cgroup.type").write_text("threaded")
    (domain / "one" / "cgroup.threads").write_text(str(child.pid))
    container.group.remove(kill=True)
    assert child.wait() == -signal.SIGKILL
    assert not container.path.exists()


def opening(path: str, flags: int) -> Callable[[], None]:
    return lambda: os.close(os.open(path, flags))


def test_devices(container: Container) -> None:
    """LNX-DEVC-03, LNX-DEVC-04, LNX-DEVC-06, LNX-DEVC-07, LNX-DEVC-09, LNX-DEVC-10."""
    number = os.stat("/dev/kmsg").st_rdev
    readable = DeviceRule(True, "c", os.major(number), os.minor(number), "r")
    container.limit(Resources())
    assert container.errno_of(opening("/dev/null", os.O_RDWR)) == 0
    assert container.errno_of(opening("/dev/kmsg", os.O_RDONLY)) == errno.EPERM
    container.limit(Resources(devices=(DeviceRule(False), readable)))
    assert container.errno_of(opening("/dev/kmsg", os.O_RDONLY)) == 0
    assert container.errno_of(opening("/dev/kmsg", os.O_WRONLY)) == errno.EPERM
    container.limit(Resources())
    assert container.errno_of(opening("/dev/kmsg", os.O_RDONLY)) == errno.EPERM


def test_an_oom_kill_is_seen(container: Container) -> None:
    """LNX-EVT-04, LNX-LIFE-26."""
    container.limit(Resources(memory=MemoryResources(limit=16 * MEBIBYTE, swap=16 * MEBIBYTE)))
    watch = OomWatch(container.dirs)
    assert watch.wait(0) == 0
    assert not container.group.oom_killed()
    child = container.start("tail", "/dev/zero")
    assert child.wait() == -signal.SIGKILL
    assert any(watch.wait(1) for _try in range(20))
    assert container.group.oom_killed()
    watch.close()


def test_a_watch_outlives_its_cgroup(container: Container) -> None:
    """LNX-EVT-05."""
    container.limit(Resources())
    watch = OomWatch(container.dirs)
    container.group.remove()
    assert watch.wait(0.1) == 0
    assert watch.wait(0) == 0
    watch.close()


def test_stats_tell_what_the_kernel_counts(container: Container) -> None:
    """LNX-EVT-06, LNX-EVT-09, LNX-EVT-10."""
    container.limit(Resources(memory=MemoryResources(limit=64 * MEBIBYTE), pids=PidsResources(limit=50)))
    container.start("sleep", "1000")
    stats = container.group.stats()
    assert stats["pids"] == {"current": 1, "limit": 50}
    memory, cpu = stats["memory"], stats["cpu"]
    assert isinstance(memory, dict)
    assert isinstance(cpu, dict)
    assert memory["usage"]["limit"] == 64 * MEBIBYTE
    assert memory["usage"]["usage"] > 0
    assert cpu["usage"]["total"] > 0


def test_ownership_is_given_as_far_as_the_kernel_delegates(container: Container) -> None:
    """LNX-CG-08."""
    container.limit(Resources())
    for step in compile_ownership(HOST, container.dirs, 1000):
        perform(step)
    owned = {path.name for path in container.path.iterdir() if path.stat().st_uid == 1000}
    delegated = set(Path("/sys/kernel/cgroup/delegate").read_text().split())
    assert {"cgroup.procs", "cgroup.subtree_control", "cgroup.threads"} <= owned <= delegated
    assert container.path.stat().st_uid == 1000
    assert container.path.stat().st_gid == 0
