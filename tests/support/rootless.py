"""Bundles that an ordinary user can run."""

from __future__ import annotations

import os

from tests.support.bundle import Bundle


def give(path: str, owner: int) -> None:
    """Let everything at and below a folder belong to a user and the group of the same number."""
    for folder, folders, files in os.walk(path):
        for name in [".", *folders, *files]:
            os.chown(os.path.join(folder, name), owner, owner, follow_symlinks=False)


def make_rootless(bundle: Bundle, caller: int) -> None:
    """Change and write the bundle as `spec --rootless` makes it for a caller."""
    bundle.drop_namespace("network")
    bundle.namespace("user")
    for key in ("uidMappings", "gidMappings"):
        bundle.linux[key] = [{"containerID": 0, "hostID": caller, "size": 1}]
    bundle.mounts[2]["options"].remove("gid=5")
    options = ["rbind", "nosuid", "noexec", "nodev", "ro"]
    bundle.mounts[5:] = [{"destination": "/sys", "type": "none", "source": "/sys", "options": options}]
    del bundle.linux["resources"]
    bundle.write()
