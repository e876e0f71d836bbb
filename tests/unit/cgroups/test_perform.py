"""Limits are written as the kernel wants them, and refusals are told in words engines know."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.cgroups import perform as module
from ringfence.cgroups.perform import perform
from ringfence.cgroups.steps import (
    CheckMemoryUsage,
    LimitDevicesV1,
    WriteCgroupFile,
    WriteCpuShares,
    WriteFirstPresent,
    WriteTogether,
)
from ringfence.errors import RingfenceError
from tests.unit.cgroups.hosts import fake

POINTER = "/linux/resources/pids/limit"


class Kernel:
    """Files that only take values which fit the others; ``refuses`` says which do not."""

    def __init__(self, **values: int):
        self.values = values

    def write(self, path: str, value: str) -> None:
        wished = {**self.values, path: int(value)}
        if self.refuses(wished):
            raise OSError(errno.EINVAL, "Invalid argument")
        self.values = wished

    def refuses(self, values: dict[str, int]) -> bool:
        return values["limit"] > values["memsw"]


class BandwidthKernel(Kernel):
    """A cpu cgroup below a parent that is limited to half a CPU."""

    def refuses(self, values: dict[str, int]) -> bool:
        return not 1000 <= values["period"] <= 1000000 or values["quota"] / values["period"] > 0.5


memory_pairs = st.tuples(st.integers(1, 50), st.integers(0, 50)).map(lambda pair: (pair[0], sum(pair)))


@given(memory_pairs, memory_pairs)
def test_memory_and_swap_come_from_any_values_to_any_others(old: tuple[int, int], new: tuple[int, int]) -> None:
    """LNX-CG1-02, LNX-UPD-09."""
    kernel = Kernel(limit=old[0], memsw=old[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "write", kernel.write)
        perform(WriteTogether("", (("limit", str(new[0])), ("memsw", str(new[1]))), ""))
    assert kernel.values == {"limit": new[0], "memsw": new[1]}


bandwidths = st.integers(1000, 1000000).flatmap(lambda period: st.tuples(st.integers(1, period // 2), st.just(period)))


@given(bandwidths, bandwidths)
def test_quota_and_period_never_break_the_parents_ratio(old: tuple[int, int], new: tuple[int, int]) -> None:
    """LNX-UPD-07."""
    kernel = BandwidthKernel(quota=old[0], period=old[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "write", kernel.write)
        perform(WriteTogether("", (("period", str(new[1])), ("quota", str(new[0]))), ""))
    assert kernel.values == {"quota": new[0], "period": new[1]}


def test_values_that_fit_in_no_order_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """LNX-UPD-07."""
    monkeypatch.setattr(module, "write", BandwidthKernel(quota=1000, period=10000).write)
    with pytest.raises(RingfenceError, match="invalid argument") as caught:
        perform(WriteTogether("/linux/resources/cpu/quota", (("period", "10000"), ("quota", "6000")), ""))
    assert (caught.value.field, caught.value.errno) == ("/linux/resources/cpu/quota", errno.EINVAL)


def test_a_value_is_written_as_it_is(tmp_path: Path) -> None:
    path = fake(tmp_path, pids__max="") / "pids.max"
    perform(WriteCgroupFile(POINTER, str(path), "17", "tasks to 17"))
    assert path.read_text() == "17"


def test_a_limit_in_a_cgroup_that_was_not_made_names_its_controller(tmp_path: Path) -> None:
    """LNX-CG-06, LNX-RLESS-05."""
    with pytest.raises(RingfenceError) as caught:
        perform(WriteCgroupFile(POINTER, str(tmp_path / "none" / "pids.max"), "1", ""))
    assert str(caught.value) == "cannot set pids limit: container could not join or create cgroup"
    assert "rootless needs no limits + no cgrouppath when no permission is granted for cgroups" in caught.value.hint
    assert caught.value.field == POINTER


def test_a_limit_of_a_controller_that_is_not_switched_on_names_it(tmp_path: Path) -> None:
    """LNX-CG-06, LNX-CG2-10."""
    fake(tmp_path, cgroup__controllers="cpu memory\n")
    with pytest.raises(RingfenceError, match="cannot set pids limit: container could not join or create cgroup"):
        perform(WriteCgroupFile(POINTER, str(tmp_path / "pids.max"), "1", ""))


@pytest.mark.parametrize("files", [{}, {"cgroup__controllers": "cpu memory\n"}])
def test_a_file_this_kernel_lacks_is_not_told_as_a_missing_program(tmp_path: Path, files: dict[str, str]) -> None:
    """Engines take the kernel's words for ENOENT as status 127."""
    fake(tmp_path, **files)
    with pytest.raises(RingfenceError) as caught:
        perform(WriteCgroupFile("", str(tmp_path / "memory.what"), "1", ""))
    assert str(caught.value) == "cannot set memory limit: this kernel has no memory.what"


def test_an_optional_file_may_be_missing(tmp_path: Path) -> None:
    perform(WriteCgroupFile("", str(tmp_path / "hugetlb.2MB.rsvd.max"), "1", "", optional=True))
    swap = str(tmp_path / "memory.memsw.limit_in_bytes")
    limit = fake(tmp_path, memory__limit_in_bytes="") / "memory.limit_in_bytes"
    perform(WriteTogether("", ((str(limit), "-1"), (swap, "-1")), "", optional=(swap,)))
    assert limit.read_text() == "-1"
    assert not Path(swap).exists()


def test_a_missing_file_that_is_not_optional_is_an_error(tmp_path: Path) -> None:
    fake(tmp_path)
    with pytest.raises(RingfenceError, match=r"no memory\.memsw\.limit_in_bytes"):
        perform(WriteTogether("", ((str(tmp_path / "memory.memsw.limit_in_bytes"), "5"),), ""))


@pytest.mark.parametrize("present", ["blkio.weight", "blkio.bfq.weight"])
def test_the_weight_goes_to_the_file_there_is(tmp_path: Path, present: str) -> None:
    """LNX-CG1-07."""
    fake(tmp_path, **{present.replace(".", "__"): ""})
    choices = ((f"{tmp_path}/blkio.weight", "300"), (f"{tmp_path}/blkio.bfq.weight", "300"))
    perform(WriteFirstPresent("", choices, ""))
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {present: "300"}


def test_a_weight_without_any_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RingfenceError, match="cannot set io limit"):
        perform(WriteFirstPresent("/linux/resources/blockIO/weight", ((f"{tmp_path}/io.weight", "1"),), ""))


@pytest.mark.parametrize(
    ("asked", "kept", "message"),
    [(1, 2, "the minimum allowed cpu-shares is 2"), (300000, 262144, "the maximum allowed cpu-shares is 262144")],
)
def test_clamped_shares_are_an_error(monkeypatch: pytest.MonkeyPatch, asked: int, kept: int, message: str) -> None:
    """LNX-CG1-03."""
    monkeypatch.setattr(module, "write", lambda path, value: None)
    monkeypatch.setattr(module, "read", lambda path: f"{kept}\n")
    with pytest.raises(RingfenceError) as caught:
        perform(WriteCpuShares("/linux/resources/cpu/shares", "cpu.shares", asked))
    assert str(caught.value) == message


def test_shares_that_are_kept_are_fine(tmp_path: Path) -> None:
    path = fake(tmp_path, cpu__shares="") / "cpu.shares"
    perform(WriteCpuShares("", str(path), 512))
    assert path.read_text() == "512"


@pytest.mark.parametrize(
    ("limit", "swap", "message"),
    [
        (999, 0, "rejecting memory limit 999 < usage 1000"),
        (1000, 1499, r"rejecting memory\+swap limit 1499 < usage 1500"),
    ],
)
def test_limits_below_the_usage_are_rejected(tmp_path: Path, limit: int, swap: int, message: str) -> None:
    """LNX-UPD-16."""
    fake(tmp_path, memory__current="1000\n", memory__swap__current="500\n")
    with pytest.raises(RingfenceError, match=message):
        perform(CheckMemoryUsage("", str(tmp_path), limit, swap))


@pytest.mark.parametrize(("limit", "swap"), [(1000, 1500), (0, 0), (-1, -1), (1000, 0)])
def test_limits_above_the_usage_or_none_are_not_rejected(tmp_path: Path, limit: int, swap: int) -> None:
    """LNX-UPD-16."""
    fake(tmp_path, memory__current="1000\n", memory__swap__current="500\n")
    perform(CheckMemoryUsage("", str(tmp_path), limit, swap))


def test_memory_that_cannot_be_reclaimed_is_told_with_the_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tmp_path, memory__usage_in_bytes="500\n", memory__max_usage_in_bytes="900\n")

    def busy(path: str, value: str) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(module, "write", busy)
    with pytest.raises(
        RingfenceError, match=r"unable to set memory limit to 100 \(current usage: 500, peak usage: 900\)"
    ):
        perform(WriteTogether("", ((f"{tmp_path}/memory.limit_in_bytes", "100"),), ""))


def test_a_refused_value_is_told_with_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, value: str) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(module, "write", refuse)
    with pytest.raises(RingfenceError) as caught:
        perform(WriteCgroupFile(POINTER, "/cg/pids.max", "x", ""))
    assert str(caught.value) == 'cannot set pids limit: failed to write "x": write /cg/pids.max: invalid argument'


def test_device_lines_are_written_one_by_one(tmp_path: Path) -> None:
    """LNX-DEVC-08: on a plain file the lines of one descriptor follow each other."""
    fake(tmp_path, devices__list="a *:* rwm\n", devices__allow="", devices__deny="")
    perform(LimitDevicesV1("", str(tmp_path), allow_all=False, rules=("c 1:3 rwm", "c 1:5 r")))
    assert (tmp_path / "devices.deny").read_text() == "a"
    assert (tmp_path / "devices.allow").read_text() == "c 1:3 rwmc 1:5 r"


def test_devices_without_their_cgroup_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(RingfenceError, match="cannot set devices limit: container could not join or create cgroup"):
        perform(LimitDevicesV1("", str(tmp_path / "none"), allow_all=False, rules=()))
