"""process.cwd."""

from __future__ import annotations

import os

import pytest

from tests.conformance.inside import host_folder, inside, output, refused, write_file
from tests.support import Bundle, Runtime


@pytest.mark.parametrize("cwd", [None, ""])
def test_missing_cwd_is_refused(runtime: Runtime, bundle: Bundle, cwd: str | None) -> None:
    """LNX-CWD-01: a missing cwd is refused in the words callers know."""
    bundle.process["cwd"] = cwd
    refused(runtime, bundle, "Cwd property must not be empty")


def test_relative_cwd_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CWD-01: a relative cwd is refused."""
    bundle.process["cwd"] = "tmp"
    refused(runtime, bundle, "Cwd must be an absolute path")


@pytest.mark.parametrize("readonly", [True, False])
def test_missing_folder_is_made(runtime: Runtime, bundle: Bundle, readonly: bool) -> None:
    """LNX-CWD-02: a missing cwd is created with its parents, mode 0755, also with a read-only root."""
    bundle.config["root"]["readonly"] = readonly
    bundle.process["cwd"] = "/new/deep/folder"
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    out = inside(runtime, bundle, "pwd; stat -c '%a %u %g' /new /new/deep /new/deep/folder")
    assert out.splitlines() == ["/new/deep/folder", *["755 0 0"] * 3]


def test_folder_made_in_a_user_namespace(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CWD-02: the created folder is owned by the container's root."""
    bundle.user_namespace(host_id=100000)
    bundle.process["cwd"] = "/new/folder"
    assert inside(runtime, bundle, "stat -c '%a %u %g' .") == "755 0 0\n"
    assert os.stat(os.path.join(bundle.rootfs, "new/folder")).st_uid == 100000


def test_umask_of_the_caller_does_not_matter(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CWD-02: the mode is 0755 whatever the caller's umask is. runc 1.1 lets the caller's umask act."""
    bundle.process["cwd"] = "/new/folder"
    old = os.umask(0o077)
    try:
        assert inside(runtime, bundle, "stat -c %a /new .").split() == ["755", "755"]
    finally:
        os.umask(old)


def test_dots_stay_inside(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CWD-03: `..` never leads outside the container."""
    bundle.process["cwd"] = "/../../../../etc/../etc"
    assert inside(runtime, bundle, "pwd; ls passwd").split() == ["/etc", "passwd"]


def test_symlinks_stay_inside(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CWD-03: an absolute symlink in cwd is followed inside the container; nothing is made on the host."""
    outside = host_folder(runtime)
    os.symlink(outside, os.path.join(bundle.rootfs, "link"))
    bundle.process["cwd"] = "/link/made"
    bundle.args("pwd")
    bundle.config["root"]["readonly"] = False
    bundle.file(f"{outside}/.keep")
    assert output(runtime, bundle).strip() == f"{outside}/made"
    assert os.listdir(outside) == []


def test_cwd_for_root_only(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CWD-04: a cwd only root can reach is entered before the user switch."""
    os.makedirs(os.path.join(bundle.rootfs, "private/inner"))
    os.chmod(os.path.join(bundle.rootfs, "private"), 0o700)
    bundle.process["cwd"] = "/private/inner"
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.args("readlink", "/proc/self/cwd")
    assert output(runtime, bundle) == "/private/inner\n"


def test_cwd_for_the_user_only(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CWD-04: a cwd that only the container's user can reach is retried after the user switch.

    The container's root is not the owner and the namespace does not map the owner, so it has no right to
    override the mode.
    """
    bundle.user_namespace(host_id=100000, size=1001)
    folder = os.path.join(bundle.rootfs, "private")
    os.mkdir(folder)
    os.chown(folder, 200000, 101000)
    os.chmod(folder, 0o770)
    bundle.process["cwd"] = "/private"
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.args("readlink", "/proc/self/cwd")
    assert output(runtime, bundle) == "/private\n"


@pytest.mark.parametrize("number", range(3, 16))
def test_descriptor_of_a_host_folder_is_no_way_out(runtime: Runtime, bundle: Bundle, number: int) -> None:
    """LNX-CWD-05: a cwd that leads through a descriptor to the host makes create fail (CVE-2024-21626)."""
    outside = host_folder(runtime)
    write_file(os.path.join(outside, "secret"), "secret")
    leaked = os.open(outside, os.O_RDONLY | os.O_DIRECTORY)
    bundle.process["cwd"] = f"/proc/self/fd/{number}"
    bundle.sh("cat secret; pwd; ls ..")
    try:
        result = runtime.run_bundle(bundle, pass_fds=[leaked])
    finally:
        os.close(leaked)
    assert result.code != 0
    assert result.out == ""
