"""Rules about mounts."""

from __future__ import annotations

from typing import Any

import pytest

from ringfence.spec.rules.mounts import INSIDE_PROC
from ringfence.spec.validate import warnings
from tests.unit.spec.documents import Document, is_loaded, loaded, problems, with_user_namespace

MAPS = [{"containerID": 0, "hostID": 1000, "size": 5}]


def mounting(*, user_namespace: bool = False, **entry: Any) -> Any:
    """An edit that replaces all mounts by one."""

    def edit(made: Document) -> None:
        made["mounts"] = [entry]
        if user_namespace:
            with_user_namespace(made)

    return edit


def refused(**entry: Any) -> dict[str, str]:
    """The problems of a config with one mount, by their place below it."""
    return {pointer.removeprefix("/mounts/0"): text for pointer, text in problems(mounting(**entry)).items()}


def test_relative_destinations_are_a_warning() -> None:
    """LNX-MNT-02: a relative destination is taken from ``/``, with a warning."""
    assert warnings(loaded(mounting(destination="srv/x"))) == ["mount destination srv/x is not absolute"]
    assert warnings(loaded()) == []


@pytest.mark.parametrize("destination", ["", None])
def test_a_destination_is_needed(destination: str | None) -> None:
    assert refused(destination=destination) == {"/destination": "must not be empty"}


@pytest.mark.parametrize("word", ["bind", "rbind"])
def test_data_on_a_bind_mount_is_refused(word: str) -> None:
    """LNX-MNT-13: super block options cannot be applied to a bind mount."""
    found = refused(destination="/x", source="/", options=[word, "size=1m", "ro", "mode=7"])
    assert found == {"/options": '"size=1m,mode=7": file system options cannot apply to a bind mount'}


def test_unusable_options_are_told_alone() -> None:
    assert list(refused(destination="/proc", options=["bind", 1, None])) == ["/options/1", "/options/2"]


@pytest.mark.parametrize("destination", ["/proc", "proc/", "//proc", "/x/../proc/."])
@pytest.mark.parametrize("kind", ["tmpfs", "sysfs", None])
def test_only_proc_is_mounted_on_proc(destination: str, kind: str | None) -> None:
    """LNX-PROC-02: on /proc only type proc, or a bind."""
    found = refused(destination=destination, type=kind, source="x")
    assert found == {"/type": '"/proc" cannot be mounted because it is not of type proc'}


@pytest.mark.parametrize(("kind", "options"), [("proc", []), ("none", ["rbind", "nosuid"]), (None, ["bind"])])
def test_proc_and_binds_are_mounted_on_proc(kind: str | None, options: list[str]) -> None:
    """LNX-PROC-02, LNX-PROC-05: procfs itself, or a bind mount of it."""
    assert is_loaded(mounting(destination="/proc", type=kind, source="/proc", options=options))


@pytest.mark.parametrize("path", ["/proc/sys", "/proc/self/attr", "proc/x", "/proc/cpuinfo/x", "/y/../proc//net"])
def test_nothing_else_is_mounted_inside_proc(path: str) -> None:
    """LNX-PROC-03: nothing may be mounted inside /proc."""
    (text,) = refused(destination=path, source="/x", options=["bind"]).values()
    assert text.endswith('" cannot be mounted because it is inside /proc')


@pytest.mark.parametrize("path", [*INSIDE_PROC, "/proc/../proc/./cpuinfo", "/procfoo", "/", "/x/proc/sys"])
def test_some_files_of_proc_may_be_covered(path: str) -> None:
    """LNX-PROC-03: what lxcfs covers, and two sysctls; other paths are not inside /proc."""
    assert is_loaded(mounting(destination=path, source="/x", options=["bind"]))


def test_the_files_that_may_be_covered() -> None:
    """LNX-PROC-03: the list itself."""
    names = (
        "cpuinfo diskstats meminfo stat swaps uptime loadavg slabinfo sys/kernel/ns_last_pid sys/crypto/fips_enabled"
    )
    assert sorted(INSIDE_PROC) == sorted(f"/proc/{name}" for name in names.split())


def test_id_mapped_mounts_have_both_maps() -> None:
    """LNX-IDMAP-02: only one of the two maps is an error."""
    text = "id-mapped mounts must have both uid and gid mappings specified"
    assert refused(destination="/x", options=["bind"], uidMappings=MAPS) == {"/gidMappings": text}
    assert refused(destination="/x", options=["bind"], gidMappings=MAPS) == {"/uidMappings": text}


def test_id_mapped_mounts_are_binds() -> None:
    """LNX-IDMAP-02: maps on a mount that is no bind are an error."""
    text = "id-mapped mounts are only supported for bind-mounts"
    assert refused(destination="/x", type="tmpfs", uidMappings=MAPS, gidMappings=MAPS) == {"/options": text}
    assert refused(destination="/x", type="tmpfs", options=["idmap"], user_namespace=True) == {"/options": text}


@pytest.mark.parametrize("word", ["idmap", "ridmap"])
def test_id_mapped_mounts_without_maps_need_a_user_namespace(word: str) -> None:
    """LNX-IDMAP-04: without maps the user namespace's are used; no user namespace is an error."""
    entry: Document = {"destination": "/x", "source": "/", "options": ["bind", word]}
    assert refused(**entry) == {"/options": "id-mapped mounts need mappings, or a user namespace that has them"}
    assert is_loaded(mounting(user_namespace=True, **entry))
    assert is_loaded(mounting(**entry, uidMappings=MAPS, gidMappings=MAPS))


def test_maps_of_a_mount_follow_the_kernels_rules() -> None:
    """LNX-IDMAP-06: several entries work, but not ones that the kernel refuses."""
    two = [*MAPS, {"containerID": 5, "hostID": 0, "size": 1}]
    assert is_loaded(mounting(destination="/x", options=["bind"], uidMappings=two, gidMappings=two))
    empty = [{"containerID": 0, "hostID": 0, "size": 0}]
    for kind, other in (("uid", "gid"), ("gid", "uid")):
        found = refused(destination="/x", options=["bind"], **{f"{kind}Mappings": empty, f"{other}Mappings": two})
        assert found == {f"/{kind}Mappings/0/size": "must not be 0"}
