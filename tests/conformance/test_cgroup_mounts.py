"""Mounts of type cgroup on a host with cgroup v1."""

from __future__ import annotations

import os

import pytest

from tests.conformance.hierarchies import with_more_hierarchies
from tests.conformance.inside import Mounted, inside, mount_table
from tests.support import Bundle, Runtime, cgroup

pytestmark = pytest.mark.skipif(cgroup.is_v2(), reason="the host is on cgroup v2")
ROOT = "/sys/fs/cgroup"
NAMESPACES = pytest.mark.parametrize("own", [False, True], ids=["host namespace", "cgroup namespace"])


def use(bundle: Bundle, *words: str, own: bool) -> None:
    """Replace the options of the cgroup mount; with ``own`` in a cgroup namespace of its own."""
    bundle.mounts[-1]["options"] = ["nosuid", "noexec", "nodev", "relatime", *words]
    if own:
        bundle.namespace("cgroup")


def table(runtime: Runtime, bundle: Bundle) -> dict[str, Mounted]:
    """The mounts at and below /sys/fs/cgroup."""
    found = mount_table(inside(runtime, bundle, "cat /proc/self/mountinfo"))
    return {point: entry for point, entry in found.items() if point.startswith(ROOT)}


def v1_names() -> set[str]:
    """Folder names of the host's v1 hierarchies."""
    return {os.path.basename(folder) for name, folder in cgroup.hierarchies().items() if name}


@NAMESPACES
def test_one_mount_for_every_controller(runtime: Runtime, bundle: Bundle, own: bool) -> None:
    """LNX-CGM-03, LNX-CGM-05: a tmpfs with mode 755, and one cgroup mount per hierarchy, named ones included.

    runc 1.1 gives the tmpfs the mode of the folder below it.
    """
    use(bundle, "ro", own=own)
    found = table(runtime, bundle)
    assert found[ROOT].kind == "tmpfs"
    assert "mode=755" in found[ROOT].super_options
    assert {os.path.basename(point) for point in found if found[point].kind == "cgroup"} == v1_names()
    assert inside(runtime, bundle, f"stat -c %a {ROOT}") == "755\n"


@NAMESPACES
def test_the_containers_cgroup_is_the_root(runtime: Runtime, bundle: Bundle, own: bool) -> None:
    """LNX-CGM-03: every mount shows the container's own cgroup as its root: its tasks are the container's."""
    use(bundle, "ro", own=own)
    script = f"cd {ROOT}; for name in *; do test -e $name/tasks && wc -l <$name/tasks; done; ls {ROOT}/pids"
    words = inside(runtime, bundle, script).split()
    counts = [int(word) for word in words if word.isdigit()]
    assert len(counts) == len(v1_names())
    assert all(1 <= count <= 3 for count in counts)
    assert "pids.max" in words


def test_binds_of_the_containers_folders(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CGM-04: without a cgroup namespace the mounts are binds of the container's cgroup folders."""
    name = runtime.new_id()
    bundle.linux["cgroupsPath"] = f"/{name}"
    use(bundle, "ro", own=False)
    roots = {entry.root for entry in table(runtime, bundle).values() if entry.kind == "cgroup"}
    assert roots == {f"/{name}"}


def test_mounts_in_a_cgroup_namespace(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CGM-04: with a cgroup namespace the mounts' root is `/`, as /proc/self/cgroup says."""
    use(bundle, "ro", own=True)
    roots = {entry.root for entry in table(runtime, bundle).values() if entry.kind == "cgroup"}
    assert roots == {"/"}


def test_files_are_real_after_other_binds(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CGM-05: the files are real cgroup files also when binds precede the mount."""
    bundle.mounts.insert(0, {"destination": "/mnt", "source": "/tmp", "type": "bind", "options": ["bind", "ro"]})
    bundle.resources["pids"] = {"limit": 77}
    assert inside(runtime, bundle, f"cat {ROOT}/pids/pids.max; cat {ROOT}/systemd/tasks").split()[0] == "77"


def test_files_are_real_in_a_user_namespace(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CGM-05: and in a user namespace."""
    bundle.user_namespace()
    bundle.resources["pids"] = {"limit": 77}
    assert inside(runtime, bundle, f"cat {ROOT}/pids/pids.max") == "77\n"


@NAMESPACES
@pytest.mark.parametrize("user", [False, True], ids=["no user namespace", "user namespace"])
def test_readonly(runtime: Runtime, bundle: Bundle, own: bool, user: bool) -> None:
    """LNX-CGM-06: `ro` makes every one of these mounts read-only, with and without a cgroup namespace."""
    if user:
        bundle.user_namespace()
    use(bundle, "ro", own=own)
    found = {point: entry.readonly for point, entry in table(runtime, bundle).items() if entry.kind == "cgroup"}
    assert found == dict.fromkeys(found, True)
    assert len(found) == len(v1_names())
    bundle.sh(f"mkdir {ROOT}/pids/x")
    assert "Read-only file system" in runtime.run_bundle(bundle).err


@NAMESPACES
def test_writable(runtime: Runtime, bundle: Bundle, own: bool) -> None:
    """LNX-CGM-06: `rw` makes them writable."""
    use(bundle, "rw", own=own)
    script = f"mkdir {ROOT}/pids/x && echo 5 >{ROOT}/pids/x/pids.max && cat {ROOT}/pids/x/pids.max; rmdir {ROOT}/pids/x"
    assert inside(runtime, bundle, script) == "5\n"


def test_co_mounted_controllers_get_links(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CGM-03: controllers mounted together get one mount and a symlink for each of them."""
    with_more_hierarchies(runtime)
    out = inside(runtime, bundle, f"cd {ROOT}; readlink net_cls; readlink net_prio; cat net_cls/net_cls.classid")
    assert out.split() == ["net_cls,net_prio", "net_cls,net_prio", "0"]
