"""Where a container's cgroups are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.cgroups.paths import CgroupDir, find, locate, mount_of
from ringfence.errors import RingfenceError
from ringfence.host.facts import V1, Hierarchy, Host
from tests.unit.cgroups.hosts import host, hybrid_host, v1_host, v2_host


def path(where: Host, asked: str | None, controller: str = "memory") -> str:
    return find(locate(where, asked, "web"), controller)


def test_absolute_path_counts_from_the_mount_root() -> None:
    """LNX-CG-01."""
    assert path(v1_host(own="/session"), "/a/b") == "/sys/fs/cgroup/memory/a/b"
    assert path(v2_host(), "/a/b", "") == "/sys/fs/cgroup/a/b"


def test_colons_are_ordinary_letters() -> None:
    """LNX-CG-01."""
    assert path(v1_host(), "/a:b:c") == "/sys/fs/cgroup/memory/a:b:c"


@pytest.mark.parametrize(("asked", "expected"), [(None, "web"), ("", "web"), ("a/b", "a/b")])
def test_relative_or_absent_path_counts_from_the_own_cgroup_on_v1(asked: str | None, expected: str) -> None:
    """LNX-CG-02."""
    assert path(v1_host(own="/session/1"), asked) == f"/sys/fs/cgroup/memory/session/1/{expected}"


@pytest.mark.parametrize(
    ("own", "expected"), [("/user.slice/x.scope", "/user.slice/web"), ("/x", "/web"), ("/", "/web")]
)
def test_absent_path_counts_from_the_parent_of_the_own_cgroup_on_v2(own: str, expected: str) -> None:
    """LNX-CG-02."""
    assert path(v2_host(own=own), None, "") == f"/sys/fs/cgroup{expected}"


def test_v2_of_a_hybrid_host_is_placed_as_v1_is() -> None:
    """LNX-CG-02."""
    assert path(hybrid_host(own="/session"), None, "") == "/sys/fs/cgroup/unified/session/web"


def test_every_hierarchy_gets_a_cgroup() -> None:
    """LNX-CG-04."""
    where = hybrid_host()
    dirs = locate(where, "/a", "web")
    assert [directory.controllers for directory in dirs] == [entry.controllers for entry in where.hierarchies]
    assert ("name=systemd",) in [directory.controllers for directory in dirs]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("/../../../etc", "/sys/fs/cgroup/memory/etc"),
        ("/a/../../b", "/sys/fs/cgroup/memory/b"),
        ("../../b", "/sys/fs/cgroup/memory/session/b"),
        ("a/../../../../b", "/sys/fs/cgroup/memory/session/b"),
        ("//a///b/", "/sys/fs/cgroup/memory/a/b"),
    ],
)
def test_dots_never_leave_the_mount(asked: str, expected: str) -> None:
    """LNX-CG-03."""
    assert path(v1_host(own="/session"), asked) == expected


@given(st.text("./ab", min_size=1, max_size=30))
def test_no_path_leaves_the_mount(asked: str) -> None:
    """LNX-CG-03."""
    try:
        place = path(v1_host(own="/session"), asked)
    except RingfenceError:
        return
    assert place.startswith("/sys/fs/cgroup/memory/")
    assert not {"", ".", ".."} & set(place[1:].split("/"))


@pytest.mark.parametrize("asked", ["/", ".", "..", "/a/..", "./"])
def test_a_cgroup_that_is_not_the_containers_own_is_refused(asked: str) -> None:
    with pytest.raises(RingfenceError) as caught:
        locate(v1_host(), asked, "web")
    assert caught.value.field == "/linux/cgroupsPath"


def test_own_cgroup_is_told_relative_to_what_is_mounted() -> None:
    """A container's cgroup mount shows only its own part of the hierarchy (mountinfo's root)."""
    seen = host(V1, (Hierarchy(("memory",), "/cg", "/docker/abc", "/docker/abc/inner"),))
    assert path(seen, None) == "/cg/inner/web"


@pytest.mark.parametrize("own", ["/../other", "/elsewhere", "/docker/abcdef"])
def test_own_cgroup_outside_of_the_mount_counts_as_its_root(own: str) -> None:
    seen = host(V1, (Hierarchy(("memory",), "/cg", "/docker/abc", own),))
    assert path(seen, None) == "/cg/web"


def test_find_knows_controllers_that_share_a_hierarchy() -> None:
    dirs = (CgroupDir(("cpu", "cpuacct"), "/x"), CgroupDir(("",), "/y"))
    assert [find(dirs, name) for name in ("cpuacct", "", "pids")] == ["/x", "/y", ""]


def test_mount_of_an_unknown_hierarchy_is_an_error() -> None:
    with pytest.raises(RingfenceError, match="not mounted"):
        mount_of(v2_host(), CgroupDir(("pids",), "/x"))
