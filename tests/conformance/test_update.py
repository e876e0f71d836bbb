"""update: new limits for a container that lives."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import Bundle, Container, Runtime, cgroup
from tests.support.mark import unlike_runc
from tests.support.process import read_text

pytestmark = pytest.mark.skipif(cgroup.is_v2(), reason="reads the files of cgroup v1")

MIB = 1 << 20
NO_LIMIT = 0x7FFFFFFFFFFFF000
FLAGS = [
    "--resources", "-r", "--blkio-weight", "--cpu-period", "--cpu-quota", "--cpu-burst", "--cpu-share",
    "--cpu-rt-period", "--cpu-rt-runtime", "--cpuset-cpus", "--cpuset-mems", "--cpu-idle", "--memory",
    "--memory-reservation", "--memory-swap", "--pids-limit", "--l3-cache-schema", "--mem-bw-schema",
]  # fmt: skip
NEWER = {"--cpu-burst", "--cpu-idle"}
FILES = {
    "limit": ("memory", "memory.limit_in_bytes"),
    "soft": ("memory", "memory.soft_limit_in_bytes"),
    "swap": ("memory", "memory.memsw.limit_in_bytes"),
    "shares": ("cpu", "cpu.shares"),
    "quota": ("cpu", "cpu.cfs_quota_us"),
    "period": ("cpu", "cpu.cfs_period_us"),
    "burst": ("cpu", "cpu.cfs_burst_us"),
    "idle": ("cpu", "cpu.idle"),
    "rt_runtime": ("cpu", "cpu.rt_runtime_us"),
    "rt_period": ("cpu", "cpu.rt_period_us"),
    "cpus": ("cpuset", "cpuset.cpus"),
    "mems": ("cpuset", "cpuset.mems"),
    "pids": ("pids", "pids.max"),
}


@pytest.fixture
def box(runtime: Runtime, bundle: Bundle) -> Container:
    """A running container with a few limits."""
    bundle.resources.update(
        {
            "memory": {"limit": 64 * MIB, "reservation": 32 * MIB, "swap": 80 * MIB},
            "cpu": {"shares": 200, "quota": 50000, "period": 100000, "cpus": "0", "mems": "0"},
            "pids": {"limit": 40},
        }
    )
    bundle.sleep()
    return runtime.started(bundle)


@pytest.fixture
def plain(runtime: Runtime, bundle: Bundle) -> Container:
    """A running container without limits."""
    bundle.sleep()
    return runtime.started(bundle)


def value(container: Container, name: str) -> str:
    """What the kernel has for the container."""
    controller, file = FILES[name]
    return cgroup.read(cgroup.of_process(container.pid)[controller], file)


def values(container: Container) -> dict[str, str]:
    """All of them that there are."""
    folders = cgroup.of_process(container.pid)
    return {name: value(container, name) for name, (controller, file) in FILES.items()
            if os.path.exists(os.path.join(folders.get(controller, "/none"), file))}  # fmt: skip


def update(container: Container, *options: str, **how: Any) -> None:
    """``update``, which has to work and say nothing."""
    result = container.runtime.run("update", *options, container.id, **how)
    assert (result.code, result.out, result.err) == (0, "", ""), result


def changed(container: Container, *options: str, **how: Any) -> dict[str, str]:
    """What differs in the kernel after an update."""
    before = values(container)
    update(container, *options, **how)
    return {name: now for name, now in values(container).items() if now != before[name]}


def from_stdin(resources: dict[str, Any]) -> dict[str, str]:
    """The argument for ``changed`` that hands over ``resources``."""
    return {"stdin": json.dumps(resources)}


def test_flags(runtime: Runtime) -> None:
    """LNX-UPD-01: the flags of update (runc 1.1.5 has neither --cpu-burst nor --cpu-idle)."""
    words = runtime.run("update", "--help").ok().out.replace(",", " ").split()
    assert set(FLAGS) - (NEWER if "runc" in runtime.binary else set()) <= set(words)


OPTIONS = [
    (["--memory", str(50 * MIB)], {"limit": str(50 * MIB)}),
    (["--memory-reservation", "10M"], {"soft": str(10 * MIB)}),
    (["--memory-swap", "90m"], {"swap": str(90 * MIB)}),
    (["--cpu-share", "400"], {"shares": "400"}),
    (["--cpu-quota", "20000"], {"quota": "20000"}),
    (["--cpu-period", "60000"], {"period": "60000"}),
    (["--cpu-period", "200000", "--cpu-quota", "30000"], {"period": "200000", "quota": "30000"}),
    (["--cpuset-cpus", "0-1"], {"cpus": "0-1"}),
    (["--pids-limit", "10"], {"pids": "10"}),
]


@pytest.mark.parametrize(("options", "expected"), OPTIONS)
def test_only_what_is_named_changes(box: Container, options: list[str], expected: dict[str, str]) -> None:
    """LNX-UPD-01, LNX-UPD-04: each option changes its value, those not named stay."""
    assert changed(box, *options) == expected


@pytest.mark.parametrize("flag", ["-r", "--resources"])
def test_resources_from_standard_input(box: Container, flag: str) -> None:
    """LNX-UPD-02: ``-r -`` reads the content of linux.resources from standard input."""
    given = from_stdin({"memory": {"limit": 48 * MIB}, "cpu": {"shares": 100}, "pids": {"limit": 33}})
    assert changed(box, flag, "-", **given) == {"limit": str(48 * MIB), "shares": "100", "pids": "33"}


def test_resources_from_a_file(box: Container) -> None:
    """LNX-UPD-02: ``-r FILE`` reads a file, relative to the caller's folder; other value flags are then ignored."""
    with open(os.path.join(box.runtime.folder, "limits"), "w", encoding="utf-8") as file:
        json.dump({"pids": {"limit": 31}}, file)
    assert changed(box, "-r", "limits", "--pids-limit", "77", "--cpu-share", "900") == {"pids": "31"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"memory": {"limit": "much"}}', '{"pids": 3}'])
def test_bad_resources(box: Container, text: str) -> None:
    """LNX-UPD-02: what is no such object is refused, and nothing changes."""
    before = values(box)
    box.runtime.refuses("", "update", "-r", "-", box.id, stdin=text)
    assert values(box) == before


def test_a_missing_resources_file(box: Container) -> None:
    """LNX-UPD-02: so is a file that is not there."""
    box.runtime.refuses("no such file or directory", "update", "-r", "/no/such/file", box.id)


@pytest.mark.parametrize("flag", ["--kernel-memory", "--kernel-memory-tcp"])
def test_kernel_memory(box: Container, flag: str) -> None:
    """LNX-UPD-03: ``--kernel-memory`` and ``--kernel-memory-tcp`` are accepted with a warning and no effect."""
    before = values(box)
    box.runtime.run("update", flag, "50M", box.id).ok()
    assert values(box) == before
    assert [record["level"] for record in box.runtime.log_records()] == ["warning"]


@pytest.mark.parametrize(
    ("size", "bytes_"),
    [("41943040", 40 * MIB), ("40960k", 40 * MIB), ("40960K", 40 * MIB), ("40m", 40 * MIB), ("40MB", 40 * MIB),
     ("0.03125g", 32 * MIB)],
)  # fmt: skip
def test_sizes(box: Container, size: str, bytes_: int) -> None:
    """LNX-UPD-04: sizes take bytes or a suffix, with base 1024."""
    assert changed(box, "--memory", size) == {"limit": str(bytes_)}


@pytest.mark.parametrize(
    ("flag", "name"),
    [("--memory", "memory"), ("--memory-swap", "memory-swap"), ("--memory-reservation", "memory-reservation")],
)
def test_sizes_that_are_none(box: Container, flag: str, name: str) -> None:
    """LNX-UPD-04: garbage is refused."""
    before = values(box)
    box.runtime.refuses(f"invalid value for {name}: invalid size: 'abc'", "update", flag, "abc", box.id)
    assert values(box) == before


def test_a_stopped_container(box: Container) -> None:
    """LNX-UPD-04: a stopped container is not updated."""
    box.end()
    box.runtime.refuses("container not running", "update", "--pids-limit", "5", box.id)


def test_a_created_container(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UPD-04: a created one is."""
    container = runtime.create(bundle)
    assert changed(container, "--pids-limit", "5") == {"pids": "5"}


def test_a_paused_container(box: Container) -> None:
    """LNX-UPD-05: an update of a paused container leaves it paused."""
    box.runtime.run("pause", box.id).ok()
    given = from_stdin({"pids": {"limit": 22}, "devices": [{"allow": True, "type": "c", "major": 5, "minor": 1}]})
    assert changed(box, "-r", "-", **given) == {"pids": "22"}
    assert box.status() == "paused"


def test_quota_and_period_alone(plain: Container) -> None:
    """LNX-UPD-06: of quota and period the one not given keeps its old value."""
    assert (value(plain, "quota"), value(plain, "period")) == ("-1", "100000")
    assert changed(plain, "--cpu-quota", "5000") == {"quota": "5000"}
    assert changed(plain, "--cpu-period", "50000") == {"period": "50000"}
    assert changed(plain, "--cpu-quota", "-1") == {"quota": "-1"}
    assert changed(plain, "--cpu-quota", "6000") == {"quota": "6000"}
    assert value(plain, "period") == "50000"


def test_a_period_of_a_container_without_quota(plain: Container) -> None:
    """LNX-UPD-06: a period alone leaves the quota unlimited."""
    assert changed(plain, "--cpu-period", "30000") == {"period": "30000"}


@pytest.fixture
def half(runtime: Runtime, bundle: Bundle) -> Iterator[Container]:
    """A running container below a cgroup that is limited to half a CPU."""
    parent = f"/{runtime.token}-parent"
    folder = cgroup.make("cpu", parent)
    cgroup.write(folder, "cpu.cfs_period_us", "10000")
    cgroup.write(folder, "cpu.cfs_quota_us", "5000")
    bundle.linux["cgroupsPath"] = f"{parent}/{runtime.new_id()}"
    bundle.resources["cpu"] = {"period": 10000, "quota": 3000}
    bundle.sleep()
    container = runtime.started(bundle)
    yield container
    container.delete("--force")
    for mount in set(cgroup.hierarchies().values()):
        cgroup.remove(mount + parent)


@pytest.mark.parametrize(
    ("quota", "period"),
    [("30000", "100000"), ("3000", "6000"), ("1000", "1000000"), ("5000", "10000")],
)
def test_quota_below_a_limited_parent(half: Container, quota: str, period: str) -> None:
    """LNX-UPD-07: quota and period are written in an order that never breaks the parent's ratio."""
    update(half, "--cpu-quota", quota, "--cpu-period", period)
    assert (value(half, "quota"), value(half, "period")) == (quota, period)
    update(half, "--cpu-quota", "3000", "--cpu-period", "10000")
    assert (value(half, "quota"), value(half, "period")) == ("3000", "10000")


@unlike_runc("leaves the new period behind", always=False)
def test_quota_above_a_limited_parent(half: Container) -> None:
    """LNX-UPD-07, LNX-UPD-18: more than the parent has is refused, and the old values are there again."""
    before = values(half)
    half.runtime.refuses("", "update", "--cpu-quota", "90000", "--cpu-period", "100000", half.id)
    assert values(half) == before


def test_memory_and_swap(box: Container) -> None:
    """LNX-UPD-08: v1 takes ``--memory-swap`` as memory and swap together; -1 lifts it."""
    assert changed(box, "--memory-swap", "96M") == {"swap": str(96 * MIB)}
    assert changed(box, "--memory-swap", "-1") == {"swap": str(NO_LIMIT)}


def test_memory_without_limit(box: Container) -> None:
    """LNX-UPD-08: ``--memory -1`` alone also lifts the swap limit."""
    assert changed(box, "--memory", "-1") == {"limit": str(NO_LIMIT), "swap": str(NO_LIMIT)}


def test_the_order_of_memory_and_swap(box: Container) -> None:
    """LNX-UPD-09: raising memory above the old memory+swap and lowering both work in one call."""
    assert changed(box, "--memory", "100M", "--memory-swap", "120M") == {
        "limit": str(100 * MIB),
        "swap": str(120 * MIB),
    }
    assert changed(box, "--memory", "30M", "--memory-swap", "40M") == {"limit": str(30 * MIB), "swap": str(40 * MIB)}


def test_more_memory_than_memory_and_swap(box: Container) -> None:
    """LNX-UPD-09, LNX-UPD-18: memory above memory+swap is the kernel's to refuse; the old values stay."""
    before = values(box)
    assert box.runtime.run("update", "--memory", "200M", box.id).code == 1
    assert values(box) == before


@pytest.mark.parametrize(
    ("given", "shown"), [("-1", "max"), pytest.param("0", "1", marks=unlike_runc("takes 0 as not given")), ("9", "9")]
)
def test_the_limit_of_processes(box: Container, given: str, shown: str) -> None:
    """LNX-UPD-10: ``--pids-limit -1`` is no limit, 0 becomes 1."""
    assert changed(box, "--pids-limit", given) == {"pids": shown}


@unlike_runc("has no --cpu-idle")
def test_idle(box: Container) -> None:
    """LNX-UPD-11: ``--cpu-idle`` takes 0 and 1 and is left alone by other updates."""
    assert changed(box, "--cpu-idle", "1")["idle"] == "1"
    update(box, "--pids-limit", "12")
    assert value(box, "idle") == "1"
    for bad in ("2", "-1", "x"):
        assert box.runtime.run("update", "--cpu-idle", bad, box.id).code == 1
        assert value(box, "idle") == "1"
    assert changed(box, "--cpu-idle", "0")["idle"] == "0"


@unlike_runc("has no --cpu-burst")
def test_burst(box: Container) -> None:
    """LNX-UPD-12: ``--cpu-burst`` sets the burst, which an update of something else keeps."""
    assert changed(box, "--cpu-burst", "20000") == {"burst": "20000"}
    update(box, "--cpu-quota", "40000")
    assert value(box, "burst") == "20000"
    assert changed(box, "--cpu-burst", "0") == {"burst": "0"}


def root_device() -> tuple[int, int] | None:
    """(major, minor) of a whole disk."""
    for name in sorted(os.listdir("/sys/block")) if os.path.isdir("/sys/block") else []:
        major, minor = read_text(f"/sys/block/{name}/dev").strip().split(":")
        return int(major), int(minor)
    return None


@unlike_runc("keeps the old rate of an entry that was there twice")
@pytest.mark.skipif(root_device() is None, reason="needs a block device")
def test_limits_of_a_device(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UPD-14: per-device arrays replace or add entries by major:minor, also of ones that were there twice."""
    device = root_device()
    assert device
    entry = {"major": device[0], "minor": device[1]}
    bundle.resources["blockIO"] = {
        "throttleReadBpsDevice": [{**entry, "rate": 1000000}, {**entry, "rate": 2000000}],
        "throttleWriteIOPSDevice": [{**entry, "rate": 300}],
    }
    bundle.sleep()
    container = runtime.started(bundle)
    folder = cgroup.of_process(container.pid)["blkio"]
    name = f"{device[0]}:{device[1]}"
    assert cgroup.read(folder, "blkio.throttle.read_bps_device") == f"{name} 2000000"
    update(container, "-r", "-", **from_stdin({"blockIO": {"throttleReadBpsDevice": [{**entry, "rate": 3000000}]}}))
    assert cgroup.read(folder, "blkio.throttle.read_bps_device") == f"{name} 3000000"
    assert cgroup.read(folder, "blkio.throttle.write_iops_device") == f"{name} 300"
    update(container, "-r", "-", **from_stdin({"blockIO": {"throttleWriteBpsDevice": [{**entry, "rate": 4000}]}}))
    assert cgroup.read(folder, "blkio.throttle.write_bps_device") == f"{name} 4000"


def test_access_to_devices_is_never_interrupted(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UPD-15: while limits are updated a program keeps its devices."""
    bundle.sh("while echo x > /dev/null; do n=$((n+1)); done; echo lost; exit 9")
    container = runtime.started(bundle)
    devices = cgroup.of_process(container.pid)["devices"]
    before = cgroup.read(devices, "devices.list")
    for number in range(10):
        update(container, "--pids-limit", str(50 + number))
    assert cgroup.read(devices, "devices.list") == before
    assert container.status() == "running"
    assert container.output() == ""


@pytest.mark.parametrize("flag", ["--l3-cache-schema", "--mem-bw-schema"])
def test_resctrl_without_intel_rdt(plain: Container, flag: str) -> None:
    """LNX-UPD-17: cache and bandwidth schemas without intelRdt in the config are refused."""
    plain.runtime.refuses("", "update", flag, "L3:0=f", plain.id)


def test_updates_are_stored(box: Container) -> None:
    """LNX-UPD-18: later updates start from the values of earlier ones."""
    update(box, "--memory", "50M", "--cpu-quota", "20000")
    update(box, "--cpu-period", "50000")
    assert (value(box, "quota"), value(box, "limit")) == ("20000", str(50 * MIB))
    update(box, "--memory-swap", "60M")
    assert value(box, "limit") == str(50 * MIB)


def test_a_failed_update_changes_nothing(box: Container) -> None:
    """LNX-UPD-18: when one value is refused the others are as before."""
    before = values(box)
    box.runtime.refuses("", "update", "--pids-limit", "11", "--cpu-share", "300", "--cpuset-cpus", "4000", box.id)
    assert values(box) == before


def test_a_failed_update_is_not_stored(box: Container) -> None:
    """LNX-UPD-18: nor does a later update bring it back."""
    box.runtime.refuses("", "update", "--pids-limit", "11", "--cpuset-cpus", "4000", box.id)
    assert changed(box, "--cpu-share", "300") == {"shares": "300"}


def realtime() -> bool:
    """Whether real-time groups can be given time here."""
    folder = cgroup.hierarchies().get("cpu", "")
    return os.path.exists(os.path.join(folder, "cpu.rt_runtime_us")) and cgroup.read(folder, "cpu.rt_runtime_us") != "0"


@unlike_runc("writes the period first when both shrink")
@pytest.mark.skipif(cgroup.is_v2() or not realtime(), reason="needs RT group scheduling")
def test_real_time(plain: Container) -> None:
    """LNX-UPD-19: real-time period and runtime, each alone or together, growing and shrinking."""
    update(plain, "--cpu-rt-period", "900000", "--cpu-rt-runtime", "60000")
    assert (value(plain, "rt_period"), value(plain, "rt_runtime")) == ("900000", "60000")
    update(plain, "--cpu-rt-runtime", "50000")
    update(plain, "--cpu-rt-period", "400000")
    assert (value(plain, "rt_period"), value(plain, "rt_runtime")) == ("400000", "50000")
    update(plain, "--cpu-rt-period", "40000", "--cpu-rt-runtime", "3000")
    assert (value(plain, "rt_period"), value(plain, "rt_runtime")) == ("40000", "3000")
