"""Limits, what happens at them, changing them and looking at them; the same with docker and podman."""

from __future__ import annotations

import os

from tests.engines.engine import Container, Engine
from tests.support import cgroup
from tests.support.image import NAME
from tests.support.poll import wait_until

MIB = 1 << 20
# file in v1, file in v2
MEMORY = ("memory", "memory.limit_in_bytes", "memory.max")
PIDS = ("pids", "pids.max", "pids.max")
CPUS = ("cpuset", "cpuset.cpus", "cpuset.cpus")


def value(container: Container, file: tuple[str, str, str]) -> str:
    """What the kernel has in a control file of the container's cgroup."""
    controller, old, new = file
    folder = container.cgroup(controller)
    return cgroup.read(folder, old if os.path.exists(os.path.join(folder, old)) else new)


def cpu_quota(container: Container) -> str:
    """Quota and period as cpu.max of v2 has them."""
    folder = container.cgroup("cpu")
    if os.path.exists(f"{folder}/cpu.cfs_quota_us"):
        return f"{cgroup.read(folder, 'cpu.cfs_quota_us')} {cgroup.read(folder, 'cpu.cfs_period_us')}"
    return cgroup.read(folder, "cpu.max")


def cpu_shares(container: Container) -> int:
    """cpu.shares, or the weight of v2 as shares (runtime-spec, config-linux.md, CPU)."""
    folder = container.cgroup("cpu")
    if os.path.exists(f"{folder}/cpu.shares"):
        return int(cgroup.read(folder, "cpu.shares"))
    return int(2 + (int(cgroup.read(folder, "cpu.weight")) - 1) * 262142 / 9999)


def test_limits_are_in_the_containers_cgroup(engine: Engine) -> None:
    options = ["--memory", "64m", "--cpus", "0.5", "--pids-limit", "30", "--cpuset-cpus", "0"]
    container = engine.running(*options)
    assert value(container, MEMORY) == str(64 * MIB)
    assert cpu_quota(container) == "50000 100000"
    assert value(container, PIDS) == "30"
    assert value(container, CPUS) == "0"


def test_cpu_shares(engine: Engine) -> None:
    assert abs(cpu_shares(engine.running("--cpu-shares", "512")) - 512) < 40


def test_a_container_without_limits_has_none(engine: Engine) -> None:
    container = engine.running()
    assert value(container, MEMORY) in {"max", str(((1 << 63) - 1) // 4096 * 4096)}
    assert cpu_quota(container) in {"-1 100000", "max 100000"}


def test_a_program_that_takes_more_memory_than_it_may_is_killed(engine: Engine) -> None:
    assert engine("run", "--rm", "--memory", "16m", NAME, "tail", "/dev/zero").code == 137


def test_a_container_in_which_the_oom_killer_struck_says_so(engine: Engine) -> None:
    container = engine.started("--memory", "16m", script="tail /dev/zero; exit $?")
    assert container.wait() == 137
    wait_until(lambda: says_oom(container), "a sign of the OOM killer")


def says_oom(container: Container) -> bool:
    """Whether the engine knows of the OOM killer.

    conmon 2.1.6 leaves its sign in the working directory of the client, where podman 4.3 does not look.
    """
    sign = os.path.join(container.engine.sandbox.folder, "oom")
    by_conmon = os.path.exists(sign)
    if by_conmon:
        os.unlink(sign)
    return by_conmon or container.inspect("{{.State.OOMKilled}}") == "true"


def test_a_program_that_ends_by_itself_was_not_oom_killed(engine: Engine) -> None:
    container = engine.started("--memory", "16m", script="exit 137")
    assert container.wait() == 137
    assert container.inspect("{{.State.OOMKilled}}") == "false"


def test_a_program_that_starts_more_processes_than_it_may_cannot(engine: Engine) -> None:
    result = engine.sh("for n in $(seq 20); do sleep 100 & done", "--pids-limit", "10")
    assert result.code != 0
    assert "can't fork" in result.err


def test_update_changes_the_limits_of_a_running_container(engine: Engine) -> None:
    container = engine.running("--memory", "64m", "--memory-swap", "128m", "--cpus", "0.5")
    container("update", "--memory", "96m", "--memory-swap", "192m", "--cpus", "1.5").ok()
    assert value(container, MEMORY) == str(96 * MIB)
    assert cpu_quota(container) == "150000 100000"
    container.exec("true").ok()


def test_update_of_one_limit_leaves_the_others(engine: Engine) -> None:
    container = engine.running("--memory", "64m", "--memory-swap", "64m", "--pids-limit", "30", "--cpuset-cpus", "0")
    container("update", "--cpu-shares", "512").ok()
    assert abs(cpu_shares(container) - 512) < 40
    assert value(container, MEMORY) == str(64 * MIB)
    assert value(container, PIDS) == "30"
    assert value(container, CPUS) == "0"


def test_devices_stay_restricted_after_an_update(engine: Engine) -> None:
    container = engine.running("--cap-add", "MKNOD", "--memory", "64m", "--memory-swap", "64m")
    container("update", "--cpu-shares", "512").ok()
    result = container.sh("mknod /tmp/kmsg c 1 11 && dd if=/tmp/kmsg count=0")
    assert result.code != 0
    assert "Operation not permitted" in result.err
    container.sh("head -c 1 /dev/zero > /dev/null").ok()


def test_stats_show_memory_and_processes(engine: Engine) -> None:
    container = engine.running("--memory", "64m")
    row = container("stats", "--no-stream", "--format", "{{.MemUsage}} {{.PIDs}}").ok().out
    used, _, limit, pids = row.split()
    assert used[0] in "123456789"
    assert limit in {"64MiB", "67.11MB"}
    assert pids == "2"


def test_stats_of_a_busy_container_show_its_cpu_time(engine: Engine) -> None:
    container = engine.started(script="while :; do :; done")
    share = container("stats", "--no-stream", "--format", "{{.CPUPerc}}").ok().out.strip()
    assert float(share.rstrip("%")) > 1
