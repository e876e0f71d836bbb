"""The last walk over an unpacked tree: folders get their attributes from the deepest to the root."""

from __future__ import annotations

import os

from ringfence.errors import RingfenceError, from_os_error
from ringfence.image.attributes import Attributes
from ringfence.image.entry import Entry, shown
from ringfence.image.flags import flag_bits, set_flags
from ringfence.image.inside import OPEN, Key

FILE_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Finish:
    """Sets what is still to be set, by inode; with file flags also on files."""

    def __init__(self, attributes: Attributes, pending: dict[Key, Entry]) -> None:
        self.attributes = attributes
        self.pending = pending
        self.flags = attributes.policy.flags

    def walk(self, folder: int) -> None:
        """Set everything in a folder, and then on it.

        Raises:
            RingfenceError: something cannot be set.
        """
        with os.scandir(folder) as entries:
            found = [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False), entry.inode()) for entry in entries]
        device = os.fstat(folder).st_dev
        for name, is_folder, inode in found:
            if is_folder:
                self._enter(folder, name)
            elif self.flags and (device, inode) in self.pending:
                self._flag(folder, name)
        status = os.fstat(folder)
        entry = self.pending.get((status.st_dev, status.st_ino))
        if entry is not None:
            self._apply(folder, entry)

    def _enter(self, folder: int, name: bytes) -> None:
        try:
            child = os.open(name, OPEN, dir_fd=folder)
        except OSError as error:
            raise from_os_error(f"cannot set the attributes of {shown(name)}", error) from None
        try:
            self.walk(child)
        finally:
            os.close(child)

    def _apply(self, folder: int, entry: Entry) -> None:
        try:
            self.attributes.apply(folder, entry)
            if self.flags and entry.flags:
                set_flags(folder, flag_bits(entry.flags))
        except OSError as error:
            raise from_os_error(f"cannot set the attributes of {shown(entry.name)}", error) from None

    def _flag(self, folder: int, name: bytes) -> None:
        held = -1
        try:
            held = os.open(name, FILE_OPEN, dir_fd=folder)
            status = os.fstat(held)
            entry = self.pending.get((status.st_dev, status.st_ino))
            if entry is None:
                raise RingfenceError(f"{shown(name)} has been replaced meanwhile")
            set_flags(held, flag_bits(entry.flags))
        except OSError as error:
            raise from_os_error(f"cannot set the file flags of {shown(name)}", error) from None
        finally:
            if held >= 0:
                os.close(held)
