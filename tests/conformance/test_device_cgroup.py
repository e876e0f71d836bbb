"""linux.devices, and linux.resources.devices on cgroup v1."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.conformance.inside import inside, refused
from tests.support import Bundle, Container, Runtime, cgroup
from tests.support.mark import needs

DENIED = "Operation not permitted"
DENY_ALL: dict[str, Any] = {"allow": False, "access": "rwm"}
# The loop control device: opening it has no effect, and no default rule allows it.
EXTRA = {"path": "/dev/extra", "type": "c", "major": 10, "minor": 237, "fileMode": 0o666}
DEFAULT_RULES = {"c *:* m", "b *:* m", "c 136:* rwm"} | {
    f"c {number} rwm" for number in ("1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:2")
}
needs_device = pytest.mark.skipif(not os.path.exists("/dev/loop-control"), reason="the kernel has no loop devices")
v1_only = pytest.mark.skipif(cgroup.is_v2(), reason="the host is on cgroup v2")


def allow(**rule: Any) -> dict[str, Any]:
    """A rule that allows."""
    return {"allow": True, **rule}


def deny(**rule: Any) -> dict[str, Any]:
    """A rule that denies."""
    return {"allow": False, **rule}


def access(runtime: Runtime, bundle: Bundle, *rules: dict[str, Any]) -> str:
    """Which of r and w the program may open the device with under these rules."""
    bundle.linux["devices"] = [EXTRA]
    bundle.resources["devices"] = list(rules)
    return inside(runtime, bundle, "(: </dev/extra) && echo r; (: >/dev/extra) && echo w; true").replace("\n", "")


def test_nodes_of_every_type(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEVC-01: types c, u (= c), b and p, with decimal mode and owner, anywhere in the container."""
    bundle.linux["devices"] = [
        {"path": "/dev/char", "type": "c", "major": 1, "minor": 5, "fileMode": 0o640, "uid": 7, "gid": 8},
        {"path": "/srv/deep/unbuffered", "type": "u", "major": 1, "minor": 3},
        {"path": "/dev/sub/block", "type": "b", "major": 7, "minor": 300},
        {"path": "/dev/fifo", "type": "p", "fileMode": 0o622},
    ]
    names = " ".join(device["path"] for device in bundle.linux["devices"])
    assert inside(runtime, bundle, f"stat -c '%F %t:%T %a %u:%g' {names}").splitlines() == [
        "character special file 1:5 640 7:8",
        "character special file 1:3 666 0:0",
        "block special file 7:12c 666 0:0",
        "fifo 0:0 622 0:0",
    ]


def test_unknown_type_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEVC-01: another type is refused and quoted."""
    bundle.linux["devices"] = [{"path": "/dev/x", "type": "q", "major": 1, "minor": 3}]
    refused(runtime, bundle, 'invalid device type "q"')


@pytest.mark.parametrize("kind", ["c", "b", "u"])
def test_numbers_are_needed(runtime: Runtime, bundle: Bundle, kind: str) -> None:
    """LNX-DEVC-01: major and minor are needed except for p. runc 1.1 takes 0."""
    bundle.linux["devices"] = [{"path": "/dev/x", "type": kind}]
    refused(runtime, bundle)


@pytest.mark.parametrize("existing", ["file", "folder", "other device"])
def test_something_else_at_the_path_is_refused(runtime: Runtime, bundle: Bundle, existing: str) -> None:
    """LNX-DEVC-02: an existing file at the path that is not that device is an error; runc keeps it silently."""
    path = os.path.join(bundle.rootfs, "srv-device")
    if existing == "file":
        bundle.file("/srv-device", "old")
    elif existing == "folder":
        os.mkdir(path)
    else:
        os.mknod(path, 0o666 | 0o020000, os.makedev(1, 5))
    bundle.linux["devices"] = [{"path": "/srv-device", "type": "c", "major": 1, "minor": 3}]
    refused(runtime, bundle)
    assert os.path.exists(path)


def test_the_same_device_at_the_path_is_fine(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEVC-02: the very device being there already is no error."""
    os.mknod(os.path.join(bundle.rootfs, "srv-device"), 0o666 | 0o020000, os.makedev(1, 3))
    bundle.linux["devices"] = [{"path": "/srv-device", "type": "c", "major": 1, "minor": 3}]
    assert inside(runtime, bundle, "stat -c %t:%T /srv-device") == "1:3\n"


@needs_device
def test_a_node_gives_no_access(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEVC-03: without an allow rule, opening a configured node is `Operation not permitted`."""
    bundle.linux["devices"] = [EXTRA]
    bundle.sh(": </dev/extra")
    assert DENIED in runtime.run_bundle(bundle).err
    assert access(runtime, bundle, DENY_ALL) == ""


RULES: dict[str, tuple[list[dict[str, Any]], str]] = {
    "exact": ([DENY_ALL, allow(type="c", major=10, minor=237, access="rwm")], "rw"),
    "read only": ([DENY_ALL, allow(type="c", major=10, minor=237, access="r")], "r"),
    "write only": ([DENY_ALL, allow(type="c", major=10, minor=237, access="w")], "w"),
    "any minor": ([DENY_ALL, allow(type="c", major=10, access="rw")], "rw"),
    "any minor by -1": ([DENY_ALL, allow(type="c", major=10, minor=-1, access="rw")], "rw"),
    "any number": ([DENY_ALL, allow(type="c", access="rw")], "rw"),
    "other minor": ([DENY_ALL, allow(type="c", major=10, minor=238, access="rw")], ""),
    "block": ([DENY_ALL, allow(type="b", major=10, minor=237, access="rw")], ""),
    "no access is all": ([DENY_ALL, allow(type="c", major=10, minor=237)], "rw"),
    "unknown letters": ([DENY_ALL, allow(type="c", major=10, minor=237, access="rx")], "r"),
    "two rules": (
        [
            DENY_ALL,
            allow(type="c", major=10, minor=237, access="r"),
            allow(type="c", major=10, minor=237, access="w"),
        ],
        "rw",
    ),
    "taken back": (
        [
            DENY_ALL,
            allow(type="c", major=10, minor=237, access="rw"),
            deny(type="c", major=10, minor=237, access="w"),
        ],
        "r",
    ),
}


@needs_device
@pytest.mark.parametrize("name", RULES)
def test_rules_in_order(runtime: Runtime, bundle: Bundle, name: str) -> None:
    """LNX-DEVC-04: rules apply in order; unset and -1 numbers are wildcards; unset access is rwm.

    runc 1.1 demands an access.
    """
    rules, expected = RULES[name]
    assert access(runtime, bundle, *rules) == expected


@needs_device
@pytest.mark.parametrize("kind", [{"type": "a"}, {}], ids=["a", "none"])
def test_type_a_resets(runtime: Runtime, bundle: Bundle, kind: dict[str, str]) -> None:
    """LNX-DEVC-05: type a, or none, resets the whole list; its numbers and access do not narrow it.

    runc 1.1 lets them.
    """
    extra = allow(type="c", major=10, minor=237, access="rwm")
    every = {**kind, "access": "rwm"}
    narrow = {**kind, "major": 1, "minor": 1, "access": "r"}
    assert access(runtime, bundle, deny(**every), extra) == "rw"
    assert access(runtime, bundle, extra, deny(**every)) == ""
    assert access(runtime, bundle, allow(**narrow)) == "rw"
    assert access(runtime, bundle, allow(**every), deny(**narrow)) == ""


def rules_of(container: Container) -> set[str]:
    """The lines of the container's device list on cgroup v1."""
    return set(cgroup.read(cgroup.of_process(container.pid)["devices"], "devices.list").splitlines())


@v1_only
@pytest.mark.parametrize(
    "resources",
    [None, {}, {"devices": []}, {"devices": [DENY_ALL]}, {"devices": [{"allow": False, "type": "a"}]}],
    ids=["no resources", "no list", "empty list", "deny all", "deny a"],
)
def test_default_rules(runtime: Runtime, bundle: Bundle, resources: dict[str, Any] | None) -> None:
    """LNX-DEVC-06, LNX-DEVC-07: the default rules are appended, and all there is without resources.devices.

    runc 1.1 allows tun 10:200 as well.
    """
    bundle.linux["resources"] = resources
    bundle.sleep()
    assert rules_of(runtime.create(bundle)) == DEFAULT_RULES


@v1_only
def test_lines_of_the_list(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEVC-08: the list holds lines of the form `TYPE MAJ:MIN ACCESS`. runc 1.1 allows tun 10:200 as well."""
    rules = [allow(type="b", major=7, access="r"), allow(type="c", major=4, minor=1, access="rwm")]
    bundle.resources["devices"] = [DENY_ALL, *rules]
    bundle.sleep()
    assert rules_of(runtime.create(bundle)) == DEFAULT_RULES | {"b 7:* r", "c 4:1 rwm"}


def test_making_nodes_is_allowed(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEVC-06: with CAP_MKNOD any node can be made, but not opened."""
    for kind in ("bounding", "effective", "permitted"):
        bundle.process["capabilities"][kind].append("CAP_MKNOD")
    bundle.mount("/mnt", "tmpfs", "tmpfs", "mode=777")
    bundle.sh("cd /mnt && mknod block b 7 1 && mknod char c 10 237 && ls && : <char")
    result = runtime.run_bundle(bundle)
    assert result.out.split() == ["block", "char"]
    assert DENIED in result.err


def test_default_devices_are_allowed(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEVC-06: rwm for the default devices and for terminals comes after the configured rules."""
    bundle.resources["devices"] = [deny(type="c", major=1, minor=3, access="rwm"), DENY_ALL]
    script = "echo x >/dev/null; head -c 1 /dev/zero | wc -c; exec 7<>/dev/ptmx && echo fine"
    assert inside(runtime, bundle, script).split() == ["1", "fine"]


@needs_device
def test_existence_check(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEVC-10: stat, and an existence check, pass when the device is allowed for rw only."""
    bundle.linux["devices"] = [EXTRA]
    bundle.resources["devices"] = [DENY_ALL, allow(type="c", major=10, minor=237, access="rw")]
    assert inside(runtime, bundle, "test -e /dev/extra && test -r /dev/extra && test -w /dev/extra && echo seen")


@needs("pids")
def test_update_never_interrupts_access(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEVC-08: re-applying the rules never denies a running program an allowed device."""
    bundle.sh("while :; do : >/dev/null || { echo denied; exit 1; }; done")
    container = runtime.started(bundle)
    for limit in range(100, 106):
        assert runtime.run("update", "--pids-limit", str(limit), container.id).code == 0
    assert container.status() == "running"
    assert container.output() == ""


@needs_device
def test_exec_obeys_the_rules(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEVC-03: exec'd programs are under the same rules."""
    bundle.linux["devices"] = [EXTRA]
    bundle.sleep()
    assert DENIED in runtime.started(bundle).sh(": </dev/extra").err
