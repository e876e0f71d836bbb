"""Containers of callers that are not root, on a host whose cgroups are root's alone."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.conformance.inside import (
    field,
    inside,
    mounts_inside,
    no_mounts_left,
    refused,
    through,
    warnings,
    write_file,
)
from tests.support import Bundle, Runtime, cgroup
from tests.support.rootless import give, make_rootless
from tests.support.runtime import BINARY

CALLER = 1000
SWITCH = f'exec setpriv --reuid={CALLER} --regid={CALLER} --clear-groups --inh-caps=-all "$@"'


@pytest.fixture
def rootless(runtime: Runtime, bundle: Bundle) -> Bundle:
    """The bundle as `spec --rootless` makes it, for a runtime that is called by an ordinary user."""
    through(runtime, SWITCH)
    make_rootless(bundle, CALLER)
    give(runtime.folder, CALLER)
    return bundle


def test_ordinary_user(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-RLESS-01, LNX-RLESS-04: a caller with another euid than 0 is rootless, and runs without cgroup and limits."""
    out = inside(runtime, rootless, "id -u; cat /proc/self/uid_map /proc/self/setgroups; hostname")
    assert out.split() == ["0", "0", str(CALLER), "1", "deny", "ringfence"]


def test_life_of_a_rootless_container(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-RLESS-04: create, start, exec, kill and delete work without a cgroup."""
    rootless.sleep()
    container = runtime.started(rootless)
    assert container.sh("id -u").ok().out == "0\n"
    container.end()
    container.delete().ok()
    assert not container.exists()


@pytest.mark.parametrize("word", ["true", "false", "auto", "1", "F"])
def test_option_of_root(runtime: Runtime, bundle: Bundle, word: str) -> None:
    """LNX-RLESS-01: `--rootless` overrides what the euid says; root's containers run either way."""
    bundle.user_namespace()
    bundle.args("true")
    assert runtime.run_bundle(bundle, options=[*runtime.globals(), "--rootless", word]).code == 0


def test_option_false(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-RLESS-01: `--rootless=false` demands the cgroups, which an ordinary caller cannot make."""
    rootless.args("true")
    result = runtime.run_bundle(rootless, options=[*runtime.globals(), "--rootless=false"])
    assert result.code == 1
    assert "permission denied" in runtime.last_error()


def test_user_namespace_is_needed(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-RLESS-02: without a user namespace it is an error."""
    rootless.drop_namespace("user")
    del rootless.linux["uidMappings"], rootless.linux["gidMappings"]
    refused(runtime, rootless)


@pytest.mark.parametrize("key", ["uidMappings", "gidMappings"])
def test_mappings_are_needed(runtime: Runtime, rootless: Bundle, key: str) -> None:
    """LNX-RLESS-02: at least one uid and one gid mapping are needed."""
    rootless.linux[key] = []
    refused(runtime, rootless)


@pytest.mark.parametrize("word", ["uid=5", "gid=5"])
def test_unmapped_mount_option(runtime: Runtime, rootless: Bundle, word: str) -> None:
    """LNX-RLESS-03: a mount option that names an unmapped id is an error; a mapped one is fine."""
    rootless.mount("/mnt", "tmpfs", "tmpfs", word.replace("5", "0"))
    assert "/mnt" in mounts_inside(runtime, rootless)
    rootless.mounts[-1]["options"] = [word]
    refused(runtime, rootless)


LIMITS: list[dict[str, Any]] = [{"pids": {"limit": 50}}, {"memory": {"limit": 1 << 26}}, {"cpu": {"shares": 500}}]


@pytest.mark.parametrize("resources", LIMITS, ids=str)
def test_limits_without_permission(runtime: Runtime, rootless: Bundle, resources: dict[str, Any]) -> None:
    """LNX-RLESS-05: limits without permission are an error in the words callers know."""
    rootless.linux["resources"] = resources
    message = refused(runtime, rootless)
    assert (
        "rootless needs no limits + no cgrouppath when no permission is granted for cgroups" in message
        or f"cannot set {next(iter(resources))} limit: container could not join or create cgroup" in message
    )


def test_path_without_permission(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-RLESS-05: a cgroupsPath without permission is an error in the words callers know."""
    rootless.linux["cgroupsPath"] = f"/{runtime.new_id()}"
    refused(runtime, rootless, "unable to apply cgroup configuration", "permission denied")


def test_device_nodes_are_bound(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-RLESS-07: device nodes are the host's, whose owner shows as 65534; device rules are skipped."""
    rootless.linux["resources"] = {"devices": [{"allow": False, "access": "rwm"}]}
    out = inside(runtime, rootless, "stat -c '%t:%T %u' /dev/null /dev/zero; echo x >/dev/null; head -c1 /dev/zero")
    assert out.replace("\0", "").split() == ["1:3", "65534", "1:5", "65534"]


def test_supplementary_groups_are_refused(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-USER-04: where setgroups is denied, additionalGids are an error and an empty list is skipped."""
    rootless.process["user"]["additionalGids"] = []
    assert inside(runtime, rootless, "echo seen") == "seen\n"
    rootless.process["user"]["additionalGids"] = [0]
    refused(runtime, rootless)


def test_set_groups_is_denied(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-UNS-04: setgroups is `deny` in the namespace of an unprivileged caller's single id."""
    assert inside(runtime, rootless, "cat /proc/self/setgroups") == "deny\n"


def test_many_ids(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-UNS-03: a caller that is not root gets more ids through newuidmap and newgidmap."""
    user = write_file(runtime.new_path(), f"caller:x:{CALLER}:{CALLER}::/:/bin/sh\n")
    group = write_file(runtime.new_path(), f"caller:x:{CALLER}:\n")
    ids = write_file(runtime.new_path(), "caller:100000:65536\n")
    over = {"passwd": user, "group": group, "subuid": ids, "subgid": ids}
    binds = "; ".join(f"touch /etc/{name}; mount --bind {path} /etc/{name}" for name, path in over.items())
    script = write_file(runtime.new_path(), f'#!/bin/sh\nset -e\n{binds}\n"$@"\n', 0o755)
    through(runtime, f'exec unshare --mount --propagation private {script} "$@"')
    for key in ("uidMappings", "gidMappings"):
        rootless.linux[key].append({"containerID": 1, "hostID": 100000, "size": 1000})
    rootless.process["user"] = {"uid": 5, "gid": 6}
    out = inside(runtime, rootless, "id -u; id -g; cat /proc/self/uid_map")
    assert out.split() == ["5", "6", "0", str(CALLER), "1", "1", "100000", "1000"]


def test_limits_may_be_lowered_only(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-RLIM-04: a rootless caller may lower limits, not raise them."""
    rootless.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 100}]
    assert inside(runtime, rootless, "ulimit -Hn") == "100\n"
    rootless.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 2_000_000}]
    refused(runtime, rootless, "operation not permitted")


def test_id_mapped_mounts_are_refused(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-IDMAP-02: an id-mapped mount of a rootless caller is an error. runc 1.1 does not know them."""
    rootless.bind(rootless.rootfs, "/mnt", "idmap")
    maps = [{"containerID": 0, "hostID": CALLER, "size": 1}]
    rootless.mounts[-1].update(uidMappings=maps, gidMappings=maps)
    refused(runtime, rootless)


def test_network_devices_are_refused(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-NET-01: netDevices of a rootless caller are an error. runc 1.1 does not know them."""
    rootless.namespace("network")
    rootless.linux["netDevices"] = {"lo": {}}
    refused(runtime, rootless)


def test_cgroup_mount_is_readonly(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-CGM-06: `ro` of a cgroup mount holds for rootless callers too."""
    words = ["nosuid", "noexec", "nodev", "relatime", "ro"]
    rootless.mount("/sys/fs/cgroup", "cgroup", "cgroup", *words)
    name = runtime.new_id()
    folder = cgroup.hierarchies()["" if cgroup.is_v2() else "pids"]
    rootless.sh(f"mkdir /sys/fs/cgroup/{'' if cgroup.is_v2() else 'pids/'}{name}")
    result = runtime.run_bundle(rootless)
    assert result.code == 1
    assert not os.path.exists(os.path.join(folder, name))


def test_nothing_to_kill_it_by(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-LIFE-28: without a cgroup and without a pid namespace of its own there is a warning."""
    assert inside(runtime, rootless, "echo seen") == "seen\n"
    assert warnings(runtime) == []
    rootless.drop_namespace("pid")
    options = ["rbind", "nosuid", "nodev", "noexec"]
    rootless.mounts[0] = {"destination": "/proc", "type": "none", "source": "/proc", "options": options}
    assert inside(runtime, rootless, "echo seen") == "seen\n"
    assert any("Such configuration is strongly discouraged" in text for text in warnings(runtime))


def test_bind_of_proc(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-PROC-05: without a pid namespace, a bind of /proc takes the place of proc."""
    rootless.drop_namespace("pid")
    options = ["rbind", "nosuid", "nodev", "noexec"]
    rootless.mounts[0] = {"destination": "/proc", "type": "none", "source": "/proc", "options": options}
    assert inside(runtime, rootless, f"test -d /proc/{os.getpid()} && echo seen") == "seen\n"


def test_folder_only_the_caller_can_enter(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-CWD-04: a cwd that only the caller can enter is entered."""
    folder = os.path.join(rootless.rootfs, "private")
    os.mkdir(folder)
    os.chown(folder, CALLER, CALLER)
    os.chmod(folder, 0o700)
    rootless.process["cwd"] = "/private"
    assert inside(runtime, rootless, "pwd") == "/private\n"


def test_source_the_caller_cannot_reach(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-MNT-15: a source that only root can reach stays out of reach for a rootless caller."""
    folder = runtime.new_path("private")
    os.mkdir(folder, 0o700)
    rootless.bind(os.path.join(folder, "inner"), "/mnt")
    os.mkdir(os.path.join(folder, "inner"))
    refused(runtime, rootless, "permission denied")


def test_root_of_a_user_namespace(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-RLESS-08: root inside a user namespace is treated alike."""
    runtime.binary = nested(runtime)
    for key in ("uidMappings", "gidMappings"):
        rootless.linux[key] = [{"containerID": 0, "hostID": 0, "size": 1}]
    rootless.linux["resources"] = {"devices": [{"allow": False, "access": "rwm"}]}
    out = inside(runtime, rootless, "id -u; cat /proc/self/uid_map; head -c1 /dev/zero | wc -c")
    assert out.split() == ["0", "0", "0", "1", "1"]


def nested(runtime: Runtime) -> str:
    """A wrapper that first becomes the caller and then root of a new user namespace."""
    path = runtime.new_path("nested")
    become = f"setpriv --reuid={CALLER} --regid={CALLER} --clear-groups --inh-caps=-all"
    script = f'#!/bin/sh\nexec {become} unshare --user --map-root-user --mount {BINARY} "$@"\n'
    return write_file(path, script, 0o755)


def test_the_host_is_unchanged(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-RLESS-04: mounts and cgroups of the host are as before."""
    rootless.sleep()
    with no_mounts_left(runtime):
        container = runtime.started(rootless)
    assert set(cgroup.of_process(container.pid).values()) == set(cgroup.of_process(os.getpid()).values())


def test_capabilities_are_those_of_the_namespace(runtime: Runtime, rootless: Bundle) -> None:
    """LNX-RLESS-08: the program's capabilities hold in its user namespace: it can mount a tmpfs of its own."""
    for kind in ("bounding", "effective", "permitted"):
        rootless.process["capabilities"][kind].append("CAP_SYS_ADMIN")
    out = inside(runtime, rootless, "mount -t tmpfs tmpfs /mnt && echo mounted; cat /proc/self/status")
    assert out.startswith("mounted\n")
    assert int(field(out, "CapEff"), 16) & 1 << 21
