"""Where the container's cgroups are, and who owns them; cgroup v1 and hybrid hosts."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.conformance.inside import inside, refused, through
from tests.support import Bundle, Runtime, cgroup

pytestmark = pytest.mark.skipif(cgroup.is_v2(), reason="the host is on cgroup v2")


def relative(folders: dict[str, str]) -> dict[str, str]:
    """The paths below each hierarchy's mount point."""
    return {name: os.path.relpath(folder, cgroup.hierarchies()[name]) for name, folder in folders.items()}


def test_absolute_path(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG-01, LNX-CG-04: an absolute cgroupsPath is that path in every hierarchy, the named and v2 ones too."""
    name = runtime.new_id()
    bundle.linux["cgroupsPath"] = f"/{name}/inner"
    bundle.sleep()
    container = runtime.create(bundle)
    assert relative(cgroup.of_process(container.pid)) == dict.fromkeys(cgroup.hierarchies(), f"{name}/inner")
    assert {"name=systemd", ""} <= cgroup.hierarchies().keys()
    container.delete("--force").ok()
    for folder in set(cgroup.hierarchies().values()):
        parent = os.path.join(folder, name)
        if os.path.isdir(parent):
            cgroup.remove(parent)


def test_colons_are_part_of_a_name(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG-01: with the cgroupfs driver a value such as `a:b:c` is an ordinary folder name."""
    name = f"/{runtime.new_id()}:b:c"
    bundle.linux["cgroupsPath"] = name
    bundle.sleep()
    assert relative(cgroup.of_process(runtime.create(bundle).pid))["pids"] == name[1:]


@pytest.mark.parametrize("given", [True, False], ids=["relative", "absent"])
def test_relative_path(runtime: Runtime, bundle: Bundle, given: bool) -> None:
    """LNX-CG-02: relative or absent, it is below the runtime's own cgroups; absent, it is named by the id."""
    name = runtime.new_id()
    if given:
        bundle.linux["cgroupsPath"] = name
    bundle.sleep()
    container = runtime.create(bundle, name=runtime.new_id() if given else name)
    mine = {kind: os.path.join(folder, name) for kind, folder in cgroup.of_process(os.getpid()).items()}
    found = cgroup.of_process(container.pid)
    del mine[""], found[""]
    assert found == mine


@pytest.mark.parametrize("path", ["/../../../{}", "/a/../../../{}", "../../../../{}"])
def test_dots_never_leave_the_hierarchy(runtime: Runtime, bundle: Bundle, path: str) -> None:
    """LNX-CG-03: `..` can never leave the hierarchy's mount point."""
    name = runtime.new_id()
    bundle.linux["cgroupsPath"] = path.format(name)
    bundle.args("true")
    container = runtime.create(bundle)
    for kind, folder in cgroup.of_process(container.pid).items():
        assert os.path.basename(folder) == name
        assert folder.startswith(cgroup.hierarchies()[kind] + "/")
    found = cgroup.folders_named(name)
    assert found
    assert not os.path.exists(f"/{name}")
    assert not os.path.exists(f"/sys/fs/cgroup/{name}")


def test_limits_are_in_force_before_the_program(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG-05: after create, before start, the limits are set and init is in the cgroup."""
    bundle.resources.update(pids={"limit": 9}, memory={"limit": 100 << 20})
    bundle.args("cat", "/sys/fs/cgroup/pids/pids.max")
    container = runtime.create(bundle)
    folders = cgroup.of_process(container.pid)
    assert cgroup.read(folders["pids"], "pids.max") == "9"
    assert cgroup.read(folders["memory"], "memory.limit_in_bytes") == str(100 << 20)
    container.start()
    assert container.wait_output("\n") == "9\n"


def test_init_cannot_fork_out_of_its_limit(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG-05: what the program forks is limited from its first instruction on."""
    bundle.resources["pids"] = {"limit": 8}
    bundle.sh("for n in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1000 & done; echo all; kill -9 -1")
    result = runtime.run_bundle(bundle)
    assert "all" not in result.out
    assert "can't fork" in result.err


MISSING: dict[str, dict[str, Any]] = {
    "hugetlb": {"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]},
    "net_cls": {"network": {"classID": 5}},
    "net_prio": {"network": {"priorities": [{"name": "lo", "priority": 1}]}},
    "rdma": {"rdma": {"mlx5_1": {"hcaHandles": 3}}},
}


@pytest.mark.parametrize("name", MISSING)
def test_setting_for_a_missing_controller_is_refused(runtime: Runtime, bundle: Bundle, name: str) -> None:
    """LNX-CG-06: a setting for a controller that the host has not mounted is an error that names it.

    runc 1.1 ignores some.
    """
    if name in cgroup.hierarchies():
        pytest.skip(f"{name} is mounted here")
    bundle.resources.update(MISSING[name])
    refused(runtime, bundle, f"cannot set {name} limit: container could not join or create cgroup")


def test_missing_controllers_without_settings_are_ignored(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG-06: a missing controller with no setting for it is ignored."""
    bundle.resources.update(hugepageLimits=[], network={}, rdma={})
    assert inside(runtime, bundle, "echo seen") == "seen\n"


def test_failure_to_make_the_cgroup(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG-07: a cgroup that cannot be made gives the words callers know."""
    readonly = f"mount -o remount,bind,ro {cgroup.hierarchies()['pids']}"
    through(runtime, f'exec unshare --mount sh -c \'{readonly} && exec "$@"\' sh "$@"')
    refused(runtime, bundle, "unable to apply cgroup configuration")


def test_ownership_is_untouched_on_v1(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG-09: on v1 the folders stay root's, with a user and a cgroup namespace too."""
    bundle.user_namespace()
    bundle.namespace("cgroup")
    bundle.mounts[-1]["options"] = ["nosuid", "noexec", "nodev", "relatime", "rw"]
    bundle.sh("stat -c %u /sys/fs/cgroup/pids /sys/fs/cgroup/pids/cgroup.procs; exec sleep 1000")
    container = runtime.started(bundle)
    container.wait_output("\n")
    owners = {os.stat(folder).st_uid for folder in cgroup.of_process(container.pid).values()}
    assert owners == {0}
    assert container.output().split() == ["65534", "65534"]


def test_joining_an_existing_cgroup(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG-01: an existing empty cgroup is used, and the same value gives the same place again."""
    name = runtime.new_id()
    made = cgroup.make("pids", name)
    bundle.linux["cgroupsPath"] = f"/{name}"
    bundle.sleep()
    for _ in range(2):
        container = runtime.create(bundle)
        assert cgroup.of_process(container.pid)["pids"] == made
        container.delete("--force").ok()
        assert container.reap() >= 0


def test_nothing_is_left_after_delete(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG-04: delete removes the cgroup from every hierarchy; hybrid hosts have v1 ones and v2 (LNX-CG-10)."""
    name = runtime.new_id()
    bundle.linux["cgroupsPath"] = f"/{name}"
    bundle.sleep()
    container = runtime.create(bundle)
    assert len(cgroup.folders_named(name)) == len(set(cgroup.hierarchies().values()))
    container.delete("--force").ok()
    assert cgroup.folders_named(name) == []
