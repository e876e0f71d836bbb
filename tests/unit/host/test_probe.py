"""Facts about the machine, read from texts as kernels write them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.host import probe as module
from ringfence.host.facts import HYBRID, V1, V2, Hierarchy
from ringfence.host.probe import (
    page_words,
    parse_cgroups,
    parse_huge_pages,
    parse_mounts_of,
    parse_own,
    parse_release,
    probe,
    unescape,
)

SYS_MOUNTS = b"""\
22 28 0:20 / /sys rw,nosuid - sysfs sysfs rw
31 22 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
"""
V1_MOUNTS = b"""\
32 31 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
34 31 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
35 22 0:50 / /var/lib/docker/a\\040-\\040cgroup rw - ext4 /dev/sda1 rw
"""
UNIFIED_MOUNT = b"41 31 0:38 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
V2_MOUNTS = b"""\
22 28 0:20 / /sys rw,nosuid - sysfs sysfs rw
23 22 0:21 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
"""
OWN = b"4:memory:/agent/1\n3:cpu,cpuacct:/\n2:name=systemd:/init.scope\n1:cpuset:/\n0::/agent\n"


def test_v1() -> None:
    """LNX-CG-10: hierarchies without a mount cannot be joined."""
    assert parse_cgroups(OWN, V1_MOUNTS) == (
        V1,
        (
            Hierarchy(("memory",), "/sys/fs/cgroup/memory", "/", "/agent/1"),
            Hierarchy(("cpu", "cpuacct"), "/sys/fs/cgroup/cpu,cpuacct", "/", "/"),
            Hierarchy(("name=systemd",), "/sys/fs/cgroup/systemd", "/", "/init.scope"),
        ),
    )


def test_hybrid_has_the_v2_hierarchy_besides() -> None:
    """LNX-CG-10, LNX-CG-04."""
    mode, hierarchies = parse_cgroups(OWN, V1_MOUNTS + UNIFIED_MOUNT)
    assert mode == HYBRID
    assert hierarchies[-1] == Hierarchy(("",), "/sys/fs/cgroup/unified", "/", "/agent")
    assert hierarchies[:-1] == parse_cgroups(OWN, V1_MOUNTS)[1]


def test_v2() -> None:
    """LNX-CG-10."""
    own = b"0::/user.slice/user-1000.slice/session-3.scope\n"
    expected = Hierarchy(("",), "/sys/fs/cgroup", "/", "/user.slice/user-1000.slice/session-3.scope")
    assert parse_cgroups(own, V2_MOUNTS) == (V2, (expected,))


def test_v2_alone_counts_where_it_is_the_version_of_the_host() -> None:
    """LNX-CG-10: a named v1 hierarchy mounted elsewhere does not make a hybrid host."""
    extra = b"99 22 0:70 / /mnt/named rw - cgroup none rw,name=mine\n"
    mode, hierarchies = parse_cgroups(b"1:name=mine:/\n0::/\n", V2_MOUNTS + extra)
    assert (mode, [entry.mount for entry in hierarchies]) == (V2, ["/sys/fs/cgroup"])


def test_a_machine_without_cgroups_has_no_hierarchies() -> None:
    assert parse_cgroups(b"", b"22 28 0:20 / /sys rw - sysfs sysfs rw\n") == (V1, ())


def test_the_mount_below_sys_is_preferred() -> None:
    own = b"1:memory:/x\n"
    elsewhere = b"50 22 0:31 / /opt/cg rw - cgroup cgroup rw,memory\n"
    assert parse_cgroups(own, elsewhere + V1_MOUNTS)[1][0].mount == "/sys/fs/cgroup/memory"
    assert parse_cgroups(own, elsewhere)[1][0].mount == "/opt/cg"


def test_a_mount_that_hides_another_on_the_same_place_counts() -> None:
    rows = b"1 0 0:1 /a /cg rw - cgroup cgroup rw,memory\n2 0 0:1 /b /cg rw - cgroup cgroup rw,memory\n"
    assert [mount.root for mount in parse_mounts_of(rows, "cgroup")] == ["/b"]


def test_only_whole_names_of_file_systems_count() -> None:
    rows = b"1 0 0:1 / /cg rw - cgroupfs x rw\n2 0 0:1 / /rdt rw - resctrl resctrl rw\n"
    assert parse_mounts_of(rows, "cgroup", "cgroup2") == []
    assert [mount.path for mount in parse_mounts_of(rows, "resctrl")] == ["/rdt"]


def test_colons_in_a_cgroups_name_belong_to_it() -> None:
    assert parse_own(b"3:pids:/a:b:c\n") == [(3, ("pids",), "/a:b:c")]


paths = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1), min_size=1).map("/".join)


@given(paths)
def test_escaped_paths_come_back(path: str) -> None:
    """Seq_path escapes blank, tab, newline and backslash (fs/proc_namespace.c)."""
    escaped = path
    for letter in "\\ \t\n#":
        escaped = escaped.replace(letter, f"\\{ord(letter):03o}")
    assert unescape(escaped) == path


@given(paths, st.sampled_from(("memory", "pids")))
def test_any_mount_point_is_found(path: str, controller: str) -> None:
    escaped = f"/{path}"
    for letter in "\\ \t\n":
        escaped = escaped.replace(letter, f"\\{ord(letter):03o}")
    row = f"34 31 0:31 / {escaped} rw shared:1 master:2 - cgroup cgroup rw,{controller}\n".encode()
    (found,) = parse_cgroups(f"1:{controller}:/\n".encode(), SYS_MOUNTS + row)[1]
    assert found.mount == f"/{path}"


@given(st.binary(max_size=200))
def test_own_cgroup_with_any_name_is_read(name: bytes) -> None:
    own = b"1:memory:/" + name.replace(b"\n", b"")
    assert os.fsencode(parse_own(own + b"\n")[0][2]) == own.removeprefix(b"1:memory:")


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("6.18.44-fc-v657", (6, 18)),
        ("5.4.0-150-generic", (5, 4)),
        ("6.1-rc3", (6, 1)),
        ("4.18.0_x", (4, 18)),
        ("5", (0, 0)),
        ("", (0, 0)),
        ("x.y", (0, 0)),
    ],
)
def test_release(release: str, expected: tuple[int, int]) -> None:
    assert parse_release(release) == expected


def test_huge_pages_are_named_as_their_files_are() -> None:
    """LNX-CG1-10."""
    names = ["hugepages-1048576kB", "hugepages-2048kB", "other", "hugepages-64kB", "hugepages-16777216kB"]
    assert parse_huge_pages(names) == ("64KB", "2MB", "1GB", "16GB")


@given(st.integers(0, 40))
def test_page_words_are_the_largest_unit(shift: int) -> None:
    words = page_words(1 << shift)
    unit = {"KB": 0, "MB": 10, "GB": 20}[words[-2:]]
    assert int(words[:-2]) << unit == 1 << shift
    assert int(words[:-2]) < 1024 or unit == 20


def test_this_machine() -> None:
    """Against what the kernel says elsewhere."""
    here = probe()
    assert (here.uid, here.machine) == (os.geteuid(), os.uname().machine)
    assert here.last_capability == int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    assert all(os.path.ismount(hierarchy.mount) for hierarchy in here.hierarchies)
    own = Path("/proc/self/cgroup").read_text().splitlines()
    assert {hierarchy.own for hierarchy in here.hierarchies} <= {row.split(":", 2)[2] for row in own}


def test_a_kernel_without_modules_and_limits_has_their_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only /proc/self is always there."""
    read = module.read

    def lacking(path: str) -> bytes:
        if path.startswith(("/proc/self/cgroup", "/proc/self/mountinfo")):
            return read(path)
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(module, "read", lacking)
    monkeypatch.setattr(module, "HUGE_PAGES", "/nonexistent")
    here = probe()
    assert (here.user_namespace, here.apparmor, here.last_capability, here.huge_pages) == (False, False, 40, ())


@pytest.mark.parametrize(
    ("uid_map", "expected"), [(b"         0          0 4294967295\n", False), (b"0 1000 1\n", True), (b"", True)]
)
def test_a_user_namespace_is_told_by_its_map(monkeypatch: pytest.MonkeyPatch, uid_map: bytes, expected: bool) -> None:
    """LNX-RLESS-08."""
    read = module.read
    monkeypatch.setattr(module, "read", lambda path: uid_map if path == "/proc/self/uid_map" else read(path))
    assert probe().user_namespace is expected
