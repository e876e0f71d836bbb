"""What a domain's ramdisk holds."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ringfence.drivers.guest.ramdisk import base, with_plan
from ringfence.initfile import INIT

LARGEST = 1 << 20


def unpacked(archive: bytes, folder: Path) -> dict[str, int]:
    """The names in an archive with their permission bits."""
    folder.mkdir()
    subprocess.run(["busybox", "cpio", "-i"], input=archive, cwd=folder, capture_output=True, check=True)
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o7777 for path in folder.rglob("*")}


def test_the_init_and_its_plan_and_nothing_else(tmp_path: Path) -> None:
    """XEN-GUEST-05: no shell, no login, no library; the plan is root's alone."""
    made = with_plan(b"#!init", b"the plan", b"d" * 16, terminal=True)
    first = base(b"#!init")
    assert unpacked(first, tmp_path / "first") == {"init": 0o755}
    assert unpacked(made[len(first) :], tmp_path / "second") == {"plan": 0o600, "digest": 0o600, "terminal": 0o600}


def test_it_is_small() -> None:
    """XEN-GUEST-05: with a plan of 100 kB."""
    with open(INIT, "rb") as file:
        init = file.read()
    assert len(with_plan(init, bytes(100_000), b"d" * 16, terminal=False)) <= LARGEST
