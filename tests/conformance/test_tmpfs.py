"""tmpfs: its mode, and tmpcopyup."""

from __future__ import annotations

import os

import pytest

from tests.conformance.inside import inside
from tests.support import Bundle, Runtime

SHOW = "stat -c %a /target"


def folder(bundle: Bundle, name: str, mode: int) -> str:
    """Make a folder in the rootfs."""
    path = os.path.join(bundle.rootfs, name)
    os.makedirs(path)
    os.chmod(path, mode)
    return path


@pytest.mark.parametrize("mode", [0o755, 0o700, 0o1777, 0o1770, 0o6711, 0o2755])
def test_mode_of_the_folder_is_carried_over(runtime: Runtime, bundle: Bundle, mode: int) -> None:
    """LNX-TMPFS-01: without `mode=` all 12 permission bits of an existing folder are carried over.

    runc 1.1 carries 9.
    """
    folder(bundle, "target", mode)
    bundle.mount("/target", "tmpfs", "tmpfs", "size=1m")
    assert inside(runtime, bundle, SHOW) == f"{mode:o}\n"


def test_mode_of_a_made_folder(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-TMPFS-02: on a target the runtime had to create, the tmpfs is 1777 and the folder on disk 0755."""
    bundle.mount("/target/below", "tmpfs", "tmpfs")
    assert inside(runtime, bundle, f"{SHOW} /target/below").split() == ["755", "1777"]
    for name in ("target", "target/below"):
        assert os.stat(os.path.join(bundle.rootfs, name)).st_mode & 0o7777 == 0o755


@pytest.mark.parametrize("exists", [True, False])
def test_explicit_mode_wins(runtime: Runtime, bundle: Bundle, exists: bool) -> None:
    """LNX-TMPFS-02: an explicit `mode=` always wins and leaves the folder below unchanged. runc 1.1 overrides it."""
    if exists:
        folder(bundle, "target", 0o711)
    bundle.mount("/target", "tmpfs", "tmpfs", "mode=1750")
    assert inside(runtime, bundle, SHOW) == "1750\n"
    below = os.stat(os.path.join(bundle.rootfs, "target")).st_mode & 0o7777
    assert below == (0o711 if exists else 0o755)


def test_content_is_copied_up(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-TMPFS-03: `tmpcopyup` copies files, folders, symlinks, modes and owners, whatever the umask is.

    runc 1.1 lets the umask act.
    """
    path = folder(bundle, "target", 0o755)
    bundle.file("/target/file", "text", 0o640)
    bundle.file("/target/deep/er/open", "more", 0o666)
    os.symlink("/nowhere", os.path.join(path, "link"))
    os.chown(os.path.join(path, "file"), 7, 8)
    os.chmod(os.path.join(path, "deep"), 0o1777)
    bundle.mount("/target", "tmpfs", "tmpfs", "tmpcopyup")
    old = os.umask(0o077)
    try:
        script = "cd /target; stat -c '%n %a %u %g' file deep deep/er/open; readlink link; cat deep/er/open"
        out = inside(runtime, bundle, script)
    finally:
        os.umask(old)
    assert out.splitlines() == ["file 640 7 8", "deep 1777 0 0", "deep/er/open 666 0 0", "/nowhere", "more"]


def test_copies_are_separate(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-TMPFS-03: changes in the copy do not reach the folder below."""
    folder(bundle, "target", 0o755)
    below = bundle.file("/target/file", "text")
    bundle.mount("/target", "tmpfs", "tmpfs", "tmpcopyup")
    assert inside(runtime, bundle, "echo new >/target/file; cat /target/file") == "new\n"
    with open(below, encoding="utf-8") as file:
        assert file.read() == "text"


def test_copy_up_of_a_missing_folder(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-TMPFS-03: a target that had to be made is just empty."""
    bundle.mount("/target", "tmpfs", "tmpfs", "tmpcopyup")
    assert inside(runtime, bundle, "ls -A /target") == ""
