"""The same code on this machine's own cgroup v1 hierarchies, in cgroups of these tests alone."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.cgroups.bpf import device_program
from ringfence.cgroups.compile import compile_cgroup, compile_update
from ringfence.cgroups.devices import reduce
from ringfence.cgroups.manager import Cgroup
from ringfence.cgroups.oom import OomWatch
from ringfence.cgroups.paths import CgroupDir, find, locate
from ringfence.cgroups.perform import perform
from ringfence.cgroups.restore import remember, restore
from ringfence.cgroups.steps import LimitDevicesV2
from ringfence.errors import RingfenceError
from ringfence.host.facts import V2
from ringfence.host.probe import probe
from ringfence.spec.types import CPUResources, DeviceRule, MemoryResources, PidsResources, Resources
from tests.support.poll import wait_until

HOST = probe()
MEBIBYTE = 1 << 20

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or HOST.cgroup_mode == V2 or not HOST.hierarchies, reason="needs root and writable cgroup v1"
)


class Container:
    """A cgroup in every hierarchy and whatever processes a test puts there."""

    def __init__(self, name: str):
        self.dirs = locate(HOST, f"/{name}", "unused")
        self.group = Cgroup(self.dirs)
        self.children: list[subprocess.Popen[bytes]] = []

    def limit(self, resources: Resources) -> None:
        for step in compile_cgroup(HOST, self.dirs, resources):
            perform(step)

    def update(self, resources: Resources) -> None:
        for step in compile_update(HOST, self.dirs, resources):
            perform(step)

    def read(self, controller: str, file: str) -> str:
        return Path(find(self.dirs, controller), file).read_text().strip()

    def entrances(self) -> list[str]:
        """The files that take in whoever writes 0."""
        return [f"{entry.path}/{'cgroup.procs' if entry.controllers == ('',) else 'tasks'}" for entry in self.dirs]

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """A process in the container."""
        enter = "".join(f"echo 0 > {file}; " for file in self.entrances())
        script = ("sh", "-c", f'{enter} exec "$@"', "sh", *words)
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
                for file in self.entrances():
                    Path(file).write_text("0")
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
    assert [directory.path for directory in made.dirs if os.path.exists(directory.path)] == []


def test_every_limit_is_in_force(container: Container) -> None:
    """LNX-CG-04, LNX-CG-05, LNX-CG1-01, LNX-CG1-03, LNX-CG1-04, LNX-CG1-06, LNX-CG1-09."""
    container.limit(
        Resources(
            cpu=CPUResources(shares=512, quota=50000, period=100000, cpus="0"),
            memory=MemoryResources(limit=64 * MEBIBYTE, swap=96 * MEBIBYTE, reservation=MEBIBYTE, swappiness=7),
            pids=PidsResources(limit=0),
        )
    )
    assert container.read("cpu", "cpu.shares") == "512"
    assert container.read("cpu", "cpu.cfs_quota_us") == "50000"
    assert container.read("cpuset", "cpuset.cpus") == "0"
    assert container.read("cpuset", "cpuset.mems") != ""
    assert container.read("memory", "memory.limit_in_bytes") == str(64 * MEBIBYTE)
    assert container.read("memory", "memory.memsw.limit_in_bytes") == str(96 * MEBIBYTE)
    assert container.read("memory", "memory.soft_limit_in_bytes") == str(MEBIBYTE)
    assert container.read("memory", "memory.swappiness") == "7"
    assert container.read("pids", "pids.max") == "1"
    assert all(os.path.isdir(directory.path) for directory in container.dirs)


def test_a_cgroup_deep_down_gets_cpus_at_every_level(container: Container) -> None:
    """LNX-CG1-06."""
    container.limit(Resources())
    deep = tuple(CgroupDir(entry.controllers, f"{entry.path}/a/b") for entry in container.dirs)
    for step in compile_cgroup(HOST, deep, Resources()):
        perform(step)
    cpus = container.read("cpuset", "cpuset.cpus")
    assert cpus == container.read("cpuset", "a/cpuset.cpus") == container.read("cpuset", "a/b/cpuset.cpus") != ""


@pytest.mark.parametrize("shares", [1, 10**9])
def test_clamped_shares_are_refused(container: Container, shares: int) -> None:
    """LNX-CG1-03."""
    with pytest.raises(RingfenceError, match="allowed cpu-shares is"):
        container.limit(Resources(cpu=CPUResources(shares=shares)))


def test_an_invalid_period_is_refused(container: Container) -> None:
    """LNX-CG1-04."""
    with pytest.raises(RingfenceError, match=r"cfs_period_us: invalid argument"):
        container.limit(Resources(cpu=CPUResources(period=100)))


def test_memory_and_swap_grow_and_shrink_in_one_call(container: Container) -> None:
    """LNX-UPD-09."""
    for limit, swap in ((32, 48), (256, 300), (16, 16), (512, 1024), (8, 9)):
        memory = MemoryResources(limit=limit * MEBIBYTE, swap=swap * MEBIBYTE)
        container.limit(Resources(memory=memory))
        assert container.read("memory", "memory.limit_in_bytes") == str(limit * MEBIBYTE)
        assert container.read("memory", "memory.memsw.limit_in_bytes") == str(swap * MEBIBYTE)


def test_lifting_memory_lifts_swap(container: Container) -> None:
    """LNX-CG1-02, LNX-UPD-08."""
    container.limit(Resources(memory=MemoryResources(limit=32 * MEBIBYTE, swap=32 * MEBIBYTE)))
    unlimited = Path(find(container.dirs, "memory")).parent.joinpath("memory.limit_in_bytes").read_text().strip()
    container.update(Resources(memory=MemoryResources(limit=-1)))
    assert container.read("memory", "memory.limit_in_bytes") == unlimited
    assert container.read("memory", "memory.memsw.limit_in_bytes") == unlimited


def test_quota_and_period_below_a_limited_parent(container: Container) -> None:
    """LNX-UPD-07."""
    container.limit(Resources(cpu=CPUResources(quota=50000, period=100000)))
    inner = tuple(CgroupDir(entry.controllers, f"{entry.path}/inner") for entry in container.dirs)
    for step in compile_cgroup(HOST, inner, Resources(cpu=CPUResources(quota=40000, period=100000))):
        perform(step)
    for cpu in (CPUResources(quota=3000, period=10000), CPUResources(quota=50000, period=100000)):
        for step in compile_update(HOST, inner, Resources(cpu=cpu)):
            perform(step)
    assert container.read("cpu", "inner/cpu.cfs_quota_us") == "50000"
    with pytest.raises(RingfenceError, match="invalid argument"):
        for step in compile_update(HOST, inner, Resources(cpu=CPUResources(quota=60000, period=100000))):
            perform(step)


def test_what_a_failed_update_changed_comes_back(container: Container) -> None:
    """LNX-UPD-18."""
    container.limit(
        Resources(memory=MemoryResources(limit=64 * MEBIBYTE, swap=64 * MEBIBYTE), cpu=CPUResources(shares=100))
    )
    bad = Resources(
        cpu=CPUResources(shares=200),
        memory=MemoryResources(limit=128 * MEBIBYTE, swap=128 * MEBIBYTE, swappiness=1000),
    )
    steps = compile_update(HOST, container.dirs, bad)
    before = remember(steps)
    with pytest.raises(RingfenceError):
        for step in steps:
            perform(step)
    assert container.read("cpu", "cpu.shares") == "200"
    restore(before)
    assert container.read("cpu", "cpu.shares") == "100"
    assert container.read("memory", "memory.limit_in_bytes") == str(64 * MEBIBYTE)
    assert container.read("memory", "memory.memsw.limit_in_bytes") == str(64 * MEBIBYTE)


def test_a_used_cgroup_is_refused(container: Container) -> None:
    """LNX-LIFE-24."""
    container.limit(Resources())
    container.start("sleep", "1000")
    with pytest.raises(RingfenceError, match=r"container's cgroup is not empty: 1 process\(es\) found"):
        container.limit(Resources())
    assert len(container.group.processes()) == 1


def test_a_frozen_cgroup_is_refused(container: Container) -> None:
    """LNX-LIFE-25."""
    container.limit(Resources())
    container.group.freeze()
    with pytest.raises(RingfenceError, match="container's cgroup unexpectedly frozen"):
        container.limit(Resources())
    assert container.group.is_frozen()
    container.group.thaw()


def test_freezing_stops_and_thawing_lets_go(container: Container) -> None:
    """LNX-PPR-05, LNX-PPR-07."""
    container.limit(Resources())
    child = container.start("sh", "-c", "while :; do /bin/true; done")
    container.group.freeze()
    assert container.read("freezer", "freezer.state") == "FROZEN"
    container.group.thaw()
    assert not container.group.is_frozen()
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
    assert container.group.processes() == []


def test_killing_without_the_kernels_own_kill(container: Container) -> None:
    """LNX-KILL-08: on a host with v1 alone."""
    container.limit(Resources())
    child = container.start("sh", "-c", "for i in 1 2 3 4; do (while :; do /bin/true; done)& done; wait")
    wait_until(lambda: len(container.group.processes()) > 4, "every loop runs")
    legacy = Cgroup(tuple(directory for directory in container.dirs if directory.controllers != ("",)))
    assert legacy.end_all()
    assert child.wait() == -signal.SIGKILL
    assert not legacy.is_frozen()


def test_sub_cgroups_of_single_hierarchies_are_removed_with_their_processes(container: Container) -> None:
    """LNX-DEL-08."""
    container.limit(Resources())
    for controller in ("pids", "memory"):
        os.makedirs(f"{find(container.dirs, controller)}/a/b")
    child = container.start("sleep", "1000")
    Path(find(container.dirs, "pids"), "a/b/cgroup.procs").write_text(str(child.pid))
    container.group.remove(kill=True)
    assert child.wait() == -signal.SIGKILL
    assert not os.path.exists(find(container.dirs, "pids"))


def opening(path: str, flags: int) -> Callable[[], None]:
    return lambda: os.close(os.open(path, flags))


def test_devices_are_denied_but_for_the_default_list(container: Container) -> None:
    """LNX-DEVC-03, LNX-DEVC-06, LNX-DEVC-07."""
    container.limit(Resources())
    assert container.errno_of(opening("/dev/null", os.O_RDWR)) == 0
    assert container.errno_of(opening("/dev/kmsg", os.O_RDONLY)) == errno.EPERM


def test_devices_that_a_rule_allows_can_be_used_as_it_says(container: Container) -> None:
    """LNX-DEVC-04."""
    number = os.stat("/dev/kmsg").st_rdev
    rule = DeviceRule(True, "c", os.major(number), os.minor(number), "r")
    container.limit(Resources(devices=(DeviceRule(False, access="rwm"), rule)))
    assert container.errno_of(opening("/dev/kmsg", os.O_RDONLY)) == 0
    assert container.errno_of(opening("/dev/kmsg", os.O_WRONLY)) == errno.EPERM


def test_a_privileged_container_may_use_all(container: Container) -> None:
    container.limit(Resources(devices=(DeviceRule(True, access="rwm"),)))
    assert container.read("devices", "devices.list") == "a *:* rwm"


def test_another_device_list_replaces_the_one_there_is(container: Container) -> None:
    """LNX-DEVC-08."""
    allowed = DeviceRule(True, "c", 10, 229, "rwm")
    container.limit(Resources(devices=(DeviceRule(False), allowed)))
    assert "c 10:229 rwm" in container.read("devices", "devices.list").splitlines()
    container.limit(Resources())
    assert "c 10:229 rwm" not in container.read("devices", "devices.list").splitlines()
    assert "c 1:3 rwm" in container.read("devices", "devices.list").splitlines()


@pytest.mark.skipif(not find(locate(HOST, "/x", "x"), ""), reason="needs a cgroup v2 hierarchy beside v1")
def test_device_programs_of_v2_replace_each_other(container: Container) -> None:
    """LNX-DEVC-09, LNX-DEVC-10: on the v2 hierarchy of a hybrid host."""
    container.limit(Resources(devices=(DeviceRule(True, access="rwm"),)))
    unified = find(container.dirs, "")
    number = os.stat("/dev/kmsg").st_rdev
    allowed = DeviceRule(True, "c", os.major(number), os.minor(number), "r")
    for rules, expected in (((), errno.EPERM), ((allowed,), 0), ((), errno.EPERM)):
        perform(LimitDevicesV2("", unified, device_program(*reduce(rules)), ""))
        assert container.errno_of(opening("/dev/kmsg", os.O_RDONLY)) == expected
        assert container.errno_of(opening("/dev/null", os.O_RDWR)) == 0
        assert container.errno_of(lambda: os.stat("/dev/kmsg")) == 0


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
    assert watch.wait(10) == 0
    assert watch.wait(0) == 0
    watch.close()


def test_stats_tell_what_the_kernel_counts(container: Container) -> None:
    """LNX-EVT-06, LNX-EVT-09, LNX-EVT-10."""
    container.limit(Resources(memory=MemoryResources(limit=64 * MEBIBYTE), pids=PidsResources(limit=50)))
    container.start("sleep", "1000")
    stats = container.group.stats()
    assert stats["pids"] == {"current": 1, "limit": 50}
    memory = stats["memory"]
    assert isinstance(memory, dict)
    assert memory["usage"]["limit"] == 64 * MEBIBYTE
    assert memory["raw"]["hierarchical_memory_limit"] == 64 * MEBIBYTE
