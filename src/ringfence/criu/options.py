"""What CRIU is told about a container, from its configuration and the caller's options. Pure."""

from __future__ import annotations

from ringfence import paths
from ringfence.drivers.linux.context import CLONE_NEWCGROUP, CLONE_NEWUSER, Namespaces, section
from ringfence.drivers.linux.devices import DEFAULT_DEVICES, PTMX
from ringfence.drivers.linux.mount import clean, is_bind
from ringfence.errors import RingfenceError
from ringfence.host.facts import V2
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.cgroups.paths import CgroupDir
    from ringfence.host.facts import Host
    from ringfence.spec.types import Config

DUMP_LOG, RESTORE_LOG = "dump.log", "restore.log"
DEFAULT_CONFIG = "/etc/criu/runc.conf"
ANNOTATION = "org.criu.config"
LOG_LEVEL = 4
MODES = {"": 6, "soft": 3, "full": 4, "strict": 5, "ignore": 0}
"""Members of criu_cg_mode by the words of --manage-cgroups-mode."""
EXTERNAL = {"network": ("net", "extRootNetNS"), "pid": ("pid", "extRootPidNS")}
"""Namespaces by path that stay outside the image: CRIU's name for the kind, and the key of the one to come back to."""
NULL = "/dev/null"


class CriuOptions(Record):
    """What the caller of checkpoint or restore asks for. Paths are absolute, "" where none is given."""

    image_path: str
    work_path: str = ""
    parent_path: str = ""
    leave_running: bool = False
    tcp_established: bool = False
    tcp_skip_in_flight: bool = False
    link_remap: bool = False
    ext_unix_sk: bool = False
    shell_job: bool = False
    lazy_pages: bool = False
    status_fd: int = -1
    page_server: tuple[str, int] | None = None
    file_locks: bool = False
    pre_dump: bool = False
    cgroups_mode: str = "soft"
    empty_network: bool = False
    auto_dedup: bool = False
    lsm_profile: str = ""
    lsm_mount_context: str = ""
    criu: str = ""


def shared_options(config: Config, options: CriuOptions) -> dict[str, Any]:
    """What dump and restore have in common.

    Raises:
        RingfenceError: an unknown mode.
    """
    if options.cgroups_mode not in MODES:
        raise RingfenceError(f"invalid manage-cgroups-mode value {options.cgroups_mode!r}")
    return {
        "log_level": LOG_LEVEL,
        "notify_scripts": True,
        "manage_cgroups": True,
        "manage_cgroups_mode": MODES[options.cgroups_mode],
        "shell_job": options.shell_job,
        "ext_unix_sk": options.ext_unix_sk,
        "tcp_established": options.tcp_established,
        "file_locks": options.file_locks,
        "empty_ns": 0x40000000 if options.empty_network else 0,
        "orphan_pts_master": True,
        "auto_dedup": options.auto_dedup,
        "lazy_pages": options.lazy_pages,
        "config_file": config.annotations.get(ANNOTATION, DEFAULT_CONFIG) or None,
    }


def dump_options(config: Config, options: CriuOptions, pid: int, rootfs: str, freezer: str) -> dict[str, Any]:
    """What a dump is told besides descriptors, external mounts and namespaces."""
    return {
        **shared_options(config, options),
        "pid": pid,
        "root": rootfs,
        "log_file": DUMP_LOG,
        "leave_running": options.leave_running,
        "tcp_skip_in_flight": options.tcp_skip_in_flight,
        "link_remap": options.link_remap,
        "freeze_cgroup": freezer or None,
        "ps": options.page_server,
        "parent_img": options.parent_path or None,
        "track_mem": True if options.parent_path or options.pre_dump else None,
    }


def restore_options(config: Config, options: CriuOptions, root: str) -> dict[str, Any]:
    """What a restore is told besides descriptors, external mounts and namespaces."""
    return {
        **shared_options(config, options),
        "root": root,
        "log_file": RESTORE_LOG,
        "evasive_devices": True,
        "rst_sibling": True,
        "lsm_profile": options.lsm_profile or None,
        "lsm_mount_context": options.lsm_mount_context or None,
    }


def outer_mounts(config: Config, host: Host, cgroups: tuple[CgroupDir, ...], bundle: str) -> list[tuple[str, str]]:
    """Mounts whose content is not the image's: where each is seen inside, and the host's source."""
    linux = section(config)
    binds = [mount for mount in config.mounts if is_bind(mount)]
    found = [(clean(mount.destination), paths.join(bundle, mount.source or "")) for mount in binds]
    shown = next((clean(mount.destination) for mount in config.mounts if mount.type == "cgroup"), "")
    if shown and host.cgroup_mode != V2 and not Namespaces(linux).own & CLONE_NEWCGROUP:
        found += [(f"{shown}/{folder(group)}", group.path) for group in cgroups if group.controllers != ("",)]
    if Namespaces(linux).own & CLONE_NEWUSER:  # nodes of the host are bound there
        asked = {clean(device.path) for device in linux.devices}
        nodes = asked | {f"/dev/{name}" for name, _major, _minor in DEFAULT_DEVICES}
        found += [(node, node) for node in sorted(nodes - {PTMX})]
    return found


def folder(group: CgroupDir) -> str:
    """The name of a v1 hierarchy's folder."""
    return ",".join(name.removeprefix("name=") for name in group.controllers)


def outer_namespaces(config: Config) -> list[tuple[str, str, str]]:
    """Namespaces joined by path: CRIU's name of the kind, the key that is asked for at restore, and the path.

    Raises:
        RingfenceError: one of a kind that CRIU cannot leave outside.
    """
    found = []
    for index, entry in enumerate(section(config).namespaces):
        if not entry.path:
            continue
        if entry.type not in EXTERNAL:
            raise RingfenceError(
                f"a checkpoint cannot leave the joined {entry.type} namespace outside",
                field=f"/linux/namespaces/{index}",
            )
        found.append((*EXTERNAL[entry.type], entry.path))
    return found


def pipes(descriptors: list[Any]) -> list[tuple[str, int]]:
    """The standard descriptors that were pipes, to be taken over by the same numbers; the list is the image's."""
    return [(name, number) for number, name in enumerate(descriptors[:3]) if isinstance(name, str) and "pipe:" in name]
