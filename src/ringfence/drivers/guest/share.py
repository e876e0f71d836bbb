"""What of the host a guest sees: one tree that holds the rootfs and the source of every bind mount."""

from __future__ import annotations

from ringfence import paths
from ringfence.drivers.linux.mount import clean, is_bind, parsed
from ringfence.plan import guest, mounts
from ringfence.record import Record
from ringfence.spec.options import MOUNT_ATTR_RDONLY, MS_RDONLY, MS_REC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.plan.step import InitStep
    from ringfence.spec.types import Config

FOLDER = "share"
ROOT = "/root"
INSIDE = "/share"
"""Where the guest mounts the tree."""


class Share(Record):
    """One place of the host in the tree: ``target`` is its path there."""

    pointer: str
    source: str
    target: str
    recursive: bool
    readonly: bool


def shares_of(config: Config, bundle: str, rootfs: str) -> list[Share]:
    """The rootfs, then every bind source in its order. What is read-only is so on the host (MVM-FILES-05)."""
    assert config.root is not None
    found = [Share("/root/path", rootfs, ROOT, True, config.root.readonly)]
    for index, mount in enumerate(config.mounts):
        if not is_bind(mount):
            continue
        asked = parsed(mount)
        source = paths.normpath(paths.join(bundle, mount.source or ""))
        readonly = bool(asked.flags & MS_RDONLY or asked.set_recursive & MOUNT_ATTR_RDONLY)
        found.append(Share(f"/mounts/{index}/source", source, f"/{index}", bool(asked.flags & MS_REC), readonly))
    return found


def shown_in(config: Config) -> tuple[str, ...]:
    """Name in the tree and place in the container of each bind mount, one behind the other."""
    pairs = [(str(index), clean(mount.destination)) for index, mount in enumerate(config.mounts) if is_bind(mount)]
    return tuple(word for pair in pairs for word in pair)


def point_steps(config: Config, bundle: str, rootfs: str) -> list[InitStep]:
    """Mount points are made on the host, which a read-only share would refuse (MVM-FILES-08)."""
    steps: list[InitStep] = [mounts.UseRoot("/root/path", rootfs)]
    for index, mount in enumerate(config.mounts):
        source = paths.normpath(paths.join(bundle, mount.source or "")) if is_bind(mount) else ""
        steps.append(guest.MakeMountPoint(f"/mounts/{index}", clean(mount.destination), source))
    assert config.process is not None
    return [*steps, mounts.MakeDirectory("/process/cwd", config.process.cwd)]


def tree_steps(shares: list[Share], folder: str, always: int = 0) -> list[InitStep]:
    """The tree is put together in a mount namespace of its own, below a folder of the container's state.

    ``always`` are attributes that every mount of it has.
    """
    steps: list[InitStep] = [mounts.OpenRoot("", folder, False)]
    for share in shares:
        flags = always | (MOUNT_ATTR_RDONLY if share.readonly else 0)
        more = flags if share.recursive else 0
        shown = (share.source, 0, share.target, share.recursive, flags, 0, 0, False, more, 0, False, False, False)
        steps.append(mounts.BindMount(share.pointer, *shown))
    return steps
