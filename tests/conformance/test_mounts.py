"""Order, sources and targets of mounts."""

from __future__ import annotations

import os

import pytest

from tests.conformance.inside import (
    host_folder,
    inside,
    mount_table,
    mounts_inside,
    no_mounts_left,
    refused,
    warnings,
    write_file,
)
from tests.support import Bundle, ConsoleSocket, Runtime
from tests.support.process import read_text

NO_DEVICE = "no such device"


def test_later_mounts_use_earlier_ones_as_target(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-01: entries are mounted in the listed order; a target may lie on an earlier mount."""
    bundle.mount("/mnt", "tmpfs", "outer", "mode=755")
    bundle.mount("/mnt/a/b", "tmpfs", "inner", "mode=755")
    bundle.bind(write_file(runtime.new_path(), "text"), "/mnt/a/b/file")
    found = mounts_inside(runtime, bundle)
    points = [point for point in found if point.startswith("/mnt")]
    assert points == ["/mnt", "/mnt/a/b", "/mnt/a/b/file"]
    assert os.listdir(os.path.join(bundle.rootfs, "mnt")) == []


def test_later_mounts_cover_earlier_ones(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-01: of two mounts on one target the later is seen."""
    for name in ("first", "second"):
        bundle.mount("/mnt", "tmpfs", name)
    assert mounts_inside(runtime, bundle)["/mnt"].source == "second"


def test_later_binds_use_earlier_mounts_as_source(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-01: a source may lie, by its path into the rootfs, on what an earlier entry mounted."""
    source = host_folder(runtime)
    write_file(os.path.join(source, "mark"), "text")
    bundle.bind(source, "/mnt")
    bundle.bind(os.path.join(bundle.rootfs, "mnt"), "/srv")
    assert inside(runtime, bundle, "cat /srv/mark") == "text"


def test_relative_destination(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-02: a relative destination is taken from `/`, with a warning."""
    bundle.mount("srv/here", "tmpfs", "relative")
    assert mounts_inside(runtime, bundle)["/srv/here"].source == "relative"
    assert any("mount destination srv/here is not absolute" in text for text in warnings(runtime))


@pytest.mark.parametrize(
    ("link", "destination", "shown"),
    [
        ("/target", "/link", "/target"),
        ("target", "/link", "/target"),
        ("../../../../../../target", "/link", "/target"),
        ("/deep", "/link/below", "/deep/below"),
        ("../../deep", "/link/below", "/deep/below"),
    ],
)
def test_symlinks_in_the_destination_stay_inside(
    runtime: Runtime, bundle: Bundle, link: str, destination: str, shown: str
) -> None:
    """LNX-MNT-03: absolute and relative symlinks in the destination are resolved inside the rootfs."""
    for name in ("target", "deep/below"):
        os.makedirs(os.path.join(bundle.rootfs, name))
    os.symlink(link, os.path.join(bundle.rootfs, "link"))
    bundle.mount(destination, "tmpfs", "here")
    assert mounts_inside(runtime, bundle)[shown].source == "here"


def test_dots_in_the_destination_stay_inside(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-03: `..` in the destination never reaches the host."""
    bundle.mount("/../../../srv/../mnt", "tmpfs", "here")
    assert mounts_inside(runtime, bundle)["/mnt"].source == "here"


def test_destination_link_to_a_host_folder(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-03: a link to a folder that exists on the host makes nothing there."""
    outside = host_folder(runtime)
    os.symlink(outside, os.path.join(bundle.rootfs, "link"))
    bundle.mount("/link/made", "tmpfs", "here")
    assert mounts_inside(runtime, bundle)[f"{outside}/made"].source == "here"
    assert os.listdir(outside) == []


def mode(path: str) -> int:
    """The permission bits."""
    return os.lstat(path).st_mode & 0o7777


def test_missing_folders_are_made(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-04, LNX-MNT-06: missing target folders are made with all parents, mode 0755, on the disk.

    runc 1.1 lets the caller's umask act.
    """
    bundle.mount("/new/deep/folder", "tmpfs", "tmpfs", "mode=700")
    assert bundle.config["root"]["readonly"]
    old = os.umask(0o077)
    try:
        assert inside(runtime, bundle, "stat -c %a /new/deep/folder") == "700\n"
    finally:
        os.umask(old)
    made = [os.path.join(bundle.rootfs, name) for name in ("new", "new/deep", "new/deep/folder")]
    assert [mode(path) for path in made] == [0o755] * 3


def test_missing_file_is_made(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-04: for a bind of a file an empty file is made, mode 0755, after its parents."""
    bundle.bind(write_file(runtime.new_path(), "text"), "/new/file")
    assert inside(runtime, bundle, "cat /new/file") == "text"
    made = os.path.join(bundle.rootfs, "new/file")
    assert (mode(made), os.path.getsize(made)) == (0o755, 0)


def test_socket_is_bound_onto_a_file(runtime: Runtime, bundle: Bundle, console: ConsoleSocket) -> None:
    """LNX-MNT-04: any source that is no folder gets a file as target."""
    bundle.bind(console.path, "/run/the.sock")
    assert inside(runtime, bundle, "test -S /run/the.sock && echo socket") == "socket\n"
    assert os.path.isfile(os.path.join(bundle.rootfs, "run/the.sock"))


def test_setgid_parent_passes_setgid_on(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-04: folders made below a setgid folder have the bit and the group."""
    parent = os.path.join(bundle.rootfs, "srv")
    os.mkdir(parent)
    os.chown(parent, 0, 33)
    os.chmod(parent, 0o2755)
    bundle.mount("/srv/a/b", "tmpfs", "tmpfs")
    inside(runtime, bundle, "true")
    for name in ("a", "a/b"):
        made = os.lstat(os.path.join(parent, name))
        assert (made.st_gid, made.st_mode & 0o7777) == (33, 0o2755)


@pytest.mark.parametrize(
    ("link", "destination", "shown"),
    [("/gone/end", "/link", "/gone/end"), ("gone", "/link", "/gone"), ("/gone", "/link/below", "/gone/below")],
)
@pytest.mark.parametrize("folder", [True, False])
def test_dangling_symlink(
    runtime: Runtime, bundle: Bundle, link: str, destination: str, shown: str, folder: bool
) -> None:
    """LNX-MNT-05: a dangling symlink is followed inside the rootfs and its missing end is made to match the source."""
    os.symlink(link, os.path.join(bundle.rootfs, "link"))
    bundle.bind(host_folder(runtime) if folder else write_file(runtime.new_path(), ""), destination)
    assert shown in mounts_inside(runtime, bundle)
    made = bundle.rootfs + shown
    assert os.path.isdir(made) if folder else os.path.isfile(made)
    assert not os.path.exists(shown)


def test_missing_target_on_a_readonly_mount_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-06: a missing target on a read-only file system is an error, and the source stays as it was."""
    source = host_folder(runtime)
    bundle.bind(source, "/mnt", "ro")
    bundle.mount("/mnt/below", "tmpfs", "tmpfs")
    refused(runtime, bundle, "read-only file system")
    assert os.listdir(source) == []


@pytest.mark.parametrize("source", ["shared", "./shared", "rootfs/../shared"])
def test_relative_source_is_below_the_bundle(runtime: Runtime, bundle: Bundle, source: str) -> None:
    """LNX-MNT-07: a relative bind source is relative to the bundle."""
    os.mkdir(os.path.join(bundle.path, "shared"))
    write_file(os.path.join(bundle.path, "shared/mark"), "text")
    bundle.bind(source, "/mnt")
    assert inside(runtime, bundle, "cat /mnt/mark") == "text"


def test_dot_source_is_the_bundle(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-07: `.` is the bundle."""
    bundle.bind(".", "/mnt", "ro")
    assert "config.json" in inside(runtime, bundle, "ls /mnt").split()


def test_symlinks_in_the_source_are_followed_on_the_host(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-07: symlinks in the source are followed on the host, absolute ones too."""
    folder = host_folder(runtime)
    write_file(os.path.join(folder, "mark"), "text")
    link = runtime.new_path("link")
    os.symlink(folder, link)
    bundle.bind(link, "/mnt")
    bundle.bind(os.path.join(link, "mark"), "/file")
    assert inside(runtime, bundle, "cat /mnt/mark /file") == "texttext"


def test_missing_source_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-08: a missing bind source is an error; nothing is created on the host."""
    source = runtime.new_path("missing")
    bundle.bind(source, "/mnt")
    refused(runtime, bundle, source, "no such file or directory")
    assert not os.path.exists(source)


@pytest.mark.parametrize("kind", ["none", "bind", "tmpfs", "nonsense", ""])
def test_type_of_a_bind_is_meaningless(runtime: Runtime, bundle: Bundle, kind: str) -> None:
    """LNX-MNT-09: with `bind` in options the type is meaningless."""
    folder = host_folder(runtime)
    write_file(os.path.join(folder, "mark"), "text")
    bundle.mount("/mnt", kind, folder, "rbind")
    assert inside(runtime, bundle, "cat /mnt/mark") == "text"


@pytest.mark.parametrize("kind", ["bind", "none", "no-such-fs"])
def test_type_is_for_the_kernel(runtime: Runtime, bundle: Bundle, kind: str) -> None:
    """LNX-MNT-09, LNX-MNT-10: without `bind` in options the type is handed to the kernel, which does not know it."""
    bundle.mount("/mnt", kind, host_folder(runtime), "ro")
    refused(runtime, bundle, NO_DEVICE)


def test_failure_text(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-11: the error names source and destination and ends in the kernel's words."""
    bundle.mount("/mnt", "no-such-fs", "the-source")
    message = refused(runtime, bundle, 'error mounting "the-source" to rootfs at "/mnt": ')
    assert message.endswith(NO_DEVICE)


def test_unknown_options_are_data(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-12: options unknown to the table are data for the file system; runc 1.1 overrides `mode=`."""
    bundle.mount("/mnt", "tmpfs", "tmpfs", "size=1m", "nosuid", "mode=1750", "uid=5", "gid=6")
    assert inside(runtime, bundle, "stat -c '%a %u %g' /mnt") == "1750 5 6\n"
    assert {"size=1024k", "mode=1750"} <= mounts_inside(runtime, bundle)["/mnt"].super_options


def test_data_keeps_its_order(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-12: data is joined in order, so the last of two contradicting options counts.

    runc 1.1 overrides `mode=`.
    """
    bundle.mount("/mnt", "tmpfs", "tmpfs", "mode=700", "noexec", "mode=711")
    assert inside(runtime, bundle, "stat -c %a /mnt") == "711\n"


def test_unknown_data_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-12: data the file system does not know is an error."""
    bundle.mount("/mnt", "tmpfs", "tmpfs", "no-such-option")
    refused(runtime, bundle, "invalid argument")


@pytest.mark.parametrize("data", ["size=1m", "mode=755"])
def test_data_on_a_bind_is_refused(runtime: Runtime, bundle: Bundle, data: str) -> None:
    """LNX-MNT-13: data on a bind mount is an error; runc 1.1 ignores it."""
    bundle.bind(host_folder(runtime), "/mnt", data)
    refused(runtime, bundle)


def test_sources_only_root_can_reach(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-15: several bind sources below a 0700 folder of root work with a user namespace."""
    bundle.user_namespace()
    private = host_folder(runtime, "private", 0o700)
    for name in ("one", "two"):
        os.mkdir(os.path.join(private, name))
        write_file(os.path.join(private, name, "mark"), name)
        bundle.bind(os.path.join(private, name), f"/mnt/{name}", "ro")
    bundle.bind(write_file(os.path.join(private, "file"), "three"), "/mnt/file")
    assert inside(runtime, bundle, "cat /mnt/one/mark /mnt/two/mark /mnt/file") == "onetwothree"


def test_the_hosts_mounts_do_not_change(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MNT-14: a container with every kind of mount leaves the host's mount table as it was."""
    bundle.bind(host_folder(runtime), "/mnt", "ro")
    bundle.sleep()
    with no_mounts_left(runtime):
        container = runtime.started(bundle)
    assert "/mnt" in mount_table(read_text(f"/proc/{container.pid}/mountinfo"))
