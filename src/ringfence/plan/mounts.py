"""Steps that build the container's file system, performed in its mount namespace before and after the root switch.

Targets are paths inside the rootfs; the init resolves each once, below the root's descriptor
(openat2 RESOLVE_IN_ROOT), makes what is missing, and works through the descriptor. Attributes are the kernel's
MOUNT_ATTR_* bits, propagation flags its MS_* bits.
"""

from __future__ import annotations

from ringfence.plan.step import InitStep
from ringfence.plan.words import attribute_words, propagation_words


class SetTreePropagation(InitStep):
    """Change the propagation of the whole inherited tree, before any other mount."""

    flags: int

    def describe(self) -> tuple[str, str]:
        return "mark", f"/ {propagation_words(self.flags)}"


class OpenRoot(InitStep):
    """Bind the rootfs onto itself, make the mount it lies on private if ``isolate``, and hold its descriptor."""

    path: str
    isolate: bool

    def describe(self) -> tuple[str, str]:
        return "bind", f"{self.path} as the new root"


class UseRoot(InitStep):
    """Hold the descriptor of the root the process already has, or of ``path`` when it is to become it by chroot."""

    path: str

    def describe(self) -> tuple[str, str]:
        return "use", self.path or "the container's root"


class MountFilesystem(InitStep):
    """Mount a new file system.

    ``attributes`` are per mount, ``options`` go to the file system in order. ``inherit_mode`` gives a tmpfs the mode
    of the folder it covers, ``copy_up`` its content. ``ordinary`` demands that no link leads to the target
    (CVE-2019-19921), ``inside_proc`` allows it to lie on procfs.
    """

    type: str
    source: str
    target: str
    attributes: int
    options: tuple[str, ...]
    inherit_mode: bool
    copy_up: bool
    ordinary: bool
    inside_proc: bool

    def describe(self) -> tuple[str, str]:
        data = f"  {','.join(self.options)}" if self.options else ""
        return "mount", f"{self.type} → {self.target}{attribute_words(self.attributes)}{data}"


class BindMount(InitStep):
    """Bind a host path (or the tree of an OpenBindSource, by its slot plus one) onto a target.

    The attributes are put on the detached clone before it is attached, so that a read-only source is never writable
    inside, however briefly. ``set`` and ``clear`` are what the options ask; with ``locked`` (user namespaces) flags
    the source has are kept, and clearing one in ``refuse`` fails with EPERM as the kernel would for a locked flag.
    """

    source: str
    slot: int
    target: str
    recursive: bool
    set: int
    clear: int
    refuse: int
    locked: bool
    set_recursive: int
    clear_recursive: int
    ordinary: bool
    procfs_only: bool
    inside_proc: bool

    def describe(self) -> tuple[str, str]:
        how = "rbind" if self.recursive else "bind"
        return "mount", f"{self.source} → {self.target}  {how}{attribute_words(self.set | self.set_recursive)}"


class SetPropagation(InitStep):
    """Change the propagation of the mount that was made last."""

    target: str
    flags: int

    def describe(self) -> tuple[str, str]:
        return "mark", f"{self.target} {propagation_words(self.flags)}"


class SetMountAttributes(InitStep):
    """mount_setattr(2) on the mount at a path inside."""

    target: str
    set: int
    clear: int
    recursive: bool

    def describe(self) -> tuple[str, str]:
        return "remount", f"{self.target}{attribute_words(self.set)}"


class MakeDevice(InitStep):
    """Make a device node, or with ``bind`` mount the host's node onto an empty file. ``type`` is a S_IF* value."""

    path: str
    type: int
    major: int
    minor: int
    mode: int
    uid: int
    gid: int
    bind: bool

    def describe(self) -> tuple[str, str]:
        number = "" if self.type == 0o010000 else f" {self.major}:{self.minor}"
        return "make", f"{self.path}{number} mode {self.mode:04o}"


class MakeSymlink(InitStep):
    """Make a symbolic link unless something is there; with ``replace`` a file or link in its place is removed."""

    path: str
    target: str
    replace: bool

    def describe(self) -> tuple[str, str]:
        return "link", f"{self.path} → {self.target}"


class MakeDirectory(InitStep):
    """Make a folder with its parents, mode 0755."""

    path: str

    def describe(self) -> tuple[str, str]:
        return "make", f"folder {self.path}"


class PivotRoot(InitStep):
    """pivot_root(2) to the held root and detach the old one completely."""

    def describe(self) -> tuple[str, str]:
        return "pivot", "to the new root, the old one detached"


class MoveRoot(InitStep):
    """Switch the root by MS_MOVE and chroot(2), for a rootfs that pivot_root refuses, such as a ramdisk."""

    def describe(self) -> tuple[str, str]:
        return "move", "the new root over /"


class ChangeRoot(InitStep):
    """chroot(2), for a container without a mount namespace of its own."""

    def describe(self) -> tuple[str, str]:
        return "chroot", "to the rootfs"


class SetRootAttributes(InitStep):
    """mount_setattr(2) on the root mount itself."""

    set: int

    def describe(self) -> tuple[str, str]:
        return "remount", f"/{attribute_words(self.set)}"


class SetRootPropagation(InitStep):
    """Change the propagation of the new root mount."""

    flags: int

    def describe(self) -> tuple[str, str]:
        return "mark", f"/ {propagation_words(self.flags)}"


class SetFileLabel(InitStep):
    """Give the folder that was mounted last its label (security.selinux): mqueue takes none as an option."""

    target: str
    label: str

    def describe(self) -> tuple[str, str]:
        return "label", f"{self.target} {self.label}"


class MakeReadonly(InitStep):
    """Bind a path onto itself, read-only; skipped when it does not exist (config-linux.md, readonlyPaths)."""

    path: str

    def describe(self) -> tuple[str, str]:
        return "protect", f"{self.path} read-only"


class MaskPath(InitStep):
    """Hide a path: /dev/null over a file, one shared empty read-only tmpfs over folders (config-linux.md)."""

    path: str
    label: str = ""

    def describe(self) -> tuple[str, str]:
        return "mask", self.path


class OpenConsole(InitStep):
    """Open a pty from the container's own devpts, send its master over the slot, make it stdin, stdout and stderr.

    ``console`` also binds it onto /dev/console. The peer comes from TIOCGPTPEER (CVE-2025-52565).
    """

    slot: int
    rows: int
    columns: int
    uid: int
    console: bool

    def describe(self) -> tuple[str, str]:
        size = f" {self.columns}x{self.rows}" if self.rows else ""
        return "open", "a terminal" + size + (", also as /dev/console" if self.console else "")
