"""One entry of ``mounts`` as steps."""

from __future__ import annotations

from ringfence import paths
from ringfence.errors import RingfenceError
from ringfence.plan import birth, mounts
from ringfence.spec import options as words
from ringfence.spec.options import parse_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.plan.step import InitStep
    from ringfence.spec.options import MountOptions
    from ringfence.spec.types import IDMapping, Linux, Mount

# Files of procfs that tools such as lxcfs cover (LNX-PROC-03).
PROC_FILES = frozenset(
    f"/proc/{name}"
    for name in (
        "cpuinfo",
        "diskstats",
        "meminfo",
        "stat",
        "swaps",
        "uptime",
        "loadavg",
        "slabinfo",
        "sys/kernel/ns_last_pid",
        "sys/crypto/fips_enabled",
    )
)
UNLABELLED = ("proc", "sysfs", "mqueue")
PLAIN_FOLDERS = ("/proc", "/sys")
ATTRIBUTES = (
    (words.MS_RDONLY, words.MOUNT_ATTR_RDONLY),
    (words.MS_NOSUID, words.MOUNT_ATTR_NOSUID),
    (words.MS_NODEV, words.MOUNT_ATTR_NODEV),
    (words.MS_NOEXEC, words.MOUNT_ATTR_NOEXEC),
    (words.MS_NOSYMFOLLOW, words.MOUNT_ATTR_NOSYMFOLLOW),
    (words.MS_NODIRATIME, words.MOUNT_ATTR_NODIRATIME),
)
SUPERBLOCK_WORDS = (
    (words.MS_RDONLY, "ro"),
    (words.MS_SYNCHRONOUS, "sync"),
    (words.MS_DIRSYNC, "dirsync"),
    (words.MS_LAZYTIME, "lazytime"),
    (words.MS_MANDLOCK, "mand"),
)
ATIME_WORDS = words.MS_RELATIME | words.MS_NOATIME | words.MS_STRICTATIME | words.MS_NODIRATIME


def parsed(mount: Mount) -> MountOptions:
    """The options of an entry, sorted."""
    return parse_options(mount.options)


def is_bind(mount: Mount) -> bool:
    """A bind mount is one whose options say so, whatever its type (LNX-MNT-09)."""
    return "bind" in mount.options or "rbind" in mount.options


def clean(destination: str) -> str:
    """The destination as an absolute path without dots (LNX-MNT-02)."""
    return paths.normpath("/" + destination.lstrip("/"))


def attributes(flags: int) -> int:
    """MOUNT_ATTR_* for MS_* flags, access time mode included."""
    found = 0
    for flag, attribute in ATTRIBUTES:
        if flags & flag:
            found |= attribute
    if flags & words.MS_NOATIME:
        found |= words.MOUNT_ATTR_NOATIME
    elif flags & words.MS_STRICTATIME:
        found |= words.MOUNT_ATTR_STRICTATIME
    return found


def bind_attributes(asked: MountOptions) -> tuple[int, int]:
    """What a bind sets and clears: nothing if it names no flag, else exactly what it names (LNX-BIND-01 to 04)."""
    if not asked.given:
        return 0, 0
    wanted = attributes(asked.flags)
    cleared = attributes(words.MS_RDONLY | words.MS_NOSUID | words.MS_NODEV | words.MS_NOEXEC | words.MS_NOSYMFOLLOW)
    if asked.flags & ATIME_WORDS:
        cleared |= words.MOUNT_ATTR__ATIME | words.MOUNT_ATTR_NODIRATIME
    return wanted, cleared & ~(wanted & ~words.MOUNT_ATTR__ATIME)


class Sources:
    """Bind sources the conductor opens, and where relative ones are looked for.

    ``privileged``: the conductor may clone mounts of the host; without that, it has no right the process lacks.
    """

    def __init__(
        self, linux: Linux, bundle: str, rootfs: str, user_namespace: bool, namespace_path: str, *, privileged: bool
    ):
        self.linux = linux
        self.bundle = bundle
        self.rootfs = rootfs
        self.user_namespace = user_namespace
        self.namespace_path = namespace_path
        self.privileged = privileged
        self.steps: list[InitStep] = []

    def place(self, source: str) -> str:
        """A source on the host; relative ones lie in the bundle (LNX-MNT-07)."""
        return paths.normpath(paths.join(self.bundle, source))

    def slot(self, index: int, mount: Mount, asked: MountOptions, source: str) -> int:
        """The conductor's slot for a source plus one, 0 when the process itself is to open it.

        What an earlier entry mounted below the rootfs is only seen by the process (LNX-MNT-01).
        """
        mapped = bool(mount.uid_mappings or asked.idmap or asked.ridmap)
        inner = source == self.rootfs or source.startswith(self.rootfs + "/")
        if not mapped and (inner or not self.user_namespace or not self.privileged):
            return 0
        uid_map, gid_map, path = self.maps(index, mount) if mapped else ("", "", "")
        recursive = bool(asked.flags & words.MS_REC)
        number = len(self.steps)
        self.steps.append(
            birth.OpenBindSource(
                f"/mounts/{index}/source", source, number, recursive, uid_map, gid_map, path, asked.ridmap
            )
        )
        return number + 1

    def maps(self, index: int, mount: Mount) -> tuple[str, str, str]:
        """The maps of an id-mapped mount: its own, or those of the container's user namespace (LNX-IDMAP-04)."""
        if mount.uid_mappings:
            return lines(mount.uid_mappings), lines(mount.gid_mappings), ""
        if self.namespace_path:
            return "", "", self.namespace_path
        if not self.linux.uid_mappings:
            raise RingfenceError(
                f"config.json#/mounts/{index}: an idmap mount without mappings needs a user namespace",
                field=f"/mounts/{index}",
            )
        return lines(self.linux.uid_mappings), lines(self.linux.gid_mappings), ""


def lines(mappings: tuple[IDMapping, ...]) -> str:
    """The mappings as lines of a uid_map."""
    return "".join(f"{one.container_id} {one.host_id} {one.size}\n" for one in mappings)


def mount_steps(index: int, mount: Mount, sources: Sources) -> list[InitStep]:
    """The mount itself, then its propagation, in the order of the words."""
    asked = parsed(mount)
    pointer = f"/mounts/{index}"
    target = clean(mount.destination)
    if is_bind(mount):
        step: InitStep = bind_step(index, mount, asked, target, sources)
    elif asked.flags & words.MS_REMOUNT:
        wanted, cleared = bind_attributes(asked)
        step = mounts.SetMountAttributes(pointer, target, wanted, cleared, False)
    else:
        step = filesystem_step(pointer, mount, asked, target, sources.linux.mount_label or "")
    steps = [step, *label_steps(pointer, mount, target, sources.linux.mount_label or "")]
    return [*steps, *(mounts.SetPropagation(f"{pointer}/options", target, flags) for flags in asked.propagation)]


def bind_step(index: int, mount: Mount, asked: MountOptions, target: str, sources: Sources) -> mounts.BindMount:
    """A bind mount; data cannot go to a file system that is mounted already (LNX-MNT-13)."""
    pointer = f"/mounts/{index}"
    if asked.data:
        raise RingfenceError(
            f"config.json#{pointer}/options: super block options cannot be applied to a bind: {asked.data}",
            field=f"{pointer}/options",
        )
    source = sources.place(mount.source or "")
    wanted, cleared = bind_attributes(asked)
    return mounts.BindMount(
        pointer,
        source,
        sources.slot(index, mount, asked, source),
        target,
        bool(asked.flags & words.MS_REC),
        wanted,
        cleared,
        attributes(asked.cleared),
        sources.user_namespace,
        asked.set_recursive,
        asked.clear_recursive,
        target in PLAIN_FOLDERS,
        target == "/proc",
        target in PROC_FILES,
    )


def label_steps(pointer: str, mount: Mount, target: str, label: str) -> list[InitStep]:
    """mqueue is relabelled when it has been mounted (LNX-LSM-03)."""
    return [mounts.SetFileLabel(pointer, target, label)] if label and mount.type == "mqueue" else []


def context_option(kind: str, label: str) -> tuple[str, ...]:
    """The label as an option of a new file system; proc, sysfs and mqueue take none (LNX-LSM-03)."""
    return (f"context={label}",) if label and kind not in UNLABELLED else ()


def filesystem_step(pointer: str, mount: Mount, asked: MountOptions, target: str, label: str) -> mounts.MountFilesystem:
    """A new file system. tmpfs and /dev become read-only later, when their content has been made."""
    tmpfs = mount.type == "tmpfs"
    flags = asked.flags & ~words.MS_RDONLY if tmpfs or target == "/dev" else asked.flags
    data = tuple(word for word in asked.data.split(",") if word)
    superblock = tuple(word for flag, word in SUPERBLOCK_WORDS if flags & flag)
    has_mode = any(word.startswith("mode=") for word in data)
    return mounts.MountFilesystem(
        pointer,
        mount.type or "",
        mount.source or "",
        target,
        attributes(flags) | asked.set_recursive,
        superblock + data + context_option(mount.type or "", label),
        tmpfs and not has_mode,
        tmpfs and asked.tmpcopyup,
        target in PLAIN_FOLDERS,
        target in PROC_FILES,
    )
