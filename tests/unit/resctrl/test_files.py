"""A made-up resctrl file system: what is found, made, written and removed."""

from __future__ import annotations

import posix
from pathlib import Path

import pytest

from ringfence.errors import RingfenceError
from ringfence.resctrl import files
from ringfence.resctrl.files import facts_of, perform, remove
from ringfence.resctrl.group import MakeResctrlGroup, WriteSchemata
from ringfence.resctrl.measure import stats
from ringfence.resctrl.place import Group


@pytest.fixture
def mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that /proc/self/mountinfo calls resctrl."""
    root = tmp_path / "resctrl"
    (root / "info").mkdir(parents=True)
    (root / "schemata").write_text("MB:0=100\nL3:0=fff\n")
    lines = f"22 28 0:20 / /sys rw - sysfs sysfs rw\n30 22 0:40 / {root} rw - resctrl resctrl rw\n"
    (tmp_path / "mountinfo").write_text(lines)
    monkeypatch.setattr(files, "MOUNTS", str(tmp_path / "mountinfo"))
    return root


def test_nothing_mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LNX-RDT-01."""
    (tmp_path / "mountinfo").write_text("22 28 0:20 / /sys rw - sysfs sysfs rw\n")
    monkeypatch.setattr(files, "MOUNTS", str(tmp_path / "mountinfo"))
    assert facts_of("web").mount == ""


def test_the_facts_about_a_group(mount: Path) -> None:
    """LNX-RDT-03: whether it is there, and what it says."""
    assert facts_of("web").schemata is None
    assert facts_of("").schemata == "MB:0=100\nL3:0=fff\n"


def test_a_refused_line_comes_with_the_kernels_reason(mount: Path) -> None:
    """LNX-RDT-04."""
    (mount / "info" / "last_cmd_status").write_text("Unknown or unsupported resource name 'L9'\n")
    with pytest.raises(RingfenceError) as caught:
        perform(WriteSchemata("/linux/intelRdt/schemata/0", f"{mount}/web/schemata", "L9:0=1"))
    assert caught.value.field == "/linux/intelRdt/schemata/0"
    assert caught.value.hint == "the kernel says: Unknown or unsupported resource name 'L9'"


def test_a_link_in_the_place_of_schemata_is_not_followed(mount: Path, tmp_path: Path) -> None:
    """LNX-RDT-04."""
    (tmp_path / "victim").write_text("kept")
    (mount / "schemata").unlink()
    (mount / "schemata").symlink_to(tmp_path / "victim")
    with pytest.raises(RingfenceError):
        perform(WriteSchemata("", f"{mount}/schemata", "L3:0=f"))
    assert (tmp_path / "victim").read_text() == "kept"


def test_only_what_was_made_is_removed(mount: Path) -> None:
    """LNX-DEL-01, LNX-DEL-09, LNX-RDT-05: the monitoring group always, the group above if it is ours."""
    (mount / "gold" / "mon_groups").mkdir(parents=True)
    assert perform(MakeResctrlGroup("", f"{mount}/gold/mon_groups/web"))
    remove(Group(str(mount), f"{mount}/gold", f"{mount}/gold/mon_groups/web"))
    assert (mount / "gold" / "mon_groups").is_dir()
    assert not (mount / "gold" / "mon_groups" / "web").exists()
    posix.rmdir(mount / "gold" / "mon_groups")
    remove(Group(str(mount), f"{mount}/gold", f"{mount}/gold/mon_groups/web", made=True))
    assert not (mount / "gold").exists()


def test_what_is_told_in_statistics(mount: Path) -> None:
    """LNX-EVT-14: runc's keys, and nothing of what the processor lacks."""
    (mount / "info" / "L3").mkdir()
    (mount / "info" / "L3" / "cbm_mask").write_text("fff\n")
    (mount / "info" / "L3" / "num_closids").write_text("16\n")
    domain = mount / "gold" / "mon_data" / "mon_L3_00"
    domain.mkdir(parents=True)
    (domain / "llc_occupancy").write_text("4096\n")
    (domain / "mbm_total_bytes").write_text("Unavailable\n")
    (mount / "gold" / "schemata").write_text("    L3:0=0ff\n")
    assert stats(Group(str(mount), f"{mount}/gold")) == {
        "l3_cache_info": {"cbm_mask": "fff", "num_closids": 16},
        "l3_cache_schema_root": "L3:0=fff",
        "l3_cache_schema": "L3:0=0ff",
        "mem_bw_schema_root": "MB:0=100",
        "cmt_stats": [{"llc_occupancy": 4096}],
    }
