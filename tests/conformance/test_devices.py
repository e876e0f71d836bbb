"""Device nodes and links in /dev."""

from __future__ import annotations

import os
import stat

import pytest

from tests.conformance.inside import host_folder, inside, refused
from tests.support import Bundle, Runtime

DEFAULT = {"null": "1:3", "zero": "1:5", "full": "1:7", "random": "1:8", "urandom": "1:9", "tty": "5:0"}
LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
NAMES = " ".join(DEFAULT)


def nodes(runtime: Runtime, bundle: Bundle, names: str = NAMES) -> dict[str, tuple[str, str, str, str]]:
    """(kind, major:minor, mode, owner) by name of files in /dev; numbers are decimal."""
    out = inside(runtime, bundle, f"cd /dev; stat -c '%n|%F|%t %T|%a|%u:%g' {names}")
    found = {}
    for line in out.splitlines():
        name, kind, numbers, mode, owner = line.split("|")
        major, minor = (int(number, 16) for number in numbers.split())
        found[name] = (kind, f"{major}:{minor}", mode, owner)
    return found


@pytest.mark.parametrize("words", [[], ["ro"]], ids=["writable", "read-only"])
def test_default_devices(runtime: Runtime, bundle: Bundle, words: list[str]) -> None:
    """LNX-DEV-01: six devices are always there, mode 0666, owner 0:0, also when /dev is mounted read-only."""
    bundle.mounts[1]["options"] += words
    expected = {name: ("character special file", number, "666", "0:0") for name, number in DEFAULT.items()}
    assert nodes(runtime, bundle) == expected


def test_readonly_dev(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEV-01: /dev itself is read-only then, the devices still work."""
    bundle.mounts[1]["options"].append("ro")
    bundle.sh("touch /dev/x; echo x >/dev/null && head -c 3 /dev/zero | wc -c")
    result = runtime.run_bundle(bundle)
    assert (result.out, "Read-only file system" in result.err) == ("3\n", True)


def test_devices_work(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEV-01: the devices do what they should, for a user as well."""
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    script = "cat /dev/null; head -c 4 /dev/zero /dev/urandom /dev/random | wc -c; echo x >/dev/full || echo refused"
    bundle.sh(script)
    words = runtime.run_bundle(bundle).out.split()
    assert (int(words[0]) >= 12, words[1]) == (True, "refused")


def test_links(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEV-02: fd, stdin, stdout, stderr are links to /proc/self/fd."""
    script = "cd /dev; for name in fd stdin stdout stderr; do readlink $name; done; echo through >/dev/stdout"
    assert inside(runtime, bundle, script).split() == [*LINKS.values(), "through"]


def test_core_link(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEV-02: core is a link to /proc/kcore exactly if the kernel has that."""
    bundle.linux["maskedPaths"] = []
    out = inside(runtime, bundle, "readlink /dev/core || echo none")
    assert out == ("/proc/kcore\n" if os.path.exists("/proc/kcore") else "none\n")


def without_dev_mount(bundle: Bundle) -> None:
    """Drop every mount at or below /dev."""
    bundle.config["mounts"] = [entry for entry in bundle.mounts if not entry["destination"].startswith("/dev")]


def test_existing_entries_are_left(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEV-02: what is there already is left as it is."""
    without_dev_mount(bundle)
    bundle.file("/dev/stdin", "old")
    os.symlink("elsewhere", os.path.join(bundle.rootfs, "dev/fd"))
    assert inside(runtime, bundle, "cat /dev/stdin; readlink /dev/fd; readlink /dev/stdout").split() == [
        "oldelsewhere",
        "/proc/self/fd/1",
    ]


@pytest.mark.parametrize("before", ["none", "file", "link"])
def test_ptmx_is_a_link(runtime: Runtime, bundle: Bundle, before: str) -> None:
    """LNX-DEV-03: /dev/ptmx is a symlink to `pts/ptmx` and replaces what was there."""
    without_dev_mount(bundle)
    if before == "file":
        bundle.file("/dev/ptmx", "old")
    elif before == "link":
        os.symlink("/etc/passwd", os.path.join(bundle.rootfs, "dev/ptmx"))
    assert inside(runtime, bundle, "readlink /dev/ptmx; head -n1 /etc/passwd").split("\n")[0] == "pts/ptmx"
    assert os.path.getsize(os.path.join(bundle.rootfs, "etc/passwd")) > 0


def test_bound_dev_is_left_alone(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEV-03: if a mount entry binds onto /dev, the runtime makes no nodes, links or ptmx there."""
    source = host_folder(runtime)
    os.mknod(os.path.join(source, "null"), 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    without_dev_mount(bundle)
    bundle.bind(source, "/dev")
    assert inside(runtime, bundle, "ls -A /dev") == "null\n"
    assert os.listdir(source) == ["null"]


def test_hosts_dev_can_be_bound(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEV-03: the host's own /dev, bound as engines do for privileged containers, stays as it is."""
    before = sorted(os.listdir("/dev"))
    without_dev_mount(bundle)
    bundle.mount("/dev", "bind", "/dev", "rbind", "rslave")
    inside(runtime, bundle, "true")
    assert sorted(os.listdir("/dev")) == before


def test_modes_ignore_the_umask(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEV-04: nodes are made whatever the caller's umask is."""
    bundle.linux["devices"] = [{"path": "/dev/extra", "type": "c", "major": 1, "minor": 3, "fileMode": 0o622}]
    old = os.umask(0o077)
    try:
        found = nodes(runtime, bundle, "null extra")
    finally:
        os.umask(old)
    assert [found[name][2] for name in ("null", "extra")] == ["666", "622"]


def test_nodes_in_a_user_namespace(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEV-04: in a user namespace the host's nodes are bound, and they work."""
    bundle.user_namespace()
    found = nodes(runtime, bundle)
    assert {name: entry[1] for name, entry in found.items()} == DEFAULT
    assert inside(runtime, bundle, "echo x >/dev/null; head -c 3 /dev/zero | wc -c") == "3\n"


def test_configured_device_in_a_user_namespace(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEV-04: linux.devices are bound in a user namespace as well."""
    bundle.user_namespace()
    bundle.linux["devices"] = [{"path": "/dev/kmsg", "type": "c", "major": 1, "minor": 11}]
    assert nodes(runtime, bundle, "kmsg")["kmsg"][1] == "1:11"


@pytest.mark.parametrize("name", ["tty", "null"])
@pytest.mark.parametrize("mode", [None, 0o600])
def test_default_device_listed_again(runtime: Runtime, bundle: Bundle, name: str, mode: int | None) -> None:
    """LNX-DEV-05: listing a default device again is harmless; 0666 stays when no fileMode is given.

    runc 1.1 then leaves out its rule for that device, so null cannot be listed again without one.
    """
    major, minor = DEFAULT[name].split(":")
    entry = {"path": f"/dev/{name}", "type": "c", "major": int(major), "minor": int(minor)}
    bundle.linux["devices"] = [entry if mode is None else {**entry, "fileMode": mode}]
    kind, numbers, shown, _ = nodes(runtime, bundle, name)[name]
    assert (kind, numbers, int(shown, 8)) == ("character special file", DEFAULT[name], 0o666 if mode is None else mode)


def test_ptmx_as_a_device(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEV-05: /dev/ptmx as device entry ends as a usable 5:2."""
    bundle.linux["devices"] = [{"path": "/dev/ptmx", "type": "c", "major": 5, "minor": 2, "fileMode": 0o666}]
    script = "stat -L -c '%t:%T' /dev/ptmx; exec 7<>/dev/ptmx && echo usable; ls /dev/pts"
    assert inside(runtime, bundle, script).split()[:3] == ["5:2", "usable", "0"]


def test_dev_symlink_of_an_image_is_harmless(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEV-02, LNX-SAFE-06: with /dev a link to a folder that exists on the host, nothing is made there.

    CVE-2026-41579, which runc 1.1 has.
    """
    outside = host_folder(runtime)
    without_dev_mount(bundle)
    os.rmdir(os.path.join(bundle.rootfs, "dev"))
    os.symlink(outside, os.path.join(bundle.rootfs, "dev"))
    bundle.args("true")
    runtime.run_bundle(bundle)
    assert os.listdir(outside) == []


def test_unknown_device_on_the_host_is_refused_in_a_user_namespace(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEV-04: in a user namespace a node the host lacks cannot be bound, which is an error."""
    bundle.user_namespace()
    bundle.linux["devices"] = [{"path": "/dev/no-such-node", "type": "c", "major": 1, "minor": 3}]
    refused(runtime, bundle, "no such file or directory")
