"""New limits over old ones, and their form on disk."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ringfence.container.resources import merged, to_json, with_lifted_swap
from ringfence.jsontext import dumps
from ringfence.spec.load import load_resources
from ringfence.spec.types import (
    BlockIOResources,
    CPUResources,
    DeviceRule,
    HugepageLimit,
    InterfacePriority,
    MemoryResources,
    NetworkResources,
    PidsResources,
    RdmaLimit,
    Resources,
    ThrottleDevice,
    WeightDevice,
)

FULL = Resources(
    devices=(DeviceRule(False, access="rwm"), DeviceRule(True, "c", 10, None, "rw")),
    memory=MemoryResources(limit=100, swap=200, swappiness=0, disable_oom_killer=True, check_before_update=False),
    cpu=CPUResources(shares=5, quota=-1, period=1000, burst=0, cpus="0-3", idle=0),
    pids=PidsResources(limit=0),
    block_io=BlockIOResources(
        weight=10,
        weight_device=(WeightDevice(8, 0, 5, 6),),
        throttle_read_bps_device=(ThrottleDevice(8, 0, 1),),
        throttle_write_iops_device=(ThrottleDevice(8, 16, 2**64 - 1),),
    ),
    hugepage_limits=(HugepageLimit("2MB", 0),),
    network=NetworkResources(class_id=7, priorities=(InterfacePriority("lo", 0),)),
    rdma={"mlx4_0": RdmaLimit(1, None)},
    unified={"memory.high": "1\n2"},
)


def test_the_stored_form_is_read_back() -> None:
    """LNX-UPD-18."""
    assert load_resources(dumps(to_json(FULL))) == FULL


def test_nothing_named_changes_nothing() -> None:
    """LNX-UPD-04."""
    named_nothing = Resources(memory=MemoryResources(), cpu=CPUResources(), pids=PidsResources())
    assert merged(FULL, Resources()) == FULL
    assert merged(FULL, named_nothing) == FULL
    assert merged(Resources(), FULL) == Resources(**{**dict(FULL.items()), "devices": None})


@given(st.sampled_from(("limit", "swap", "reservation")), st.sampled_from((0, None)))
def test_zero_bytes_are_no_limit_to_store(name: str, value: int | None) -> None:
    """LNX-CG1-01."""
    named: dict[str, Any] = {name: value}
    assert merged(FULL, Resources(memory=MemoryResources(**named))).memory == FULL.memory


def test_zero_is_a_value_where_the_kernel_has_it() -> None:
    """LNX-UPD-10, LNX-UPD-11, LNX-UPD-12."""
    old = Resources(
        cpu=CPUResources(idle=1, burst=5, quota=7), pids=PidsResources(3), memory=MemoryResources(swappiness=60)
    )
    new = Resources(
        cpu=CPUResources(idle=0, burst=0, quota=0), pids=PidsResources(0), memory=MemoryResources(swappiness=0)
    )
    result = merged(old, new)
    assert result.cpu == CPUResources(idle=0, burst=0, quota=7)
    assert result.pids == PidsResources(0)
    assert result.memory == MemoryResources(swappiness=0)


def test_device_rules_stay() -> None:
    """LNX-UPD-15."""
    assert merged(FULL, Resources(devices=(DeviceRule(True),))).devices == FULL.devices


def test_entries_for_one_device_are_replaced_and_others_added() -> None:
    """LNX-UPD-14: also where the configuration had a device twice."""
    rates = (ThrottleDevice(8, 0, 1), ThrottleDevice(8, 16, 2), ThrottleDevice(8, 0, 3))
    old = Resources(block_io=BlockIOResources(throttle_read_bps_device=rates))
    new = Resources(
        block_io=BlockIOResources(throttle_read_bps_device=(ThrottleDevice(8, 0, 9), ThrottleDevice(9, 9, 4)))
    )
    result = merged(old, new).block_io
    assert result is not None
    assert sorted(entry.items() for entry in result.throttle_read_bps_device) == [
        [("major", 8), ("minor", 0), ("rate", 9)],
        [("major", 8), ("minor", 16), ("rate", 2)],
        [("major", 9), ("minor", 9), ("rate", 4)],
    ]


def test_maps_and_other_lists_grow() -> None:
    """LNX-UPD-13."""
    new = Resources(
        unified={"memory.low": "5"},
        rdma={"mlx4_0": RdmaLimit(2, 2)},
        hugepage_limits=(HugepageLimit("1GB", 1), HugepageLimit("2MB", 2)),
        network=NetworkResources(priorities=(InterfacePriority("lo", 3), InterfacePriority("eth0", 4))),
    )
    result = merged(FULL, new)
    assert result.unified == {"memory.high": "1\n2", "memory.low": "5"}
    assert result.rdma == {"mlx4_0": RdmaLimit(2, 2)}
    assert result.hugepage_limits == (HugepageLimit("2MB", 2), HugepageLimit("1GB", 1))
    assert result.network == NetworkResources(7, (InterfacePriority("lo", 3), InterfacePriority("eth0", 4)))


def test_lifting_memory_lifts_swap_unless_that_is_named() -> None:
    """LNX-UPD-08."""
    lifted = with_lifted_swap(Resources(memory=MemoryResources(limit=-1))).memory
    named = with_lifted_swap(Resources(memory=MemoryResources(limit=-1, swap=5))).memory
    assert (lifted, named) == (MemoryResources(limit=-1, swap=-1), MemoryResources(limit=-1, swap=5))
