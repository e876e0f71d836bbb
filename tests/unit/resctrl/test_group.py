"""From linux.intelRdt to the resctrl group."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RingfenceError
from ringfence.resctrl.group import Facts, compile_group, group_name, values_of
from ringfence.spec.types import IntelRdt

MOUNT = "/sys/fs/resctrl"
PRESENT = "    MB:0=100;1=100\n    L3:0=00fff;1=fffff\n"


def steps(rdt: IntelRdt, schemata: str | None = None) -> list[str]:
    """What is done for the container ``web``, a line each."""
    _, made = compile_group(rdt, "web", Facts(MOUNT, schemata))
    return [" ".join(step.describe()) for step in made]


def refusal(rdt: IntelRdt, schemata: str | None = None, mount: str = MOUNT) -> tuple[str, str]:
    """Field and words of the error."""
    with pytest.raises(RingfenceError) as caught:
        compile_group(rdt, "web", Facts(mount, schemata))
    return caught.value.field, caught.value.attempted


def test_without_resctrl_the_section_is_refused() -> None:
    """LNX-RDT-01."""
    assert refusal(IntelRdt(), mount="") == ("/linux/intelRdt", "Intel RDT: resctrl is not mounted")


@pytest.mark.parametrize(("clos_id", "name"), [(None, "web"), ("gold", "gold"), ("/", "")])
def test_the_name_of_the_group(clos_id: str | None, name: str) -> None:
    """LNX-RDT-02: the class of service, else the container's id; a slash is the root group."""
    assert group_name(IntelRdt(clos_id=clos_id), "web") == name


def test_a_group_of_its_own_ends_with_the_container() -> None:
    """LNX-RDT-02, LNX-RDT-04: schemata stay as the kernel makes them when none are given."""
    group, _ = compile_group(IntelRdt(), "web", Facts(MOUNT))
    assert (group.path, group.made, group.paths) == (f"{MOUNT}/web", True, (f"{MOUNT}/web",))
    assert steps(IntelRdt()) == [f"make resctrl group {MOUNT}/web"]


def test_a_group_of_the_containers_name_that_is_somebody_elses_is_left_alone() -> None:
    """LNX-DEL-09."""
    assert refusal(IntelRdt(), PRESENT) == ("/linux/intelRdt", f"Intel RDT: the group {MOUNT}/web exists")


def test_the_root_group_is_nobodys_to_make() -> None:
    """LNX-RDT-02."""
    group, made = compile_group(IntelRdt(clos_id="/"), "web", Facts(MOUNT, PRESENT))
    assert (group.path, group.made, made) == (MOUNT, False, ())


def test_a_class_of_service_alone_must_exist() -> None:
    """LNX-RDT-03."""
    group, made = compile_group(IntelRdt(clos_id="gold"), "web", Facts(MOUNT, PRESENT))
    assert (group.path, group.made, made) == (f"{MOUNT}/gold", False, ())
    field, words = refusal(IntelRdt(clos_id="gold"))
    assert (field, words) == ("/linux/intelRdt/closID", f"Intel RDT: the group {MOUNT}/gold does not exist")


def test_a_class_of_service_with_schemata_is_made_when_missing() -> None:
    """LNX-RDT-03, LNX-RDT-04: cache, bandwidth, then the lines, in this order."""
    rdt = IntelRdt(clos_id="gold", l3_cache_schema="L3:0=f", mem_bw_schema="MB:0=50", schemata=("L2:0=3", "MB:0=20"))
    assert steps(rdt) == [
        f"make resctrl group {MOUNT}/gold",
        f"limit L3:0=f in {MOUNT}/gold/schemata",
        f"limit MB:0=50 in {MOUNT}/gold/schemata",
        f"limit L2:0=3 in {MOUNT}/gold/schemata",
        f"limit MB:0=20 in {MOUNT}/gold/schemata",
    ]


@pytest.mark.parametrize("line", ["L3:0=fff", "L3: 0=0FFF ; 1=fffff", "MB:1=100"])
def test_schemata_that_are_there_are_compared_by_value(line: str) -> None:
    """LNX-RDT-03: padding, case and the order of domains are the kernel's."""
    assert steps(IntelRdt(clos_id="gold", schemata=(line,)), PRESENT) == []


@pytest.mark.parametrize("line", ["L3:0=ff", "L3:2=fff", "L2:0=fff", "MB:0=10"])
def test_other_schemata_are_refused(line: str) -> None:
    """LNX-RDT-03."""
    field, words = refusal(IntelRdt(clos_id="gold", schemata=("MB:0=100", line)), PRESENT)
    assert field == "/linux/intelRdt/schemata/1"
    assert line in words


def test_monitoring_has_a_group_below() -> None:
    """LNX-RDT-05: it is entered after the group above it."""
    rdt = IntelRdt(clos_id="gold", enable_monitoring=True)
    group, _ = compile_group(rdt, "web", Facts(MOUNT, PRESENT))
    assert group.paths == (f"{MOUNT}/gold", f"{MOUNT}/gold/mon_groups/web")
    assert steps(rdt, PRESENT) == [f"make resctrl group {MOUNT}/gold/mon_groups/web"]


@given(st.text())
def test_any_line_can_be_read(line: str) -> None:
    assert isinstance(values_of(line), list)
