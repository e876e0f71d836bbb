"""maskedPaths and readonlyPaths."""

from __future__ import annotations

import os

import pytest

from tests.conformance.inside import host_folder, inside, mounts_inside, refused, write_file
from tests.support import Bundle, Runtime

READ_ONLY = "Read-only file system"


def attempt(runtime: Runtime, bundle: Bundle, script: str) -> tuple[str, str]:
    """Standard output and error of a script that may fail."""
    bundle.sh(script)
    result = runtime.run_bundle(bundle)
    return result.out, result.err


def only(bundle: Bundle, masked: list[str] | None = None, readonly: list[str] | None = None) -> None:
    """Replace both lists; the root stays writable, so that what is refused is refused by them."""
    bundle.linux.update(maskedPaths=masked or [], readonlyPaths=readonly or [])
    bundle.config["root"]["readonly"] = False


def test_masked_file(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MASK-01: a masked file reads empty, and can be neither removed nor unmounted by the confined program."""
    kept = bundle.file("/etc/secret", "secret")
    only(bundle, ["/etc/secret"])
    out, err = attempt(
        runtime, bundle, "cat /etc/secret; stat -c %t:%T /etc/secret; rm /etc/secret; umount /etc/secret"
    )
    assert out == "1:3\n"
    removing, unmounting = err.splitlines()
    assert "busy" in removing or READ_ONLY in removing
    assert "Operation not permitted" in unmounting
    assert os.path.getsize(kept) == 6


def test_masked_folder(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MASK-02: a masked folder is an empty read-only tmpfs."""
    bundle.file("/srv/private/file", "secret")
    only(bundle, ["/srv/private"])
    script = "ls -A /srv/private; touch /srv/private/x; rmdir /srv/private; cat /srv/private/file"
    out, err = attempt(runtime, bundle, script)
    assert out == ""
    assert READ_ONLY in err.splitlines()[0]
    mount = mounts_inside(runtime, bundle)["/srv/private"]
    assert (mount.kind, mount.readonly or "ro" in mount.super_options) == ("tmpfs", True)


def test_masked_folders_share_one_instance(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MASK-02: all masked folders have the same st_dev. runc 1.1 gives each its own."""
    for name in ("one", "two", "three"):
        bundle.file(f"/srv/{name}/file")
    only(bundle, ["/srv/one", "/srv/two", "/srv/three"])
    found = inside(runtime, bundle, "stat -c %d /srv/one /srv/two /srv/three /srv").split()
    assert found[0] == found[1] == found[2] != found[3]


def test_missing_and_duplicate_paths(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MASK-03: missing paths are skipped without a message, a duplicate is mounted once.

    runc 1.1 mounts duplicates again.
    """
    bundle.file("/srv/file", "secret")
    only(bundle, ["/no/such/path", "/srv/file", "/srv/file"], ["/neither/this"])
    table = inside(runtime, bundle, "cat /proc/self/mountinfo; cat /srv/file")
    assert table.count(" /srv/file ") == 1
    assert runtime.log_records() == []


@pytest.mark.parametrize("replacement", ["file", "link", "folder", "none"])
def test_replaced_null_device(runtime: Runtime, bundle: Bundle, replacement: str) -> None:
    """LNX-MASK-04: only the real null device may be the mask: a replaced /dev/null is an error, or is not used.

    CVE-2025-31133, which runc 1.1 has.
    """
    dev = host_folder(runtime)
    fake = os.path.join(dev, "null")
    if replacement == "file":
        write_file(fake, "fake")
    elif replacement == "link":
        os.symlink("/etc/passwd", fake)
    elif replacement == "folder":
        os.mkdir(fake)
    bundle.config["mounts"] = [entry for entry in bundle.mounts if not entry["destination"].startswith("/dev")]
    bundle.bind(dev, "/dev")
    bundle.file("/etc/secret", "secret")
    only(bundle, ["/etc/secret"])
    bundle.sh("cat /etc/secret; stat -c %t:%T /etc/secret")
    result = runtime.run_bundle(bundle)
    assert (result.code, result.out) in ((1, ""), (0, "1:3\n"))


def test_readonly_path(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MASK-05: a read-only path shows its content and cannot be written; its neighbours can."""
    bundle.file("/srv/kept/file", "text")
    only(bundle, readonly=["/srv/kept"])
    out, err = attempt(runtime, bundle, "touch /srv/free; cat /srv/kept/file; ls /srv; echo x >/srv/kept/file")
    assert (out.split(), READ_ONLY in err) == (["textfree", "kept"], True)


def test_readonly_path_keeps_its_flags(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MASK-05: nosuid, nodev and noexec of the mount are kept; mounts below are still there."""
    bundle.mount("/srv", "tmpfs", "outer", "nosuid", "nodev", "noexec", "mode=755")
    bundle.mount("/srv/kept/below", "tmpfs", "inner", "mode=755")
    only(bundle, readonly=["/srv/kept"])
    table = mounts_inside(runtime, bundle)
    assert {"ro", "nosuid", "nodev", "noexec"} <= table["/srv/kept"].options
    assert table["/srv/kept/below"].source == "inner"


def test_readonly_file(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MASK-05: a file can be made read-only, in /proc too."""
    bundle.file("/srv/file", "text")
    only(bundle, readonly=["/srv/file", "/proc/sys/kernel/domainname"])
    out, err = attempt(runtime, bundle, "cat /srv/file; echo x >/srv/file; echo x >/proc/sys/kernel/domainname")
    assert (out, err.count(READ_ONLY)) == ("text", 2)


def test_masks_lie_above_readonly_paths(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MASK-06: readonlyPaths come first, then maskedPaths, so a path in both lists is masked."""
    bundle.file("/srv/both/file", "secret")
    bundle.file("/srv/outer/inner/file", "secret")
    only(bundle, ["/srv/both", "/srv/outer/inner"], ["/srv/both", "/srv/outer"])
    assert inside(runtime, bundle, "ls -A /srv/both /srv/outer/inner; ls /srv/outer").split() == [
        "/srv/both:",
        "/srv/outer/inner:",
        "inner",
    ]


def test_lists_lie_above_mounts(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MASK-06: both come after all mounts, and paths are those inside the new root."""
    source = host_folder(runtime)
    write_file(os.path.join(source, "file"), "secret")
    bundle.bind(source, "/mnt")
    only(bundle, ["/mnt/file"])
    assert inside(runtime, bundle, "cat /mnt/file") == ""


@pytest.mark.parametrize("key", ["maskedPaths", "readonlyPaths"])
def test_lists_need_a_mount_namespace(runtime: Runtime, bundle: Bundle, key: str) -> None:
    """LNX-MASK-07: either list without an own mount namespace is refused in the words callers know."""
    bundle.drop_namespace("mount")
    bundle.config["mounts"] = []
    bundle.linux.update({"maskedPaths": [], "readonlyPaths": [], key: ["/proc/keys"]})
    refused(runtime, bundle, "unable to restrict sys entries without a private MNT namespace")


def test_masked_path_through_a_symlink(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-MASK-01: a masked path that is a symlink stays inside the container."""
    outside = write_file(runtime.new_path(), "host")
    os.symlink(outside, os.path.join(bundle.rootfs, "srv-link"))
    only(bundle, ["/srv-link"])
    inside(runtime, bundle, "true")
    with open(outside, encoding="utf-8") as file:
        assert file.read() == "host"
