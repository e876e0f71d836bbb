"""What the guest gets of this tree: the tests, an installation made for its interpreter, and compiled programs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.conformance import probe
from tests.guest.build import DISK, run
from tests.security import attack
from tests.support.compiled import compile_to

REPOSITORY = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "build", "results", "__pycache__", ".*_cache", ".hypothesis")
# The disk is mounted where nobody else sees it, and read only. Debian's Python runs there as it does in the guest, but
# without emulation: the pack of modules is for its version.
INSTALL = """\
set -e
mount -o loop,ro {disk} {root}
mount --bind {share} {root}/mnt
mount --bind /dev {root}/dev
mount -t tmpfs tmpfs {root}/tmp
python=$(chroot {root} readlink -f /usr/bin/python3)
chroot {root} sh -c "cd /mnt/tree && sh tools/install-package $python /mnt/stage /usr/local /mnt/installed"
"""


def prepare(scratch: Path, image: Path) -> list[tuple[Path, str]]:
    """Fill a folder with what is shared; the paths and their names in the guest's /share.

    Raises:
        subprocess.CalledProcessError: the tree is not built, or a tool failed.
    """
    share, root = scratch / "share", scratch / "root"
    root.mkdir()
    shutil.copytree(REPOSITORY, share / "tree", symlinks=True, ignore=LEFT_OUT)
    programs = share / "programs"
    programs.mkdir()
    for source in (probe.SOURCE, attack.SOURCE):
        compile_to(str(programs), source)
    environment = {**os.environ, "DESTDIR": str(share / "stage")}
    words = ["meson", "install", "-C", str(REPOSITORY / "build"), "--no-rebuild", "--quiet"]
    subprocess.run(words, check=True, env=environment, capture_output=True)
    script = INSTALL.format(disk=image / DISK, root=root, share=share)
    run("unshare", "--mount", "--propagation", "private", "sh", "-c", script)
    return [(share / name, name) for name in ("tree", "programs", "installed")]
