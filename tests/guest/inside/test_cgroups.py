"""Where the container's cgroup is on v2, and who owns it. tests/conformance/test_cgroups.py is for v1."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.conformance.inside import refused, through
from tests.support import Bundle, Runtime, cgroup

MIB = 1 << 20
NO_LIMIT = (1 << 64) - 1
ROOT = "/sys/fs/cgroup"


def test_absolute_path(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG-01, LNX-CG-04, LNX-CG-10: an absolute cgroupsPath is that path below the mount point, the only one."""
    name = runtime.new_id()
    bundle.linux["cgroupsPath"] = f"/{name}/inner"
    bundle.sleep()
    container = runtime.create(bundle)
    assert cgroup.of_process(container.pid) == {"": f"{ROOT}/{name}/inner"}
    container.delete("--force").ok()
    assert not os.path.exists(f"{ROOT}/{name}/inner")
    cgroup.remove(f"{ROOT}/{name}")


def test_colons_are_part_of_a_name(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG-01: with the cgroupfs driver a value such as `a:b:c` is an ordinary folder name."""
    name = f"{runtime.new_id()}:b:c"
    bundle.linux["cgroupsPath"] = f"/{name}"
    bundle.sleep()
    assert cgroup.of_process(runtime.create(bundle).pid) == {"": f"{ROOT}/{name}"}


@pytest.mark.parametrize("given", [True, False], ids=["relative", "absent"])
def test_relative_path(runtime: Runtime, bundle: Bundle, given: bool) -> None:
    """LNX-CG-02: relative or absent, it is below the parent of the runtime's own; absent, it is named by the id."""
    name = runtime.new_id()
    bundle.linux.pop("cgroupsPath", None)
    if given:
        bundle.linux["cgroupsPath"] = name
    bundle.sleep()
    container = runtime.create(bundle, name=runtime.new_id() if given else name)
    parent = os.path.dirname(cgroup.of_process(os.getpid())[""])
    assert cgroup.of_process(container.pid) == {"": os.path.join(parent, name)}


@pytest.mark.parametrize("path", ["/../../../{}", "/a/../../../{}", "../../../../{}"])
def test_dots_never_leave_the_hierarchy(runtime: Runtime, bundle: Bundle, path: str) -> None:
    """LNX-CG-03: `..` can never leave the hierarchy's mount point."""
    name = runtime.new_id()
    bundle.linux["cgroupsPath"] = path.format(name)
    bundle.args("true")
    folder = cgroup.of_process(runtime.create(bundle).pid)[""]
    assert os.path.basename(folder) == name
    assert folder.startswith(f"{ROOT}/")
    assert os.path.isdir(folder)
    assert not os.path.exists(f"/{name}")


def test_limits_are_in_force_before_the_program(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG-05: after create, before start, the limits are set and init is in the cgroup."""
    bundle.resources.update(pids={"limit": 9}, memory={"limit": 100 * MIB})
    bundle.args("true")
    folder = cgroup.of_process(runtime.create(bundle).pid)[""]
    assert cgroup.read(folder, "pids.max") == "9"
    assert cgroup.read(folder, "memory.max") == str(100 * MIB)


def test_init_cannot_fork_out_of_its_limit(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG-05: what the program forks is limited from its first instruction on."""
    bundle.resources["pids"] = {"limit": 8}
    bundle.sh("for n in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1000 & done; echo all; kill -9 -1")
    result = runtime.run_bundle(bundle)
    assert "all" not in result.out
    assert "can't fork" in result.err


def test_failure_to_make_the_cgroup(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CG-07: a cgroup that cannot be made gives the words callers know."""
    readonly = f"mount -o remount,bind,ro {ROOT}"
    through(runtime, f'exec unshare --mount sh -c \'{readonly} && exec "$@"\' sh "$@"')
    refused(runtime, bundle, "unable to apply cgroup configuration")


@pytest.mark.parametrize(
    ("own", "writable"), [(True, False), (False, True), (False, False)], ids=["ro", "inherited", "inherited, ro"]
)
def test_ownership_is_untouched(runtime: Runtime, bundle: Bundle, own: bool, writable: bool) -> None:
    """LNX-CG-09: with a read-only mount or the host's cgroup namespace the folder stays root's, nobody's inside."""
    bundle.user_namespace()
    if own:
        bundle.namespace("cgroup")
    else:
        bundle.drop_namespace("cgroup")
    bundle.mounts[-1]["options"] = ["nosuid", "noexec", "nodev", "relatime", "rw" if writable else "ro"]
    bundle.sh(f"stat -c %u {ROOT} {ROOT}/cgroup.procs; exec sleep 1000")
    container = runtime.started(bundle)
    container.wait_output("\n")
    folder = cgroup.of_process(container.pid)[""]
    assert {os.stat(os.path.join(folder, name)).st_uid for name in ("", "cgroup.procs")} == {0}
    assert set(container.output().split()) == {"65534"}


@pytest.mark.parametrize("resources", [None, {}, {"devices": []}], ids=["no resources", "no list", "empty list"])
def test_default_devices(runtime: Runtime, bundle: Bundle, resources: dict[str, Any] | None) -> None:
    """LNX-DEVC-06, LNX-DEVC-07: without rules the default devices open, and no other."""
    bundle.linux["resources"] = resources
    bundle.linux["devices"] = [{"path": "/dev/log-of-the-kernel", "type": "c", "major": 1, "minor": 11}]
    bundle.sh(": </dev/null && : </dev/zero && : </dev/urandom && echo default; : </dev/log-of-the-kernel")
    result = runtime.run_bundle(bundle)
    assert result.out == "default\n"
    assert "Operation not permitted" in result.err


def test_memory_of_a_stats_event(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EVT-09: cache, limits in four groups, every line of memory.stat; unlimited is 2^64 - 1."""
    bundle.resources["memory"] = {"limit": 32 * MIB}
    bundle.sleep()
    container = runtime.started(bundle)
    held = json.loads(runtime.run("events", "--stats", container.id).ok().out)["data"]["memory"]
    assert held["usage"]["limit"] == 32 * MIB
    assert 0 < held["usage"]["usage"] <= 32 * MIB
    assert held["swap"]["limit"] == NO_LIMIT
    for name in ("usage", "swap", "kernel", "kernelTCP"):
        assert {"limit", "failcnt"} <= set(held[name])
    lines = cgroup.read(cgroup.of_process(container.pid)[""], "memory.stat").splitlines()
    assert set(held["raw"]) == {line.split()[0] for line in lines}
    assert all(type(number) is int for number in held["raw"].values())
