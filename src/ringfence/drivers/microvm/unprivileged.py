"""A machine for a caller who is not root: in a user namespace of its own, with what that gives (MVM-CCOR-21). Pure."""

from __future__ import annotations

from ringfence.drivers.guest.inner import changed
from ringfence.drivers.linux.context import section
from ringfence.drivers.linux.mount import is_bind
from ringfence.spec.types import IDMapping, Namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.host.facts import Host
    from ringfence.spec.types import Config


def lessened(config: Config) -> tuple[Config, tuple[str, ...]]:
    """The configuration without the host's places and networks, and a warning for each that goes.

    What the guest mounts of itself stays.
    """
    mounts = tuple(mount for mount in config.mounts if not is_bind(mount))
    gone = [f"the mount at {mount.destination}" for mount in config.mounts if is_bind(mount)]
    linux = section(config)
    namespaces = tuple(Namespace("network") if one.type == "network" else one for one in linux.namespaces)
    gone += [f"the network {one.path}" for one in linux.namespaces if one.type == "network" and one.path]
    less = changed(config, mounts=mounts, linux=changed(linux, namespaces=namespaces))
    return less, tuple(f"{what} is left out: only root can give it to a machine" for what in gone)


def own_user(config: Config, host: Host) -> Config:
    """The supervisor's configuration in a user namespace in which the caller is root."""
    linux = section(config)
    namespaces = (Namespace("user"), *linux.namespaces)
    maps = (IDMapping(0, host.uid, 1),), (IDMapping(0, host.gid, 1),)
    more = changed(linux, namespaces=namespaces, uid_mappings=maps[0], gid_mappings=maps[1])
    return changed(config, linux=more)  # type: ignore[no-any-return]
