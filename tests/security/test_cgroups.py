"""Control groups as a way out."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest

from tests.conformance.inside import inside
from tests.security.outside import Outside
from tests.support import Bundle, Runtime, cgroup

WRITE = """
mount -o remount,rw /sys/fs/cgroup
for folder in /sys/fs/cgroup /sys/fs/cgroup/*; do
    [ -e $folder/cgroup.procs ] || continue
    echo seen
    mkdir $folder/escaped && echo made $folder
    for name in release_agent notify_on_release cgroup.procs memory.max memory.limit_in_bytes cgroup.subtree_control; do
        if [ -e $folder/$name ]; then echo 1 >$folder/$name && echo wrote $folder/$name; fi
    done
done 2>/dev/null
true
"""


def host_groups() -> list[str]:
    """Every cgroup called escaped."""
    return cgroup.folders_named("escaped")


@pytest.mark.parametrize("given", [[], ["CAP_DAC_OVERRIDE"], ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"]], ids=str)
def test_mounted_groups_cannot_be_written(runtime: Runtime, bundle: Bundle, given: list[str]) -> None:
    """CVE-2022-0492: release_agent runs a program of its writer's on the host. The mount is read-only."""
    if cgroup.is_v2() and "CAP_SYS_ADMIN" in given:
        pytest.skip(
            "v2 has no release_agent, and CAP_SYS_ADMIN may remount what shows the container's own cgroup alone"
        )
    for held in bundle.process["capabilities"].values():
        held.extend(given)
    assert set(inside(runtime, bundle, WRITE).splitlines()) == {"seen"}
    assert host_groups() == []


def test_groups_of_a_user_namespace_cannot_be_written(runtime: Runtime, bundle: Bundle) -> None:
    """CVE-2023-25809: with a user namespace cgroups may have to be bound from the host: read-only, below too."""
    bundle.user_namespace()
    for held in bundle.process["capabilities"].values():
        held.append("CAP_DAC_OVERRIDE")
    bundle.sh(WRITE)
    result = runtime.run_bundle(bundle)
    assert result.code == 0
    assert set(result.out.splitlines()) == {"seen"}
    assert host_groups() == []


def test_an_own_mount_of_the_groups_gives_nothing(runtime: Runtime, bundle: Bundle, outside: Outside) -> None:
    """CVE-2022-0492: without CAP_SYS_ADMIN cgroups cannot be mounted anew, in a new user namespace neither."""
    made = os.path.join(outside.path, "made")
    attack = f"""
    mkdir -p /dev/shm/cg
    agent=/dev/shm/cg/release_agent
    mount -t cgroup -o rdma none /dev/shm/cg && echo '/bin/touch {made}' >$agent
    unshare -Urm sh -c "mount -t cgroup -o rdma none /dev/shm/cg && echo '/bin/touch {made}' >$agent"
    true"""
    assert inside(runtime, bundle, attack) == ""


@pytest.mark.parametrize("path", ["/../../../..{outside}", "../../..{outside}", "/a/../../../../..{outside}"])
def test_a_cgroup_path_does_not_lead_out(runtime: Runtime, bundle: Bundle, outside: Outside, path: str) -> None:
    """CVE-2021-30465's family: cgroupsPath with dots is no path to a folder of the host."""
    bundle.linux["cgroupsPath"] = path.format(outside=outside.path) + "/" + runtime.new_id()
    bundle.args("true")
    try:
        runtime.run_bundle(bundle)
    finally:
        for mount in set(cgroup.hierarchies().values()):  # groups above the container's own are left to the caller
            scratch = mount + os.path.dirname(os.path.dirname(outside.path))
            cgroup.remove(scratch)
            with suppress(OSError):  # somebody else's may be in it
                os.removedirs(os.path.dirname(scratch))
    outside.assert_untouched()


UNIFIED = ["../escaped/cgroup.procs", "/proc/sys/kernel/core_pattern", "a/b", "..", "cgroup.procs\n"]


@pytest.mark.parametrize("name", UNIFIED)
def test_a_unified_file_is_a_name(runtime: Runtime, bundle: Bundle, name: str) -> None:
    """CVE-2022-0811's family: a key of `unified` is the name of a file, never a path."""
    bundle.resources["unified"] = {name: "|/evil"}
    bundle.args("true")
    assert runtime.run_bundle(bundle).code == 1
