"""Giving files the owner, mode, extended attributes and times that an entry tells, always by descriptor."""

from __future__ import annotations

import errno
import os
import stat

from ringfence.errors import RingfenceError
from ringfence.image.entry import FOLDER, Entry, shown
from ringfence.image.policy import STRIP, Map, Policy, mapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Warn = Callable[[str, str], None]
    """Told once for each first argument."""

CAPABILITY = b"security.capability"
CAPABILITY_FORMS = {20: b"\x02", 24: b"\x03"}
"""The lengths of the second and the third form, and the byte that says which one it is."""
USER = b"user."
DROPPED = (b"user.overlay.", b"trusted.overlay.")
NOT_POSSIBLE = (errno.EPERM, errno.EACCES, errno.EINVAL)


class Attributes:
    """Attributes under one policy."""

    def __init__(self, policy: Policy, warn: Warn) -> None:
        self.policy = policy
        self.warn = warn

    def mode(self, entry: Entry) -> int:
        """The mode, without the bits that the policy takes away."""
        if self.policy.setuid == STRIP and entry.kind != FOLDER:
            return entry.mode & ~(stat.S_ISUID | stat.S_ISGID)
        return entry.mode

    def owner(self, entry: Entry) -> tuple[int, int]:
        """User and group on the host; -1 leaves the caller's.

        Raises:
            RingfenceError: the map has no place for one.
        """
        policy = self.policy
        if not policy.owners and not policy.uid_map and not policy.gid_map:
            if entry.uid or entry.gid:
                self.warn("owners", "without root and without --uid-map all files are the caller's")
            return -1, -1
        where = shown(entry.name)
        return mapped(policy.uid_map, entry.uid, where), mapped(policy.gid_map, entry.gid, where)

    def apply(self, descriptor: int, entry: Entry) -> None:
        """Set everything on an open file or folder: the owner first, since a change of it clears bits of the mode.

        Raises:
            OSError: as the kernel gave it.
            RingfenceError: the map has no place for the owner.
        """
        user, group = self.owner(entry)
        if (user, group) != (-1, -1):
            os.chown(descriptor, user, group)
        os.chmod(descriptor, self.mode(entry))
        if entry.xattrs:
            self._set_xattrs(descriptor, entry)
        os.utime(descriptor, ns=(entry.mtime, entry.mtime))

    def apply_named(self, folder: int, name: bytes, entry: Entry) -> None:
        """Set owner and time on a link or a special file, which cannot be opened for that; links have no mode.

        Raises:
            OSError: as the kernel gave it.
            RingfenceError: the map has no place for the owner.
        """
        user, group = self.owner(entry)
        if (user, group) != (-1, -1):
            os.chown(name, user, group, dir_fd=folder, follow_symlinks=False)
        os.utime(name, ns=(entry.mtime, entry.mtime), dir_fd=folder, follow_symlinks=False)

    def _set_xattrs(self, descriptor: int, entry: Entry) -> None:
        for name, value in entry.xattrs.items():
            if not self._wanted(name):
                continue
            if not hasattr(os, "setxattr"):
                self.warn("xattrs", "extended attributes are left out: Python has no call for them on this system")
                return
            try:
                os.setxattr(descriptor, name, self._value(name, value, entry))
            except OSError as error:
                if error.errno == errno.ENOTSUP:
                    self.warn("xattrs", "the file system has no extended attributes, they are left out")
                elif error.errno in NOT_POSSIBLE:
                    self.warn(
                        f"xattr {name!r}", f"{shown(entry.name)}: the attribute {shown(name)} may not be set here"
                    )
                else:
                    raise

    def _value(self, name: bytes, value: bytes, entry: Entry) -> bytes:
        """The value on the host; file capabilities hold for the container's root, not for the host's."""
        if name == CAPABILITY and self.policy.uid_map:
            return mapped_capability(value, self.policy.uid_map, shown(entry.name))
        return value

    def _wanted(self, name: bytes) -> bool:
        if name == CAPABILITY:
            return self.policy.setuid != STRIP
        return name.startswith(USER) and not name.startswith(DROPPED)


def mapped_capability(value: bytes, ids: Map, what: str) -> bytes:
    """File capabilities bound to a mapped root, in the kernel's third form (capabilities(7)); other values as they are.

    Raises:
        RingfenceError: the map has no place for the root that they hold for.
    """
    revision = value[3:4] if len(value) in CAPABILITY_FORMS else b""
    if revision != CAPABILITY_FORMS.get(len(value)):
        return value
    root = int.from_bytes(value[20:24], "little")
    return value[:3] + CAPABILITY_FORMS[24] + value[4:20] + mapped(ids, root, what).to_bytes(4, "little")


def chmod_node(folder: int, name: bytes, mode: int) -> None:
    """Set the mode of a special file without opening it and without following a link that has taken its place.

    Raises:
        OSError: as the kernel gave it.
        RingfenceError: a link has taken its place.
    """
    if os.chmod in os.supports_follow_symlinks:
        os.chmod(name, mode, dir_fd=folder, follow_symlinks=False)
        return
    held = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        if stat.S_ISLNK(os.fstat(held).st_mode):
            raise RingfenceError(f"{shown(name)}: a link has taken its place")
        os.chmod(f"/proc/self/fd/{held}", mode)
    finally:
        os.close(held)
