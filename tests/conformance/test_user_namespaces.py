"""User namespaces: mappings, ownership of what the set-up makes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest

from tests.conformance.inside import inside, refused
from tests.support import Bundle, Container, Runtime


@pytest.mark.parametrize("kind", ["uid", "gid"])
def test_missing_mappings_are_refused(runtime: Runtime, bundle: Bundle, kind: str) -> None:
    """LNX-UNS-01: a new user namespace without mappings is refused in the words callers know."""
    bundle.user_namespace()
    bundle.linux[f"{kind}Mappings"] = []
    refused(runtime, bundle, f"User namespaces enabled, but no {kind} mappings found.")


@pytest.fixture
def other(runtime: Runtime, make_bundle: Callable[..., Bundle]) -> Container:
    """A running container with a user namespace of 65536 ids from 100000 on."""
    bundle = make_bundle("first")
    bundle.user_namespace()
    bundle.sleep()
    return runtime.started(bundle)


def test_maps_differing_from_the_joined_ones_are_refused(runtime: Runtime, bundle: Bundle, other: Container) -> None:
    """LNX-UNS-01: maps differing from those of a namespace joined by path are an error. runc 1.1 lets them pass."""
    bundle.user_namespace(host_id=200000)
    bundle.namespace("user", f"/proc/{other.pid}/ns/user")
    refused(runtime, bundle)


def test_maps_repeated_from_the_joined_ones_are_fine(runtime: Runtime, bundle: Bundle, other: Container) -> None:
    """LNX-UNS-01: mappings that are those of the joined namespace may be given."""
    bundle.user_namespace()
    bundle.namespace("user", f"/proc/{other.pid}/ns/user")
    assert inside(runtime, bundle, "cat /proc/self/uid_map").split() == ["0", "100000", "65536"]


@pytest.mark.parametrize("kind", ["uid", "gid"])
def test_mappings_without_a_user_namespace_are_refused(runtime: Runtime, bundle: Bundle, kind: str) -> None:
    """LNX-UNS-02: mappings without a user namespace are refused in the words callers know. runc 1.1 ignores them."""
    bundle.linux[f"{kind}Mappings"] = [{"containerID": 0, "hostID": 100000, "size": 10}]
    refused(runtime, bundle, "User namespace mappings specified, but", "user namespace isn't enabled in the config")


def test_maps_are_written_as_listed(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UNS-03: several lines are written exactly as listed, uids and gids apart."""
    bundle.user_namespace()
    uids = [(0, 100000, 1), (1, 200000, 10), (1000, 300000, 5)]
    gids = [(0, 100000, 7), (50, 400000, 3)]
    for key, maps in (("uidMappings", uids), ("gidMappings", gids)):
        bundle.linux[key] = [{"containerID": a, "hostID": b, "size": c} for a, b, c in maps]
    bundle.mounts[2]["options"].remove("gid=5")
    out = inside(runtime, bundle, "cat /proc/self/uid_map; echo -; cat /proc/self/gid_map")
    shown = [[tuple(map(int, line.split())) for line in part.splitlines()] for part in out.split("-\n")]
    assert shown == [uids, gids]


def test_many_lines(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UNS-03: many lines, as far as they fit into one write of a page, are written as well."""
    bundle.user_namespace()
    maps = [{"containerID": number, "hostID": 100000 + number * 3, "size": 1} for number in range(250)]
    bundle.linux.update(uidMappings=maps, gidMappings=maps)
    assert inside(runtime, bundle, "wc -l </proc/self/uid_map") == "250\n"


def test_setup_runs_as_the_namespaces_root(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UNS-05: what the set-up makes and mounts belongs to the container's root."""
    bundle.user_namespace(host_id=100000)
    bundle.mount("/new/folder", "tmpfs", "tmpfs")
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    script = "stat -c '%u:%g' /dev /dev/shm /new /new/folder /dev/fd"
    assert inside(runtime, bundle, script).split() == ["0:0"] * 5
    assert os.stat(os.path.join(bundle.rootfs, "new")).st_uid == 100000


def test_root_inside_is_nobody_outside(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UNS-05: the program's root is the mapped id on the host."""
    bundle.user_namespace(host_id=100000)
    bundle.config["root"]["readonly"] = False
    inside(runtime, bundle, "id -u; touch /tmp/made")
    made = os.stat(os.path.join(bundle.rootfs, "tmp/made"))
    assert (made.st_uid, made.st_gid) == (100000, 100000)


def test_mapping_without_root(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UNS-05: the namespace's uid 0 need not be mapped for a program of another uid.

    What the set-up makes has no owner to show then, so the bundle brings all targets along.
    """
    bundle.user_namespace()
    for key in ("uidMappings", "gidMappings"):
        bundle.linux[key] = [{"containerID": 1000, "hostID": 101000, "size": 1}]
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.sh("id -u")
    bundle.mounts[2]["options"].remove("gid=5")
    result = runtime.run_bundle(bundle)
    assert (result.code, result.out) in ((0, "1000\n"), (1, ""))


def test_joining_without_mappings(runtime: Runtime, bundle: Bundle, other: Container) -> None:
    """LNX-UNS-06: joining by path without mappings reads the maps from that namespace. runc 1.1 cannot."""
    bundle.user_namespace()
    bundle.namespace("user", f"/proc/{other.pid}/ns/user")
    del bundle.linux["uidMappings"], bundle.linux["gidMappings"]
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    out = inside(runtime, bundle, "readlink /proc/self/ns/user; cat /proc/self/uid_map; id -u")
    assert out.split() == [os.readlink(f"/proc/{other.pid}/ns/user"), "0", "100000", "65536", "1000"]


def test_joining_a_bound_file_without_mappings(runtime: Runtime, bundle: Bundle, other: Container) -> None:
    """LNX-UNS-06: the same for a namespace bind mounted on a file. runc 1.1 cannot."""
    path = runtime.new_path("user")
    with open(path, "w", encoding="ascii"):
        pass
    subprocess.run(["mount", "--bind", f"/proc/{other.pid}/ns/user", path], check=True)
    try:
        bundle.user_namespace()
        bundle.namespace("user", path)
        del bundle.linux["uidMappings"], bundle.linux["gidMappings"]
        assert inside(runtime, bundle, "cat /proc/self/uid_map").split() == ["0", "100000", "65536"]
    finally:
        subprocess.run(["umount", path], check=True)


def test_exec_fifo_belongs_to_the_mapped_root(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-UNS-07: exec.fifo is owned by the mapped root, so that the init can open it."""
    bundle.user_namespace(host_id=100000)
    bundle.args("true")
    container = runtime.create(bundle)
    found = os.stat(os.path.join(container.state_folder, "exec.fifo"))
    assert (found.st_uid, found.st_gid) == (100000, 100000)
    container.start()
    assert container.reap() == 0


@pytest.mark.parametrize("uid", [0, 1000])
def test_stdio_can_be_reopened(runtime: Runtime, bundle: Bundle, uid: int) -> None:
    """LNX-UNS-07: foreground pipes belong to the mapped user, who can reopen /dev/stdout."""
    bundle.user_namespace()
    bundle.process["user"] = {"uid": uid, "gid": uid}
    assert inside(runtime, bundle, "echo through >/dev/stdout; echo error >/dev/stderr") == "through\n"


def test_exec_joins_the_user_namespace(runtime: Runtime, bundle: Bundle, other: Container) -> None:
    """LNX-UNS-05: exec'd programs are in the namespace as well."""
    out = other.sh("cat /proc/self/uid_map; id -u").ok().out
    assert out.split() == ["0", "100000", "65536", "0"]
