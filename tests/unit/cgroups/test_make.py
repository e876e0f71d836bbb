"""Making cgroups, on trees that stand for the kernel's."""

from __future__ import annotations

import os
import posix
from pathlib import Path

import pytest

from ringfence.cgroups import make
from ringfence.cgroups.make import check_unused, enable_controllers, fill_cpuset, make_cgroup, own_cgroup
from ringfence.cgroups.paths import CgroupDir
from ringfence.cgroups.steps import EnableControllers, MakeCgroup, OwnCgroup
from ringfence.errors import RingfenceError
from tests.unit.cgroups.hosts import fake, only


def step(*paths: Path, tolerant: bool = False) -> MakeCgroup:
    dirs = tuple(CgroupDir((f"controller{index}",), str(path)) for index, path in enumerate(paths))
    return MakeCgroup("/linux/cgroupsPath", "/web", dirs, tolerant=tolerant)


def test_every_directory_is_made_with_its_parents(tmp_path: Path) -> None:
    make_cgroup(step(tmp_path / "a" / "b" / "c", tmp_path / "d"))
    assert (tmp_path / "a" / "b" / "c").is_dir()
    assert (tmp_path / "d").is_dir()


def test_an_existing_cgroup_that_nobody_uses_is_taken(tmp_path: Path) -> None:
    make_cgroup(step(fake(tmp_path / "a", cgroup__procs="", freezer__state="THAWED\n"), tmp_path / "b"))
    assert (tmp_path / "b").is_dir()


def test_a_cgroup_with_processes_is_refused_and_all_is_undone(tmp_path: Path) -> None:
    """LNX-LIFE-24: those of sub-cgroups count too."""
    used = fake(tmp_path / "used", cgroup__procs="10\n11\n")
    fake(used / "sub", cgroup__procs="12\n")
    with pytest.raises(RingfenceError, match=r"^container's cgroup is not empty: 3 process\(es\) found$"):
        make_cgroup(step(tmp_path / "new", used))
    assert not (tmp_path / "new").exists()
    assert (used / "cgroup.procs").read_text() == "10\n11\n"


@pytest.mark.parametrize("files", [{"freezer__state": "FROZEN\n"}, {"cgroup__freeze": "1\n"}])
def test_a_frozen_cgroup_is_refused_and_left_alone(tmp_path: Path, files: dict[str, str]) -> None:
    """LNX-LIFE-25."""
    frozen = fake(tmp_path / "frozen", cgroup__procs="", **files)
    with pytest.raises(RingfenceError, match=r"^container's cgroup unexpectedly frozen$"):
        make_cgroup(step(frozen))
    assert [path.read_text() for path in frozen.iterdir() if path.name != "cgroup.procs"] == list(files.values())


def test_a_cgroup_that_does_not_exist_is_unused(tmp_path: Path) -> None:
    check_unused(str(tmp_path / "none"))


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A path at which no directory may be made."""
    mkdir = posix.mkdir

    def refuse(path: str, mode: int = 0o777) -> None:
        if path.startswith(str(tmp_path / "forbidden")):
            raise PermissionError(13, "Permission denied")
        mkdir(path, mode)

    monkeypatch.setattr(posix, "mkdir", refuse)
    return tmp_path / "forbidden"


def test_failure_to_make_one_names_it_and_undoes_the_others(tmp_path: Path, refusing: Path) -> None:
    """LNX-CG-07, LNX-RLESS-05."""
    with pytest.raises(RingfenceError) as caught:
        make_cgroup(step(tmp_path / "first", refusing))
    assert str(caught.value) == f"unable to apply cgroup configuration: {refusing}: permission denied"
    assert caught.value.field == "/linux/cgroupsPath"
    assert not (tmp_path / "first").exists()


def test_a_tolerant_step_leaves_out_what_the_user_may_not_make(tmp_path: Path, refusing: Path) -> None:
    """LNX-RLESS-04."""
    make_cgroup(step(refusing, tmp_path / "own", tolerant=True))
    assert (tmp_path / "own").is_dir()


@pytest.fixture
def cpusets(monkeypatch: pytest.MonkeyPatch) -> None:
    """New directories have the empty files that the kernel puts into a cpuset."""
    mkdir = posix.mkdir

    def make_with_files(path: str, mode: int = 0o777) -> None:
        mkdir(path, mode)
        fake(Path(path), cpuset__cpus="", cpuset__mems="")

    monkeypatch.setattr(posix, "mkdir", make_with_files)


@pytest.mark.usefixtures("cpusets")
def test_cpusets_are_filled_from_their_parents_at_every_level(tmp_path: Path) -> None:
    """LNX-CG1-06."""
    root = fake(tmp_path / "cpuset", cpuset__cpus="0-3\n", cpuset__mems="0\n")
    leaf = root / "a" / "b" / "c"
    make_cgroup(MakeCgroup("", "/a/b/c", only("cpuset", leaf), str(root)))
    for level in (root / "a", root / "a" / "b", leaf):
        assert ((level / "cpuset.cpus").read_text(), (level / "cpuset.mems").read_text()) == ("0-3", "0")


def test_a_cpuset_that_has_values_keeps_them(tmp_path: Path) -> None:
    """LNX-CG1-06: and its children get them."""
    root = fake(tmp_path, cpuset__cpus="0-3\n", cpuset__mems="0\n")
    fake(root / "a", cpuset__cpus="1\n", cpuset__mems="")
    leaf = fake(root / "a" / "b", cpuset__cpus="", cpuset__mems="")
    fill_cpuset(str(root), str(leaf))
    assert (root / "a" / "cpuset.cpus").read_text() == "1\n"
    assert (leaf / "cpuset.cpus").read_text() == "1"
    assert (leaf / "cpuset.mems").read_text() == "0"


def v2_tree(root: Path, **subtree_control: str) -> Path:
    fake(root, cgroup__controllers="cpu memory pids\n", cgroup__subtree_control=subtree_control.get("root", ""))
    fake(root / "a", cgroup__subtree_control=subtree_control.get("a", ""))
    return fake(root / "a" / "leaf", cgroup__subtree_control="")


def test_controllers_are_switched_on_from_the_root_down_to_the_parent(tmp_path: Path) -> None:
    """LNX-CG2-01."""
    leaf = v2_tree(tmp_path)
    enable_controllers(EnableControllers("", str(tmp_path), str(leaf)))
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    assert (tmp_path / "a" / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    assert (leaf / "cgroup.subtree_control").read_text() == ""


def test_nothing_is_written_when_the_parent_has_them_all(tmp_path: Path) -> None:
    leaf = v2_tree(tmp_path, a="pids memory cpu io\n")
    enable_controllers(EnableControllers("", str(tmp_path), str(leaf)))
    assert (tmp_path / "cgroup.subtree_control").read_text() == ""
    assert (tmp_path / "a" / "cgroup.subtree_control").read_text() == "pids memory cpu io\n"


def test_a_controller_that_is_refused_does_not_keep_the_others_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LNX-CG2-01: as far as permitted."""
    leaf = v2_tree(tmp_path)
    asked: list[str] = []

    def kernel(path: str, value: str) -> None:
        if "+cpu" in value:
            raise PermissionError(1, "Operation not permitted")
        asked.append(f"{Path(path).parent.name}: {value}")

    monkeypatch.setattr(make, "write", kernel)
    enable_controllers(EnableControllers("", str(tmp_path), str(leaf)))
    assert asked[-2:] == ["a: +memory", "a: +pids"]


def test_ownership_covers_the_delegated_files_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LNX-CG-08: a file the cgroup does not have is passed over."""
    cgroup = fake(tmp_path / "web", cgroup__procs="", cgroup__threads="", memory__max="")
    monkeypatch.setattr(make, "DELEGATE", str(fake(tmp_path, delegate="cgroup.procs\nmemory.reclaim\n") / "delegate"))
    given: list[tuple[str, int, int]] = []

    def chown(path: str, uid: int, gid: int) -> None:
        os.stat(path)
        given.append((Path(path).name, uid, gid))

    monkeypatch.setattr(posix, "chown", chown)
    own_cgroup(OwnCgroup("", str(cgroup), 1000))
    assert given == [("web", 1000, -1), ("cgroup.procs", 1000, -1)]


def test_ownership_without_the_kernels_list_covers_the_three_files_it_always_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LNX-CG-08."""
    names = ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"]
    cgroup = tmp_path / "web"
    cgroup.mkdir()
    for name in names:
        (cgroup / name).touch()
    given: list[str] = []
    monkeypatch.setattr(make, "DELEGATE", str(tmp_path / "none"))
    monkeypatch.setattr(posix, "chown", lambda path, uid, gid: given.append(Path(path).name))
    own_cgroup(OwnCgroup("", str(cgroup), 1000))
    assert given == ["web", *names]
