"""update on cgroup v2: the files of the container's one cgroup. tests/conformance/test_update.py is for v1."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import Bundle, Container, Runtime, cgroup
from tests.support.process import read_text

MIB = 1 << 20
FILES = (
    "memory.max", "memory.low", "memory.swap.max", "cpu.weight", "cpu.max", "cpu.max.burst", "cpu.idle",
    "cpuset.cpus", "cpuset.mems", "pids.max",
)  # fmt: skip


@pytest.fixture
def box(runtime: Runtime, bundle: Bundle) -> Container:
    """A running container with a few limits."""
    bundle.resources.update(
        {
            "memory": {"limit": 64 * MIB, "reservation": 32 * MIB, "swap": 80 * MIB},
            "cpu": {"shares": 1024, "quota": 50000, "period": 100000, "cpus": "0", "mems": "0"},
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


def folder_of(container: Container) -> str:
    """Its cgroup."""
    return cgroup.of_process(container.pid)[""]


def values(container: Container) -> dict[str, str]:
    """What the kernel has for the container."""
    return {name: cgroup.read(folder_of(container), name) for name in FILES}


def changed(container: Container, *options: str, **how: Any) -> dict[str, str]:
    """What differs in the kernel after an update, which has to work and say nothing."""
    before = values(container)
    result = container.runtime.run("update", *options, container.id, **how)
    assert (result.code, result.out, result.err) == (0, "", ""), result
    return {name: now for name, now in values(container).items() if now != before[name]}


OPTIONS = [
    (["--memory", str(50 * MIB)], {"memory.max": str(50 * MIB)}),
    (["--memory-reservation", "10M"], {"memory.low": str(10 * MIB)}),
    (["--cpu-share", "2"], {"cpu.weight": "1"}),
    (["--cpu-quota", "20000"], {"cpu.max": "20000 100000"}),
    (["--cpu-period", "60000"], {"cpu.max": "50000 60000"}),
    (["--cpu-period", "200000", "--cpu-quota", "30000"], {"cpu.max": "30000 200000"}),
    (["--cpuset-cpus", "0-1"], {"cpuset.cpus": "0-1"}),
    (["--pids-limit", "10"], {"pids.max": "10"}),
]


@pytest.mark.parametrize(("options", "expected"), OPTIONS)
def test_only_what_is_named_changes(box: Container, options: list[str], expected: dict[str, str]) -> None:
    """LNX-UPD-01, LNX-UPD-04: each option changes its value, those not named stay."""
    found = changed(box, *options)
    found.pop("memory.swap.max", None)  # follows memory and the stored memory+swap (LNX-UPD-08)
    assert found == expected


def test_resources_from_standard_input(box: Container) -> None:
    """LNX-UPD-02: ``-r -`` reads the content of linux.resources; other value flags are then ignored."""
    given = {"cpu": {"shares": 2}, "pids": {"limit": 33}}
    found = changed(box, "-r", "-", "--pids-limit", "77", "--cpu-quota", "7000", stdin=json.dumps(given))
    assert found == {"cpu.weight": "1", "pids.max": "33"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"memory": {"limit": "much"}}', '{"pids": 3}'])
def test_bad_resources(box: Container, text: str) -> None:
    """LNX-UPD-02: what is no such object is refused, and nothing changes."""
    before = values(box)
    box.runtime.refuses("", "update", "-r", "-", box.id, stdin=text)
    assert values(box) == before


@pytest.mark.parametrize("flag", ["--kernel-memory", "--kernel-memory-tcp"])
def test_kernel_memory(box: Container, flag: str) -> None:
    """LNX-UPD-03: accepted with a warning and no effect."""
    before = values(box)
    box.runtime.run("update", flag, "50M", box.id).ok()
    assert values(box) == before
    assert [record["level"] for record in box.runtime.log_records()] == ["warning"]


def test_a_paused_container(box: Container) -> None:
    """LNX-UPD-05: an update of a paused container leaves it paused."""
    box.runtime.run("pause", box.id).ok()
    assert changed(box, "--pids-limit", "22") == {"pids.max": "22"}
    assert box.status() == "paused"
    assert cgroup.read(folder_of(box), "cgroup.freeze") == "1"


def test_quota_and_period_alone(plain: Container) -> None:
    """LNX-UPD-06: of quota and period the one not given keeps its old value; without either they are max 100000."""
    assert values(plain)["cpu.max"] == "max 100000"
    assert changed(plain, "--cpu-quota", "5000") == {"cpu.max": "5000 100000"}
    assert changed(plain, "--cpu-period", "50000") == {"cpu.max": "5000 50000"}
    assert changed(plain, "--cpu-quota", "-1") == {"cpu.max": "max 50000"}
    assert changed(plain, "--cpu-quota", "6000") == {"cpu.max": "6000 50000"}


def test_a_period_of_a_container_without_quota(plain: Container) -> None:
    """LNX-UPD-06: a period alone leaves the quota unlimited."""
    assert changed(plain, "--cpu-period", "30000") == {"cpu.max": "max 30000"}


@pytest.mark.parametrize(("given", "shown"), [("-1", "max"), ("0", "1"), ("9", "9")])
def test_the_limit_of_processes(box: Container, given: str, shown: str) -> None:
    """LNX-UPD-10: ``--pids-limit -1`` is no limit, 0 becomes 1."""
    assert changed(box, "--pids-limit", given) == {"pids.max": shown}


def test_idle(box: Container) -> None:
    """LNX-UPD-11: ``--cpu-idle`` takes 0 and 1 and is left alone by other updates."""
    assert changed(box, "--cpu-idle", "1")["cpu.idle"] == "1"
    assert changed(box, "--pids-limit", "12") == {"pids.max": "12"}
    for bad in ("2", "-1", "x"):
        assert box.runtime.run("update", "--cpu-idle", bad, box.id).code == 1
        assert values(box)["cpu.idle"] == "1"
    assert changed(box, "--cpu-idle", "0")["cpu.idle"] == "0"


def test_burst(box: Container) -> None:
    """LNX-UPD-12: ``--cpu-burst`` sets the burst, which an update of something else keeps."""
    assert changed(box, "--cpu-burst", "20000") == {"cpu.max.burst": "20000"}
    assert changed(box, "--cpu-quota", "40000") == {"cpu.max": "40000 100000"}
    assert changed(box, "--cpu-burst", "0") == {"cpu.max.burst": "0"}


def test_limits_of_a_device(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UPD-14: per-device arrays replace or add entries by major:minor, also of ones that were there twice."""
    number = read_text("/sys/block/nvme0n1/dev").strip()
    entry = dict(zip(("major", "minor"), map(int, number.split(":")), strict=True))
    bundle.resources["blockIO"] = {
        "throttleReadBpsDevice": [{**entry, "rate": 1000000}, {**entry, "rate": 2000000}],
        "throttleWriteIOPSDevice": [{**entry, "rate": 300}],
    }
    bundle.sleep()
    container = runtime.started(bundle)

    def limits() -> str:
        return cgroup.read(folder_of(container), "io.max")

    assert limits() == f"{number} rbps=2000000 wbps=max riops=max wiops=300"
    given: dict[str, Any] = {"blockIO": {"throttleReadBpsDevice": [{**entry, "rate": 3000000}]}}
    changed(container, "-r", "-", stdin=json.dumps(given))
    assert limits() == f"{number} rbps=3000000 wbps=max riops=max wiops=300"
    given = {"blockIO": {"throttleWriteBpsDevice": [{**entry, "rate": 4000}]}}
    changed(container, "-r", "-", stdin=json.dumps(given))
    assert limits() == f"{number} rbps=3000000 wbps=4000 riops=max wiops=300"


def test_access_to_devices_is_never_interrupted(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UPD-15: while limits are updated a program keeps its devices."""
    bundle.sh("while echo x > /dev/null; do n=$((n+1)); done; echo lost; exit 9")
    container = runtime.started(bundle)
    for number in range(5):
        assert changed(container, "--pids-limit", str(50 + number)) == {"pids.max": str(50 + number)}
    assert container.status() == "running"
    assert container.output() == ""


def test_updates_are_stored(box: Container) -> None:
    """LNX-UPD-18: later updates start from the values of earlier ones."""
    changed(box, "--memory", "50M", "--cpu-quota", "20000")
    assert changed(box, "--cpu-period", "50000") == {"cpu.max": "20000 50000"}
    assert values(box)["memory.max"] == str(50 * MIB)


def test_a_failed_update_changes_nothing(box: Container) -> None:
    """LNX-UPD-18: when one value is refused the others are as before, and a later update does not bring them back."""
    before = values(box)
    box.runtime.refuses("", "update", "--pids-limit", "11", "--cpu-share", "300", "--cpuset-cpus", "4000", box.id)
    assert values(box) == before
    assert changed(box, "--cpu-share", "2") == {"cpu.weight": "1"}


@pytest.fixture
def used_cgroup(runtime: Runtime, bundle: Bundle) -> Iterator[str]:
    """A cgroup that the bundle's cgroupsPath names; removed at the end."""
    path = f"/{runtime.token}-used"
    bundle.linux["cgroupsPath"] = path
    folder = cgroup.make("", path)
    yield folder
    cgroup.write(folder, "cgroup.freeze", "0")
    cgroup.remove(folder)


@pytest.mark.parametrize("verb", ["create", "run"])
def test_a_frozen_cgroup(runtime: Runtime, bundle: Bundle, used_cgroup: str, verb: str) -> None:
    """LNX-LIFE-25: a frozen cgroup is refused and left alone."""
    cgroup.write(used_cgroup, "cgroup.freeze", "1")
    runtime.refuses_bundle("container's cgroup unexpectedly frozen", bundle, verb=verb)
    assert cgroup.read(used_cgroup, "cgroup.freeze") == "1"
    assert os.path.isdir(used_cgroup)
