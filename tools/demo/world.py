"""The demonstration's bundle, and the search for what may be left of its container."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from tools.demo.story import Stage, StoryError

BUNDLE = "hello"
BUSYBOX = Path("/bin/busybox")
APPLETS = ("cat", "echo", "hostname", "id", "ls", "ps", "sh", "sleep", "true")
FOLDERS = ("bin", "dev", "etc", "proc", "sys", "tmp")


def make_rootfs(rootfs: Path) -> int:
    """A root file system of one program under several names. Returns its size in bytes."""
    for folder in FOLDERS:
        (rootfs / folder).mkdir(parents=True)
    shutil.copy(BUSYBOX, rootfs / "bin" / "busybox")
    for applet in APPLETS:
        (rootfs / "bin" / applet).symlink_to("busybox")
    (rootfs / "etc" / "passwd").write_text("root:x:0:0:root:/:/bin/sh\n")
    return (rootfs / "bin" / "busybox").stat().st_size


def make_bundle(stage: Stage, arguments: list[str]) -> int:
    """Make the bundle anew, with a config that runs ``arguments``. Returns the root file system's size in bytes."""
    if not BUSYBOX.exists():
        raise StoryError(f"{BUSYBOX} is not there: apt-get install busybox-static")
    bundle = stage.scratch / BUNDLE
    shutil.rmtree(bundle, ignore_errors=True)
    size = make_rootfs(bundle / "rootfs")
    stage.ringfence("spec", "--bundle", BUNDLE, told=False)
    file = bundle / "config.json"
    config = json.loads(file.read_text())
    config["process"].update(terminal=False, args=arguments)
    config["hostname"] = "hello"
    file.write_text(json.dumps(config, indent=2))
    return size


def leftovers(identity: str, scratch: str) -> list[str]:
    """Folders, cgroups and mounts that still bear the container's name."""
    left = [scratch] if os.path.exists(scratch) else []
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    left += [line.split()[4] for line in mounts if identity in line or scratch in line]
    cgroups = (folder for folder, _, _ in os.walk("/sys/fs/cgroup"))
    left += [folder for folder in cgroups if os.path.basename(folder) == identity]
    return left
