"""What of config.json this wall cannot give: one row for each field. Pure (XEN-EXEC-03).

A field that is refused would be lost in silence otherwise; one that is only told of changes nothing that the
container could notice.
"""

from __future__ import annotations

from ringfence.drivers.linux.context import section
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ringfence.spec.types import Config

    Asked = Callable[[Config], object]

REFUSED: tuple[tuple[str, Asked, str], ...] = (
    ("/linux/uidMappings", lambda c: section(c).uid_mappings, "a guest has its own users"),
    ("/linux/gidMappings", lambda c: section(c).gid_mappings, "a guest has its own groups"),
    ("/linux/intelRdt", lambda c: section(c).intel_rdt, "dom0 cannot set it for a domain through xl"),
    ("/linux/netDevices", lambda c: section(c).net_devices, "dom0's network devices stay there"),
    (
        "/linux/seccomp/listenerPath",
        lambda c: c.linux and c.linux.seccomp and c.linux.seccomp.listener_path,
        "no descriptor crosses into a guest",
    ),
    (
        "/hooks/createContainer",
        lambda c: c.hooks and c.hooks.create_container,
        "it would have to run in a domain that stands still",
    ),
)
WARNED: tuple[tuple[str, Asked, str], ...] = (
    ("/linux/cgroupsPath", lambda c: section(c).cgroups_path, "no process of a domain is in a cgroup of dom0"),
)


def refuse(config: Config) -> None:
    """Refuse what cannot be given.

    Raises:
        RingfenceError: it is asked for.
    """
    for field, asked, why in REFUSED:
        if asked(config):
            raise RingfenceError(f"config.json#{field}: not behind a Xen domain: {why}", field=field)
    for index, namespace in enumerate(section(config).namespaces):
        if namespace.path and namespace.type != "network":
            field = f"/linux/namespaces/{index}"
            text = f"config.json#{field}: a namespace of dom0 cannot be joined in a guest"
            raise RingfenceError(text, field=field)


def notes_of(config: Config) -> tuple[str, ...]:
    """What has no effect, for whoever asks ``explain``."""
    return tuple(f"{field} has no effect: {why}" for field, asked, why in WARNED if asked(config))
