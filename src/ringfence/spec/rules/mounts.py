"""Rules about mounts (config.md, Mounts), as far as words and paths tell without looking at the rootfs."""

from __future__ import annotations

from ringfence.paths import normpath
from ringfence.spec.options import MS_BIND, parse_options
from ringfence.spec.problems import quoted
from ringfence.spec.rules.mappings import check_mappings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.options import MountOptions
    from ringfence.spec.problems import Problems
    from ringfence.spec.types import Mount

# What may be covered inside /proc: files that tell of the whole machine, replaced by lxcfs, and two sysctls.
INSIDE_PROC = (
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/slabinfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/sys/crypto/fips_enabled",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/uptime",
)


def check_mounts(mounts: tuple[Mount, ...], user_namespace: bool, problems: Problems) -> None:
    """Every mount by itself; ``user_namespace`` tells whether the container has one whose mappings a mount can use."""
    for index, mount in enumerate(mounts):
        where = f"/mounts/{index}"
        if not mount.destination:
            problems.add(f"{where}/destination", "must not be empty")
        options = parse_options(mount.options)
        _check_bind(options, where, problems)
        _check_proc(mount, options, where, problems)
        if mount.uid_mappings or mount.gid_mappings or options.idmap or options.ridmap:
            _check_id_mapped(mount, options, user_namespace, where, problems)


def inside(destination: str) -> str:
    """A destination as a clean absolute path inside the container; a relative one counts from ``/``."""
    return normpath("/" + destination.lstrip("/"))


def _check_bind(options: MountOptions, where: str, problems: Problems) -> None:
    if options.flags & MS_BIND and options.data:
        problems.add(
            f"{where}/options",
            f"{quoted(options.data)}: file system options cannot apply to a bind mount",
            f"{where}/options",
        )


def _check_proc(mount: Mount, options: MountOptions, where: str, problems: Problems) -> None:
    """A mount on or inside /proc would hide what security labels and masks rely on (CVE-2019-16884)."""
    destination = inside(mount.destination)
    if destination == "/proc":
        if mount.type != "proc" and not options.flags & MS_BIND:
            text = '"/proc" cannot be mounted because it is not of type proc'
            problems.add(f"{where}/type", text, f"{where}/options")
    elif destination.startswith("/proc/") and destination not in INSIDE_PROC:
        problems.add(f"{where}/destination", f"{quoted(destination)} cannot be mounted because it is inside /proc")


def _check_id_mapped(mount: Mount, options: MountOptions, user_namespace: bool, where: str, problems: Problems) -> None:
    check_mappings(mount.uid_mappings, f"{where}/uidMappings", problems)
    check_mappings(mount.gid_mappings, f"{where}/gidMappings", problems)
    if not options.flags & MS_BIND:
        problems.add(f"{where}/options", "id-mapped mounts are only supported for bind-mounts", f"{where}/options")
    if not mount.uid_mappings and not mount.gid_mappings:
        if not user_namespace:
            text = "id-mapped mounts need mappings, or a user namespace that has them"
            problems.add(f"{where}/options", text, "/linux/namespaces")
    elif not mount.uid_mappings or not mount.gid_mappings:
        missing = "gidMappings" if mount.uid_mappings else "uidMappings"
        problems.add(f"{where}/{missing}", "id-mapped mounts must have both uid and gid mappings specified")
