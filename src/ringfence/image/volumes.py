"""The volumes of an image's config: each becomes a folder of the bundle that is mounted over the path."""

from __future__ import annotations

import os

from ringfence.errors import RingfenceError
from ringfence.image.document import Document
from ringfence.image.inside import Root, parts_of
from ringfence.image.limits import Budget
from ringfence.image.policy import KEEP, SKIP, Policy, is_privileged
from ringfence.image.stream import Ahead
from ringfence.image.tar_writer import tar_chunks
from ringfence.image.tree import Tree
from ringfence.image.unpack import Unpacker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

FOLDER = "volumes"


def volume_paths(image: Document) -> list[str]:
    """The paths, sorted.

    Raises:
        RingfenceError: one is relative, leads out of itself, or is the root.
    """
    inner = image.object("config")
    for path in inner.object("Volumes").value:
        if not path.startswith("/") or ".." in path.split("/") or not path.strip("/.") or "\0" in path:
            raise RingfenceError(f"{inner.where}: Volumes: {path!r} is not the path of a volume")
    return sorted(inner.object("Volumes").value)


def make_volumes(
    image: Document, bundle: str, root: int, budget: Budget, system: str, warn: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Make the folders with what the image has at their paths; returns the mounts.

    Args:
        image: the image's config document.
        bundle: the folder of the bundle.
        root: the open root of the bundle.
        budget: what the copies count towards.
        system: the system the container will run on.
        warn: told what was left out.

    Raises:
        RingfenceError: a path of a volume is something else than a folder, or the copy fails.
    """
    mounts = []
    for number, path in enumerate(volume_paths(image)):
        place = f"{FOLDER}/{number}"
        os.makedirs(os.path.join(bundle, place))
        os.chmod(os.path.join(bundle, place), 0o755)
        seed(path, os.path.join(bundle, place), root, budget, warn)
        kind: dict[str, Any] = {"type": "nullfs"} if system == "freebsd" else {"type": "bind", "options": ["rbind"]}
        mounts.append({"destination": path, "source": place, **kind})
    return mounts


def seed(path: str, target: str, root: int, budget: Budget, warn: Callable[[str], None]) -> None:
    """Copy what the root has at a path into a folder, with all attributes.

    Raises:
        RingfenceError: it is no folder, or the copy fails.
    """
    held = Root(root)
    try:
        found = held.find(parts_of(os.fsencode(path)))
        source = os.dup(found.descriptor)
    except FileNotFoundError:
        return
    except RingfenceError as error:
        raise error.prefixed(f"volume {path}") from None
    finally:
        held.forget()
    privileged = is_privileged()
    policy = Policy(devices=KEEP if privileged else SKIP, owners=privileged)
    descriptor = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with Tree(source, warn, budget.limits) as tree, Ahead(tar_chunks(tree.items())) as chunks:
            unpacker = Unpacker(descriptor, policy, budget, warn)
            unpacker.layer(chunks, f"volume {path}")
            unpacker.finish()
    finally:
        os.close(descriptor)
